using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Shoal.Engine;

/// <summary>
/// Locks between processes, by name, in one folder. On Linux all of them are bytes of a few files, so that ten thousand torrents
/// take some handles and not twenty thousand; elsewhere, and where the file system knows no such locks, each is a <see cref="FileLock"/>. Two of these in one process keep each
/// other out as two processes do. Safe to use from any thread.
/// </summary>
internal sealed partial class LockFolder : IDisposable
{
    private const int WouldBlock = 11; // EAGAIN
    private const int Denied = 13; // EACCES
    private const int SetOpenFileLock = 37; // F_OFD_SETLK

    /// <summary>The system looks through all locks of a file for each new one: these many make that short.</summary>
    private const int Files = 256;
    private const short WriteLock = 1;
    private const short Unlock = 2;

    // Errors of file systems and kernels that have no such locks: EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP.
    private static readonly int[] Unknown = [22, 37, 38, 95];

    private readonly string _folder;
    private readonly Lock _lock = new();
    private readonly HashSet<string> _held = new(StringComparer.Ordinal);
    private readonly FileStream?[] _files = new FileStream?[Files];
    private bool _isDisposed;
    private bool _isUnknown = !OperatingSystem.IsLinux() || !Environment.Is64BitProcess;

    public LockFolder(string folder) => _folder = folder;

    /// <summary>Takes a lock; null: somebody else has it.</summary>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public IDisposable? TryTake(string name)
    {
        lock (_lock)
        {
            // What we hold ourselves the system would let us take again.
            if (!_isUnknown && !_held.Add(name))
            {
                return null;
            }

            var taken = false;
            try
            {
                taken = !_isUnknown && TrySet(name, WriteLock);
            }
            finally
            {
                if (!taken)
                {
                    _held.Remove(name);
                }
            }

            return taken ? new Held(this, name)
                : _isUnknown ? FileLock.TryTake(Path.Combine(_folder, name + ".lock"))
                : null;
        }
    }

    /// <summary>Gives up everything.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Array.ForEach(_files, file => file?.Dispose());
        }
    }

    private void Release(string name)
    {
        lock (_lock)
        {
            if (_held.Remove(name) && !_isDisposed)
            {
                TrySet(name, Unlock);
            }
        }
    }

    private bool TrySet(string name, short kind)
    {
        var place = PlaceOf(name);
        var number = (int)(place % Files);
        ref var file = ref _files[number];
        if (file is null)
        {
            Directory.CreateDirectory(_folder);
            file = new FileStream(
                Path.Combine(_folder, $"claims-{number:x2}"),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete,
                1
            );
        }

        var range = new LockRange
        {
            Kind = kind,
            Start = place,
            Length = 1,
        };
        if (Control(file.SafeFileHandle, SetOpenFileLock, ref range) == 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        _isUnknown = Array.IndexOf(Unknown, error) >= 0;
        return _isUnknown || error is WouldBlock or Denied
            ? false
            : throw new IOException($"cannot lock '{file.Name}': {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    /// <summary>A place of a file that is as good as the name's own: of two names in 2^62 places none meet by chance.</summary>
    private static long PlaceOf(string name) =>
        (long)(BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name))) >> 2);

    // fcntl(2): "struct flock" of 64-bit Linux.
    [StructLayout(LayoutKind.Sequential)]
    private struct LockRange
    {
        public short Kind;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    // The call takes its third argument as any number of others: on the systems we know they are passed alike.
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, ref LockRange range);

    private sealed class Held(LockFolder owner, string name) : IDisposable
    {
        public void Dispose() => owner.Release(name);
    }
}
