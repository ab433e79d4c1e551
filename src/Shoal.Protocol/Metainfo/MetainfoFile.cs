namespace Shoal.Protocol;

/// <summary>One file of a torrent, in the order of the torrent.</summary>
public sealed record MetainfoFile
{
    /// <summary>
    /// Where the file lies below the download folder, with '/' between elements: safe to join to a folder on
    /// this platform (no "..", nothing absolute, unique within the torrent). Starts with the torrent's name
    /// if the torrent has a folder of its own.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Offset of the first byte in the torrent's range (see <see cref="PieceLayout"/>), in bytes.</summary>
    public required long Offset { get; init; }

    /// <summary>BEP 47: padding; all zero, never written to disk.</summary>
    public bool IsPad { get; init; }

    /// <summary>BEP 47 attribute x.</summary>
    public bool IsExecutable { get; init; }

    /// <summary>BEP 47 attribute h.</summary>
    public bool IsHidden { get; init; }

    /// <summary>BEP 47: what a symbolic link points to: a path like <see cref="Path"/>, within the torrent.</summary>
    public string? SymlinkTarget { get; init; }

    /// <summary>BEP 52: root of the file's merkle tree; null in v1 torrents and for empty files.</summary>
    public Sha256Digest? PiecesRoot { get; init; }

    /// <summary>End of the file in the torrent's range, in bytes, exclusive.</summary>
    public long End => Offset + Size;
}
