namespace Shoal.Protocol;

/// <summary>What <see cref="MetainfoWriter"/> makes a .torrent file of: content that has been hashed.</summary>
public sealed record MetainfoDraft
{
    public required TorrentFormat Format { get; init; }

    /// <summary>The file's name, or that of the folder that holds all files.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes. For v2 and hybrid a power of two of at least 16 KiB.</summary>
    public required int PieceLength { get; init; }

    /// <summary>One file, not in a folder: <see cref="Files"/> has one element whose path is the name.</summary>
    public required bool IsSingleFile { get; init; }

    /// <summary>In the order of <see cref="MetainfoWriter.PathOrder"/>; no pad files.</summary>
    public required IReadOnlyList<MetainfoDraftFile> Files { get; init; }

    /// <summary>20 bytes a piece; v1 and hybrid only.</summary>
    public ReadOnlyMemory<byte> V1PieceHashes { get; init; }

    /// <summary>BEP 12 tiers.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];

    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    public bool IsPrivate { get; init; }

    public string? Comment { get; init; }

    public string? CreatedBy { get; init; }

    /// <summary>Seconds since 1970.</summary>
    public long? CreationDate { get; init; }

    public string? Source { get; init; }

    /// <summary>In PEM; empty: no SSL torrent.</summary>
    public ReadOnlyMemory<byte> SslCertificate { get; init; }
}

/// <summary>One file of a <see cref="MetainfoDraft"/>.</summary>
public sealed record MetainfoDraftFile
{
    /// <summary>Path below the torrent's folder, one string an element.</summary>
    public required IReadOnlyList<string> Path { get; init; }

    /// <summary>Bytes; 0 for a symlink.</summary>
    public required long Size { get; init; }

    public bool IsExecutable { get; init; }

    public bool IsHidden { get; init; }

    /// <summary>A path below the torrent's folder; null: not a link.</summary>
    public IReadOnlyList<string>? SymlinkTarget { get; init; }

    /// <summary>v2 and hybrid: the root, unless the file is empty.</summary>
    public Sha256Digest? PiecesRoot { get; init; }

    /// <summary>v2 and hybrid: 32 bytes a piece for a file larger than a piece, else empty.</summary>
    public ReadOnlyMemory<byte> PieceLayer { get; init; }
}
