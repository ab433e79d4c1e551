namespace Shoal.Engine;

/// <summary>A file on disk and its place in a torrent's range.</summary>
/// <param name="DiskPath">Where it lies.</param>
/// <param name="Offset">Of its first byte in the torrent's range, in bytes.</param>
/// <param name="Size">Bytes that belong to the torrent. Not 0.</param>
internal sealed record ContentFile(string DiskPath, long Offset, long Size)
{
    public long End => Offset + Size;
}
