namespace Shoal.Protocol;

/// <summary>What a torrent says outside its info dictionary, and the hints that may stand in either place.</summary>
internal sealed record TorrentFields
{
    public IReadOnlyList<IReadOnlyList<string>> Trackers { get; init; } = [];
    public IReadOnlyList<string> WebSeeds { get; init; } = [];
    public IReadOnlyList<(string Host, int Port)> Nodes { get; init; } = [];
    public IReadOnlyList<InfoHash> Similar { get; init; } = [];
    public IReadOnlyList<string> Collections { get; init; } = [];
    public string? Comment { get; init; }
    public string? CreatedBy { get; init; }
    public long? CreationDate { get; init; }
}

/// <summary>
/// Reads those fields. None of them decides whether a torrent is one: what is malformed is left out.
/// </summary>
internal static class TorrentFieldReader
{
    /// <summary>Longest URL kept, in bytes.</summary>
    private const int MaxUrlLength = 2048;

    public static TorrentFields Read(BencodeNode root, BencodeNode info) =>
        new()
        {
            Trackers = ReadTrackers(root),
            WebSeeds = ReadWebSeeds(root.Find("url-list"u8)),
            Nodes = ReadNodes(root.Find("nodes"u8)),
            Similar = ReadSimilar(root, info),
            Collections = ReadCollections(root, info),
            Comment = Text(root, "comment.utf-8"u8, "comment"u8),
            CreatedBy = Text(root, "created by.utf-8"u8, "created by"u8),
            CreationDate = root.Find("creation date"u8).TryGetInteger(out var date) && date >= 0 ? date : null,
        };

    private static List<IReadOnlyList<string>> ReadTrackers(BencodeNode root)
    {
        var tiers = new List<IReadOnlyList<string>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var node in root.Find("announce-list"u8).Elements)
        {
            var tier = new List<string>();
            foreach (var url in node.Elements)
            {
                if (Url(url) is { } text && seen.Add(text))
                {
                    tier.Add(text);
                }
            }

            if (tier.Count > 0)
            {
                tiers.Add(tier);
            }
        }

        // BEP 12: "If the client is compatible with the multitracker specification, and if the announce-list key is
        // present, the client will ignore the announce key".
        if (tiers.Count == 0 && Url(root.Find("announce"u8)) is { } announce)
        {
            tiers.Add([announce]);
        }

        return tiers;
    }

    private static List<string> ReadWebSeeds(BencodeNode list)
    {
        // BEP 19: "url-list will be one of a single string or a list of strings".
        var urls = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        if (Url(list) is { } single)
        {
            urls.Add(single);
        }

        foreach (var node in list.Elements)
        {
            if (Url(node) is { } url && seen.Add(url))
            {
                urls.Add(url);
            }
        }

        return urls;
    }

    private static List<(string Host, int Port)> ReadNodes(BencodeNode list)
    {
        var nodes = new List<(string, int)>();
        foreach (var node in list.Elements)
        {
            string? host = null;
            long port = 0;
            var index = 0;
            foreach (var part in node.Elements)
            {
                host = index == 0 ? Url(part) : host;
                port = index == 1 ? part.IntegerOr(0) : port;
                index++;
            }

            if (host is not null && port is > 0 and <= 65535)
            {
                nodes.Add((host, (int)port));
            }
        }

        return nodes;
    }

    private static List<InfoHash> ReadSimilar(BencodeNode root, BencodeNode info)
    {
        // BEP 38: "If a key is both inside and outside the info dict, the values are merged."
        var hashes = new List<InfoHash>();
        var seen = new HashSet<InfoHash>();
        AddHashes(info.Find("similar"u8));
        AddHashes(root.Find("similar"u8));
        return hashes;

        void AddHashes(BencodeNode list)
        {
            foreach (var node in list.Elements)
            {
                if (node.Bytes.Length == InfoHash.Size && seen.Add(new InfoHash(node.Bytes)))
                {
                    hashes.Add(new InfoHash(node.Bytes));
                }
            }
        }
    }

    private static List<string> ReadCollections(BencodeNode root, BencodeNode info)
    {
        var names = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        AddNames(info.Find("collections"u8));
        AddNames(root.Find("collections"u8));
        return names;

        void AddNames(BencodeNode list)
        {
            foreach (var node in list.Elements)
            {
                if (node.TextOrNull() is { } name && seen.Add(name))
                {
                    names.Add(name);
                }
            }
        }
    }

    private static string? Text(BencodeNode root, ReadOnlySpan<byte> preferred, ReadOnlySpan<byte> otherwise) =>
        root.Find(preferred).TextOrNull() ?? root.Find(otherwise).TextOrNull();

    /// <summary>An address as text; null if it is empty, too long or has characters that none may have.</summary>
    private static string? Url(BencodeNode node)
    {
        if (!node.IsString || node.Bytes.Length > MaxUrlLength)
        {
            return null;
        }

        var text = node.TextOrNull()!.Trim();
        return text.Length == 0 || text.Any(char.IsControl) ? null : text;
    }
}
