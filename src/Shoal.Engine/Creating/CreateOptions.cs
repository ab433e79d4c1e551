using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the user decides about a torrent to be made.</summary>
public sealed record CreateOptions
{
    public TorrentFormat Format { get; init; } = TorrentFormat.Hybrid;

    /// <summary>
    /// Bytes: for v2 and hybrid a power of two, from 16 KiB to 512 MiB. Null: by the size of the content
    /// (<see cref="PieceLengths"/>).
    /// </summary>
    public int? PieceLength { get; init; }

    /// <summary>Null: the name of the file or folder.</summary>
    public string? Name { get; init; }

    /// <summary>BEP 12 tiers.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];

    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    public bool IsPrivate { get; init; }

    public string? Comment { get; init; }

    public string? Source { get; init; }

    /// <summary>A certificate in PEM: only who has one that it signed can take part. Empty: everybody can.</summary>
    public ReadOnlyMemory<byte> SslCertificate { get; init; }

    public string? CreatedBy { get; init; } = "Shoal";

    /// <summary>Seconds since 1970; null: none, so that the same content gives the same bytes at any time.</summary>
    public long? CreationDate { get; init; }

    /// <summary>Workers that read and hash. Default: one for each core.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}

/// <summary>A torrent cannot be made of that content; the message says of which file, and why.</summary>
public sealed class TorrentCreationException : IOException
{
    public TorrentCreationException() { }

    public TorrentCreationException(string message)
        : base(message) { }

    public TorrentCreationException(string message, Exception innerException)
        : base(message, innerException) { }
}
