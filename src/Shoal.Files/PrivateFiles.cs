using System.ComponentModel;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Shoal.Files;

/// <summary>Files that only their owner can read, written whole or not at all: keys, and what names people.</summary>
public static partial class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const FileShare Unlocked = FileShare.ReadWrite | FileShare.Delete;

    private const UnixFileMode Others =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    /// <summary>Writing such a file takes an instant: one that nobody has finished for so long was left behind.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    // Two that write the same file at once each have a name of their own, and the last of them wins.
    private static int _temporaries;

    /// <summary>Makes the folder, for its owner only, unless it is there.</summary>
    public static void CreateFolder(string folder)
    {
        if (!Directory.Exists(folder))
        {
            _ = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(folder)
                : Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Replaces the file; its content is on the disk when this returns.</summary>
    /// <exception cref="IOException">The old content is there.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content) => Write(path, content, overwrite: true);

    /// <summary>Writes a file that is not there yet; of two programs that do this at once the first wins.</summary>
    /// <returns>False: it is there, and stays as it is.</returns>
    /// <exception cref="IOException">There is none.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static bool TryWriteNew(string path, ReadOnlySpan<byte> content)
    {
        try
        {
            Write(path, content, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    /// <summary>
    /// Deletes what was left behind in a folder of ours by programs that were killed while they wrote a file there. For the start of
    /// whoever uses the folder; what cannot be deleted stays.
    /// </summary>
    /// <param name="folder">Those in it are not looked at.</param>
    public static void Sweep(string folder) => Sweep(folder, DateTime.UtcNow, StartOf);

    /// <param name="startOf">When the process of a number began, UTC; null: there is none.</param>
    internal static void Sweep(string folder, DateTime now, Func<int, DateTime?> startOf)
    {
        try
        {
            var files = new DirectoryInfo(folder).EnumerateFiles(
                "*.new",
                new EnumerationOptions { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }
            );
            foreach (var file in files)
            {
                if (
                    TemporaryName.Match(file.Name) is { Success: true } name
                    && int.TryParse(name.Groups["process"].ValueSpan, out var process)
                    && now - file.LastWriteTimeUtc >= Abandoned
                    // The number alone tells nothing: of a process in another container that uses the folder there is none here, and
                    // in a container the next has the same. One that began later has not written it.
                    && !(startOf(process) <= file.LastWriteTimeUtc)
                )
                {
                    file.Delete();
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No folder, or no right to: nobody is in need of it.
        }
    }

    /// <summary>Whether somebody but its owner can read or write the open file; never on Windows, which has other rules.</summary>
    public static bool IsOpenToOthers(FileStream file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & Others) != 0;
    }

    /// <summary>Reads a file that others cannot read.</summary>
    /// <exception cref="IOException">It is longer than it may be, or others can read it.</exception>
    public static byte[] Read(string path, int maxLength)
    {
        // Less would lock it, and a child process that is just being started keeps a lock a moment longer than we do.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, Unlocked);
        if (IsOpenToOthers(file))
        {
            throw new IOException($"{path} can be read by others than its owner: chmod 600 mends that");
        }

        if (file.Length > maxLength)
        {
            throw new IOException($"{path} is longer than such a file can be");
        }

        var content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    // As Write names them.
    [GeneratedRegex(@"^.+\.(?<process>[0-9]{1,10})\.[0-9]{1,10}\.new$")]
    private static partial Regex TemporaryName { get; }

    private static DateTime? StartOf(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return found.StartTime.ToUniversalTime();
        }
        catch (ArgumentException)
        {
            return null;
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException or NotSupportedException)
        {
            // It is there, and who knows since when.
            return DateTime.MinValue;
        }
    }

    private static void Write(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var temporary = $"{path}.{Environment.ProcessId}.{Interlocked.Increment(ref _temporaries)}.new";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                Share = Unlocked,
                BufferSize = 0,
            };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
