namespace Shoal.Engine;

/// <summary>What tells whether a file is still the one we left: size in bytes and time of last change in UTC ticks.</summary>
internal readonly record struct FileStamp(long Size, long ModifiedTicks);

/// <summary>What stands at a path; links are not followed.</summary>
internal enum PathKind
{
    Missing,
    File,
    Directory,
    Link,
}

/// <summary>
/// The little of a file system that storage and journal need, so that tests can fill the disk, break it or cut
/// the power. Members throw IOException or UnauthorizedAccessException; safe to call from several threads.
/// </summary>
internal interface IFileSystem
{
    /// <param name="path">Absolute.</param>
    /// <param name="create">Make the file if it is missing; its folder must be there.</param>
    /// <param name="preallocate">Bytes to reserve when the file is made; 0: none.</param>
    IDataFile Open(string path, bool writable, bool create, long preallocate = 0);

    PathKind KindOf(string path);

    /// <summary>Null if there is no such file. Links are followed: reading through them is allowed.</summary>
    FileStamp? StampOf(string path);

    /// <summary>Makes one folder; its parent must be there.</summary>
    void CreateDirectory(string path);

    /// <param name="target">Relative to the link's folder.</param>
    void CreateLink(string path, string target);

    void SetExecutable(string path);

    /// <summary>Removes a file or a link; nothing happens if it is missing.</summary>
    void Delete(string path);

    /// <summary>Removes the folder if it is empty; otherwise nothing happens.</summary>
    void DeleteDirectory(string path);

    /// <summary>Renames, replacing a file at the new place. False: the places are on different devices.</summary>
    bool TryMove(string from, string to);

    /// <summary>Makes names created, renamed or removed in this folder durable.</summary>
    void SyncDirectory(string path);
}

/// <summary>An open file. Safe to use from several threads: every access names its offset.</summary>
internal interface IDataFile : IDisposable
{
    FileStamp Stamp { get; }

    /// <summary>Fills the buffer; less only at the end of the file. Returns the bytes read.</summary>
    int Read(Span<byte> buffer, long offset);

    /// <summary>Fills the buffers in order; less only at the end of the file. Returns the bytes read.</summary>
    long Read(IReadOnlyList<Memory<byte>> buffers, long offset);

    void Write(ReadOnlySpan<byte> bytes, long offset);

    void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset);

    void SetLength(long length);

    /// <summary>Makes the file's content and length durable.</summary>
    void Sync();
}
