using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Shoal.Cli;

/// <summary>Measures this machine for <see cref="Diagnosis"/>. Nothing is changed, and what is written is taken away again.</summary>
internal static class MachineProbe
{
    /// <summary>Written to find out how fast a disk is.</summary>
    private const int TrialBytes = 64 * 1024 * 1024;

    /// <summary>A disk that takes longer is slow, and that is enough to know.</summary>
    private static readonly TimeSpan TrialTime = TimeSpan.FromSeconds(5);

    public static MachineFacts Measure(string stateDirectory, string folder)
    {
        var (rate, problem) = WriteRate(folder);
        return new MachineFacts
        {
            StateDirectory = stateDirectory,
            StateProblem = WhyNotWritable(stateDirectory),
            Folder = folder,
            FolderProblem = problem,
            WriteRate = rate,
            Free = Free(folder),
            OpenFiles = OpenFiles(),
            IsClockSet = IsClockSet(),
            ReceiveRoom = Number("/proc/sys/net/core/rmem_max"),
            SendRoom = Number("/proc/sys/net/core/wmem_max"),
        };
    }

    private static (double? Rate, string? Problem) WriteRate(string folder)
    {
        try
        {
            var existing = Existing(folder);
            var path = Path.Combine(existing, $".shoal-doctor-{Environment.ProcessId}");
            using var file = new FileStream(
                path,
                FileMode.CreateNew,
                FileAccess.Write,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
            // Zeros are no trial for a disk that packs what it is given.
            var block = new byte[1024 * 1024];
            new Random(1).NextBytes(block);
            var clock = Stopwatch.StartNew();
            var written = 0;
            while (written < TrialBytes && clock.Elapsed < TrialTime)
            {
                file.Write(block);
                written += block.Length;
                if (written % (8 * block.Length) == 0)
                {
                    file.Flush(flushToDisk: true);
                }
            }

            file.Flush(flushToDisk: true);
            return (written / clock.Elapsed.TotalSeconds, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, error.Message);
        }
    }

    private static string? WhyNotWritable(string folder)
    {
        try
        {
            var path = Path.Combine(Existing(folder), $".shoal-doctor-{Environment.ProcessId}");
            using var file = new FileStream(
                path,
                FileMode.CreateNew,
                FileAccess.Write,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
    }

    private static long? Free(string folder)
    {
        try
        {
            return new DriveInfo(Existing(folder)).AvailableFreeSpace;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The folder, or the nearest above it that is there.</summary>
    private static string Existing(string folder)
    {
        var existing = CliPath.Full(folder);
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } above)
        {
            existing = above;
        }

        return existing;
    }

    private static long? OpenFiles()
    {
        const string name = "Max open files";
        try
        {
            var line = File.ReadLines("/proc/self/limits")
                .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            var soft = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            return soft == "unlimited" ? long.MaxValue
                : long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long? Number(string path)
    {
        try
        {
            return long.TryParse(
                File.ReadAllText(path),
                NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture,
                out var value
            )
                ? value
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool? IsClockSet()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        // adjtimex(2): with no modes it only reads, and "TIME_ERROR: the system clock is not synchronized" is 5.
        const int notSynchronised = 5;
        try
        {
            var state = ReadClock(new byte[512]);
            return state < 0 ? null : state != notSynchronised;
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return null;
        }
    }

    [DllImport("libc", EntryPoint = "adjtimex")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ReadClock([In, Out] byte[] room);
}
