namespace Shoal.Engine;

/// <summary>
/// A file by its path, opened for each read: whoever owns it may move or delete it at any time, and that is then no
/// more than a copy that cannot be made.
/// </summary>
internal sealed class FileSource(IFileSystem files, string path) : IContentSource
{
    public bool TryRead(long offset, Span<byte> buffer)
    {
        try
        {
            using var file = files.Open(path, writable: false, create: false);
            return file.Read(buffer, offset) == buffer.Length;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return false;
        }
    }
}
