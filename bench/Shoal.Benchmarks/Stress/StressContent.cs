using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>A torrent of the run, with its bytes.</summary>
internal sealed record StressContent(BuiltTorrent Torrent)
{
    public MagnetLink Link { get; } = new() { InfoHashes = Torrent.Metainfo.InfoHashes, Name = Torrent.Metainfo.Name };

    /// <summary>Some of each format, large and small files, and two that have a file in common.</summary>
    public static StressContent[] MakeAll(int seed)
    {
        const int mebibyte = 1 << 20;
        var contents = new List<StressContent>();
        foreach (var format in new[] { TorrentFormat.V1, TorrentFormat.V2, TorrentFormat.Hybrid })
        {
            contents.Add(
                Make(new TorrentBuilder(format, 64 * 1024, $"single {format}").Single(6 * mebibyte + 4321, seed))
            );
            var many = new TorrentBuilder(format, 16 * 1024, $"many {format}");
            for (var i = 0; i < 12; i++)
            {
                many.File($"folder {i % 3}/file {i}", i == 5 ? mebibyte : 1000 * (i + 1) * (i + 1), seed + i);
            }

            contents.Add(Make(many));
        }

        return [.. contents];
    }

    /// <summary>What is wrong with the files; null: nothing.</summary>
    public string? Check(Torrent torrent)
    {
        for (var i = 0; i < Torrent.Metainfo.Files.Count; i++)
        {
            var file = Torrent.Metainfo.Files[i];
            if (file.IsPad)
            {
                continue;
            }

            var path = FileNames.PathOf(Torrent.Metainfo, torrent.RenamedFiles, i);
            var bytes = File.ReadAllBytes(Path.Combine(torrent.SaveDirectory, path));
            var content = Torrent.Content(file);
            if (!content.SequenceEqual(bytes))
            {
                return $"{torrent.SaveDirectory}/{path} is not what it was: {Difference(content, bytes)}";
            }
        }

        return null;
    }

    private static string Difference(ReadOnlySpan<byte> content, ReadOnlySpan<byte> bytes)
    {
        var from = content.CommonPrefixLength(bytes);
        var to = Math.Min(content.Length, bytes.Length);
        while (to > from && content[to - 1] == bytes[to - 1])
        {
            to--;
        }

        var isZero = !bytes[from..to].ContainsAnyExcept((byte)0);
        return $"{bytes.Length} bytes of {content.Length}, others from {from} to {to}{(isZero ? ", all zero" : "")}";
    }

    /// <summary>Lays the files where a torrent finds them that is saved in the folder.</summary>
    public void Put(string folder)
    {
        foreach (var file in Torrent.Metainfo.Files.Where(file => !file.IsPad))
        {
            var path = Path.Combine(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, Torrent.Content(file));
        }
    }

    private static StressContent Make(TorrentBuilder builder) => new(builder.Build());
}
