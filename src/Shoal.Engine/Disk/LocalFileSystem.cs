using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Shoal.Engine;

/// <summary>The file system of the machine.</summary>
internal sealed partial class LocalFileSystem : IFileSystem
{
    private const int CrossDeviceLink = 18; // EXDEV, on Linux, macOS and FreeBSD alike
    private const int UnknownFailure = unchecked((int)0x80131620); // COR_E_IO
    private const int WindowsNotSameDevice = unchecked((int)0x80070011);

    public IDataFile Open(string path, bool writable, bool create, long preallocate = 0)
    {
        SpecialFiles.Refuse(path);
        if (create && preallocate > 0 && !File.Exists(path))
        {
            return CreateWithSpace(path, preallocate);
        }

        return new LocalFile(
            File.OpenHandle(
                path,
                create ? FileMode.OpenOrCreate : FileMode.Open,
                writable ? FileAccess.ReadWrite : FileAccess.Read,
                Sharing
            )
        );
    }

    private static LocalFile CreateWithSpace(string path, long space)
    {
        try
        {
            return new LocalFile(
                File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, Sharing, FileOptions.None, space)
            );
        }
        catch (IOException exception) when (exception.HResult == UnknownFailure && HasNot(path, space))
        {
            // The library makes an exception of its own of a disk that is full, without the system's number.
            throw new IOException(exception.Message, StorageException.NoSpace);
        }
    }

    private static bool HasNot(string path, long space) =>
        new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace < space;

    // Others may read, move and delete our files; on Unix this also means that no advisory lock is taken.
    private static FileShare Sharing => FileShare.ReadWrite | FileShare.Delete;

    public PathKind KindOf(string path)
    {
        var info = new FileInfo(path);
        // -1: nothing there. A link that points nowhere has attributes all the same.
        var attributes = info.Attributes;
        if ((int)attributes == -1)
        {
            return PathKind.Missing;
        }

        if (info.LinkTarget is not null)
        {
            return PathKind.Link;
        }

        return (attributes & FileAttributes.Directory) != 0 ? PathKind.Directory : PathKind.File;
    }

    public FileStamp? StampOf(string path)
    {
        FileSystemInfo info = new FileInfo(path);
        try
        {
            if (info.LinkTarget is not null)
            {
                info = info.ResolveLinkTarget(returnFinalTarget: true) ?? info;
            }

            return info is FileInfo { Exists: true } file
                ? new FileStamp(file.Length, file.LastWriteTimeUtc.Ticks)
                : null;
        }
        catch (IOException)
        {
            // A cycle of links, or the file went away between the two questions.
            return null;
        }
    }

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public void CreateLink(string path, string target) => File.CreateSymbolicLink(path, target);

    public void SetExecutable(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var mode = File.GetUnixFileMode(path);
        // Whoever may read it may run it: the user's umask decided who may read.
        var readers = mode & (UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        File.SetUnixFileMode(path, mode | (UnixFileMode)((int)readers >> 2));
    }

    public void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone together with its folder.
        }
    }

    public void DeleteDirectory(string path)
    {
        try
        {
            Directory.Delete(path, recursive: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It holds something that is not ours, or it is not there: either way it stays as it is.
        }
    }

    public bool TryMove(string from, string to)
    {
        if (!OperatingSystem.IsWindows())
        {
            if (Rename(from, to) == 0)
            {
                return true;
            }

            var error = Marshal.GetLastPInvokeError();
            return error == CrossDeviceLink
                ? false
                : throw new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{from}' to '{to}'", error);
        }

        try
        {
            File.Move(from, to, overwrite: true);
            return true;
        }
        catch (IOException e) when (e.HResult == WindowsNotSameDevice)
        {
            return false;
        }
    }

    public void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals names by itself.
        }

        var descriptor = OpenDescriptor(path, 0);
        if (descriptor < 0)
        {
            throw new IOException($"cannot open the folder '{path}'", Marshal.GetLastPInvokeError());
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (SyncDescriptor(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            const int Invalid = 22; // EINVAL: some network file systems have no such thing for folders.
            if (error != Invalid)
            {
                throw new IOException($"cannot sync the folder '{path}'", error);
            }
        }
    }

    // File.Move copies across devices behind our back; the copy must be ours, to be synced and to be undone.
    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    // .NET opens no folders.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(SafeFileHandle handle);
}

internal sealed class LocalFile(SafeFileHandle handle) : IDataFile
{
    public FileStamp Stamp => new(RandomAccess.GetLength(handle), File.GetLastWriteTimeUtc(handle).Ticks);

    public int Read(Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var count = RandomAccess.Read(handle, buffer[total..], offset + total);
            if (count == 0)
            {
                break;
            }

            total += count;
        }

        return total;
    }

    public long Read(IReadOnlyList<Memory<byte>> buffers, long offset)
    {
        if (buffers.Count == 1)
        {
            return Read(buffers[0].Span, offset);
        }

        long wanted = 0;
        foreach (var buffer in buffers)
        {
            wanted += buffer.Length;
        }

        var total = RandomAccess.Read(handle, buffers, offset);
        if (total == wanted || total == 0)
        {
            return total;
        }

        // A short read is the end of the file nearly always; a signal or a network file system may cause one too.
        var skip = total;
        foreach (var buffer in buffers)
        {
            if (skip >= buffer.Length)
            {
                skip -= buffer.Length;
                continue;
            }

            var rest = buffer.Span[(int)skip..];
            skip = 0;
            var count = Read(rest, offset + total);
            total += count;
            if (count < rest.Length)
            {
                break;
            }
        }

        return total;
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(handle, bytes, offset);

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
    {
        if (buffers.Count == 1)
        {
            RandomAccess.Write(handle, buffers[0].Span, offset);
        }
        else
        {
            RandomAccess.Write(handle, buffers, offset);
        }
    }

    public void SetLength(long length) => RandomAccess.SetLength(handle, length);

    public void Sync() => RandomAccess.FlushToDisk(handle);

    public void Dispose() => handle.Dispose();
}
