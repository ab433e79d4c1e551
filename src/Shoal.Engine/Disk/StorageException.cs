namespace Shoal.Engine;

/// <summary>
/// A file could not be opened, read or written. Thrown by <see cref="FileStorage"/> and caught once, in the shard
/// or in the caller of an administrative operation, where it becomes an event.
/// </summary>
internal sealed class StorageException : IOException
{
    /// <summary>ENOSPC.</summary>
    public const int NoSpace = 28;

    private const int Interrupted = 5; // EIO
    private const int ReadOnlyFileSystem = 30; // EROFS
    private const int LinuxQuota = 122; // EDQUOT
    private const int MacQuota = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);
    private const int WindowsWriteProtect = unchecked((int)0x80070013);

    public StorageException(DiskFailureKind kind, string message, Exception? inner = null)
        : base(message, inner) => Failure = new DiskFailure(kind, message);

    public DiskFailure Failure { get; }

    /// <summary>Whether the exception is one that files cause, as opposed to a bug.</summary>
    public static bool IsExpected(Exception e) =>
        e is IOException or UnauthorizedAccessException or NotSupportedException or System.Security.SecurityException;

    /// <summary>Says what was tried with which file and why it failed, in words for the user.</summary>
    /// <param name="doing">For example "cannot write".</param>
    public static StorageException From(Exception e, string doing, string path)
    {
        if (e is StorageException known)
        {
            return known;
        }

        var kind = KindOf(e);
        var reason = kind switch
        {
            DiskFailureKind.Full => "the disk is full",
            DiskFailureKind.ReadOnly => "the file system is read-only",
            DiskFailureKind.Denied => "permission denied",
            DiskFailureKind.Missing => "it does not exist",
            _ when e.HResult == Interrupted => "the disk reports an input/output error",
            _ => e.Message,
        };
        return new StorageException(kind, $"{doing} '{path}': {reason}", e);
    }

    private static DiskFailureKind KindOf(Exception e) =>
        e switch
        {
            FileNotFoundException or DirectoryNotFoundException => DiskFailureKind.Missing,
            UnauthorizedAccessException => DiskFailureKind.Denied,
            _ => e.HResult switch
            {
                NoSpace or LinuxQuota or MacQuota or WindowsDiskFull or WindowsHandleDiskFull => DiskFailureKind.Full,
                ReadOnlyFileSystem or WindowsWriteProtect => DiskFailureKind.ReadOnly,
                _ => DiskFailureKind.Other,
            },
        };
}
