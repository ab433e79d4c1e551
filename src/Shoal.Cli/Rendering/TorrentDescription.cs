using System.Globalization;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>What a torrent or a link says, for people and for programs.</summary>
internal static class TorrentDescription
{
    /// <param name="file">The .torrent that was just written; null when it was only read.</param>
    public static TorrentObject ToObject(Metainfo metainfo, string? file) =>
        new(
            file,
            metainfo.InfoHashes.V1?.ToString(),
            metainfo.InfoHashes.V2?.ToString(),
            metainfo.Name,
            metainfo.Size,
            metainfo.Layout.PieceLength,
            metainfo.Layout.PieceCount,
            metainfo.IsPrivate,
            TorrentText.Format(metainfo.Format),
            [
                .. metainfo.Files.Select(entry => new TorrentFileObject(
                    entry.Path,
                    entry.Size,
                    entry.Offset,
                    entry.IsPad,
                    entry.SymlinkTarget,
                    entry.IsExecutable,
                    entry.IsHidden,
                    entry.PiecesRoot?.ToString()
                )),
            ],
            metainfo.Trackers,
            metainfo.WebSeeds,
            [.. metainfo.Nodes.Select(node => Node(node.Host, node.Port))],
            metainfo.Comment,
            metainfo.CreatedBy,
            metainfo.CreationDate,
            metainfo.Source,
            MagnetOf(metainfo).ToString()
        );

    /// <summary>A link knows little; what it does not know is null, and of the files nothing is known.</summary>
    public static TorrentObject ToObject(MagnetLink link) =>
        new(
            null,
            link.InfoHashes.V1?.ToString(),
            link.InfoHashes.V2?.ToString(),
            link.Name,
            null,
            null,
            null,
            null,
            null,
            null,
            [.. link.Trackers.Select(url => (IReadOnlyList<string>)[url])],
            link.WebSeeds,
            [],
            null,
            null,
            null,
            null,
            link.ToString()
        )
        {
            Peers = [.. link.Peers.Select(peer => Node(peer.Host, peer.Port))],
            PublicKey = link.Publication?.KeyText,
            Salt = link.Publication?.SaltText,
        };

    /// <summary>The link by which others find this torrent, with its trackers and web seeds.</summary>
    public static MagnetLink MagnetOf(Metainfo metainfo) =>
        new()
        {
            InfoHashes = metainfo.InfoHashes,
            Name = metainfo.Name,
            Trackers = [.. metainfo.Trackers.SelectMany(tier => tier).Distinct()],
            WebSeeds = metainfo.WebSeeds,
        };

    public static void Write(TextWriter output, Metainfo metainfo)
    {
        var files = metainfo.Files.Where(file => !file.IsPad).ToList();
        output.WriteLine(SafeText.Of(metainfo.Name));
        Row(
            output,
            "Format",
            metainfo.Format switch
            {
                TorrentFormat.V1 => "v1",
                TorrentFormat.V2 => "v2",
                _ => "hybrid (v1 and v2)",
            }
        );
        Row(output, "Infohash v1", metainfo.InfoHashes.V1?.ToString());
        Row(output, "Infohash v2", metainfo.InfoHashes.V2?.ToString());
        Row(output, "Size", $"{ByteSize.Format(metainfo.Size)} in {TorrentText.Count(files.Count, "file")}");
        Row(
            output,
            "Pieces",
            $"{metainfo.Layout.PieceCount.ToString("N0", CultureInfo.InvariantCulture)} of "
                + ByteSize.Format(metainfo.Layout.PieceLength)
        );
        Row(output, "Private", metainfo.IsPrivate ? "yes: peers only from its trackers" : null);
        Row(output, "Created", Created(metainfo));
        Row(output, "Comment", metainfo.Comment);
        Row(output, "Source", metainfo.Source);
        Rows(output, "Trackers", metainfo.Trackers.Select(tier => string.Join(", ", tier)));
        Rows(output, "Web seeds", metainfo.WebSeeds);
        Rows(output, "DHT nodes", metainfo.Nodes.Select(node => Node(node.Host, node.Port)));
        Row(output, "Magnet link", MagnetOf(metainfo).ToString());
        output.WriteLine();
        foreach (var file in files)
        {
            var size = file.SymlinkTarget is null ? ByteSize.Format(file.Size) : "link";
            var target = file.SymlinkTarget is { } path ? " -> " + SafeText.Of(path) : "";
            output.WriteLine($"{size, 10}  {SafeText.Of(file.Path)}{target}");
        }
    }

    public static void Write(TextWriter output, MagnetLink link)
    {
        output.WriteLine(string.IsNullOrEmpty(link.Name) ? "A magnet link" : SafeText.Of(link.Name));
        Row(output, "Infohash v1", link.InfoHashes.V1?.ToString());
        Row(output, "Infohash v2", link.InfoHashes.V2?.ToString());
        Row(output, "Public key", link.Publication?.KeyText);
        Row(output, "Salt", link.Publication?.SaltText);
        Rows(output, "Trackers", link.Trackers);
        Rows(output, "Web seeds", link.WebSeeds);
        Rows(output, "Peers", link.Peers.Select(peer => Node(peer.Host, peer.Port)));
        Row(
            output,
            "Leads to",
            link.Publication is null ? null : "what the owner of the key says in the DHT, now and later: shoal get"
        );
        Row(output, "Files", link.HasInfoHash ? "known once a peer has sent them: shoal get" : null);
    }

    private static string? Created(Metainfo metainfo)
    {
        // Dates beyond the calendar are shown as they are.
        var date = metainfo.CreationDate switch
        {
            null => null,
            >= -62_135_596_800 and <= 253_402_300_799 and var seconds => DateTimeOffset
                .FromUnixTimeSeconds(seconds)
                .ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture),
            var seconds => seconds.Value.ToString(CultureInfo.InvariantCulture),
        };
        var by = string.IsNullOrEmpty(metainfo.CreatedBy) ? null : "by " + metainfo.CreatedBy;
        return date is null && by is null ? null : $"{date} {by}".Trim();
    }

    private static string Node(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':') ? $"[{host}]" : host)}:{port}");

    private static void Rows(TextWriter output, string label, IEnumerable<string> values)
    {
        foreach (var value in values)
        {
            Row(output, label, value);
            label = "";
        }
    }

    private static void Row(TextWriter output, string label, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            output.WriteLine($"  {label, -13}{SafeText.Of(value)}");
        }
    }
}
