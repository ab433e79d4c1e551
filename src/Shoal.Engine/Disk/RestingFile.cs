namespace Shoal.Engine;

/// <summary>
/// A file that gives up its handle while nothing happens, and opens again by itself: a handle for each of ten thousand
/// journals is more than most systems allow a process. Access is not synchronised; its owner has a lock.
/// </summary>
internal sealed class RestingFile(IFileSystem files, string path, IDataFile open) : IDataFile
{
    private IDataFile? _open = open;

    private IDataFile Open => _open ??= files.Open(path, writable: true, create: false);

    public FileStamp Stamp => Open.Stamp;

    /// <summary>Nothing will be written for a while.</summary>
    public void Rest()
    {
        _open?.Dispose();
        _open = null;
    }

    public int Read(Span<byte> buffer, long offset) => Open.Read(buffer, offset);

    public long Read(IReadOnlyList<Memory<byte>> buffers, long offset) => Open.Read(buffers, offset);

    public void Write(ReadOnlySpan<byte> bytes, long offset) => Open.Write(bytes, offset);

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset) => Open.Write(buffers, offset);

    public void SetLength(long length) => Open.SetLength(length);

    public void Sync() => Open.Sync();

    public void Dispose() => Rest();
}
