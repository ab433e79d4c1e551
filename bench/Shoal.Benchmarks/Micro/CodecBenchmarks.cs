using System.Buffers;
using BenchmarkDotNet.Attributes;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>Bencode and what is made of it.</summary>
public class CodecBenchmarks
{
    private readonly byte[] _query =
        "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe"u8.ToArray();
    private readonly BencodeToken[] _table = new BencodeToken[64];
    private byte[] _torrent = [];
    private MetainfoLimits _limits = MetainfoLimits.Default;

    [Params(1000, 1_000_000)]
    public int Files { get; set; }

    [GlobalSetup]
    public void Make()
    {
        var files = Enumerable
            .Range(0, Files)
            .Select(i => new MetainfoDraftFile { Path = [$"{i / 1000:D4}", $"{i:D7}"], Size = 1 })
            .ToArray();
        var draft = new MetainfoDraft
        {
            Format = TorrentFormat.V1,
            Name = "content",
            PieceLength = 1024 * 1024,
            IsSingleFile = false,
            Files = files,
            V1PieceHashes = new byte[(Files + 1024 * 1024 - 1) / (1024 * 1024) * Sha1Digest.Size],
        };
        var output = new ArrayBufferWriter<byte>();
        MetainfoWriter.Write(draft, output);
        _torrent = output.WrittenSpan.ToArray();
        _limits = MetainfoLimits.Default with
        {
            MaxBytes = _torrent.Length,
            Bencode = BencodeLimits.Default with { MaxTokens = 20_000_000 },
        };
    }

    /// <summary>A message of the DHT, without allocating.</summary>
    [Benchmark]
    public bool ParseQuery() => Bencode.TryParse(_query, _table, BencodeMode.Lenient, out _, out _);

    /// <summary>A .torrent file with so many files: paths checked, layout made.</summary>
    [Benchmark]
    public int ReadMetainfo() =>
        MetainfoReader.TryRead(_torrent, _limits, PathRules.Posix, out var metainfo, out var error)
            ? metainfo.Files.Count
            : throw new InvalidDataException(error.ToString());
}
