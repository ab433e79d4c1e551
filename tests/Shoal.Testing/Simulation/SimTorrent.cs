using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>A torrent with its content, both made from a seed, and how much of it a magnet link leaves out.</summary>
internal sealed class SimTorrent
{
    public required Metainfo Metainfo { get; init; }

    /// <summary>The torrent's range of bytes, padding and gaps included.</summary>
    public required byte[] Content { get; init; }

    public static SimTorrent V1(int seed, int size, int pieceLength) =>
        Of(new TorrentBuilder(TorrentFormat.V1, pieceLength).Single(size, seed));

    /// <summary>Several files of odd sizes, large and small.</summary>
    public static SimTorrent Files(TorrentFormat format, int seed, int size, int pieceLength) =>
        Of(
            new TorrentBuilder(format, pieceLength)
                .File("a/large", size, seed)
                .File("b/small", 12_345, seed + 1)
                .File("c/empty", 0, seed + 2)
                .File("d/middle", size / 3 + 1, seed + 3)
        );

    public static SimTorrent Of(TorrentBuilder builder)
    {
        var built = builder.Build();
        return new SimTorrent { Metainfo = built.Metainfo, Content = built.Range };
    }

    /// <summary>What one can make of the info dictionary alone.</summary>
    public static Metainfo Read(byte[] info, InfoHashes expected) =>
        MetainfoReader.TryReadInfo(info, expected, MetainfoLimits.Default, [], [], out var metainfo, out var error)
            ? metainfo
            : throw new InvalidOperationException($"bad info dictionary: {error}");
}
