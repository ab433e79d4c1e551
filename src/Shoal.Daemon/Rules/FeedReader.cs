using System.Globalization;
using System.Text;
using System.Xml;

namespace Shoal.Daemon;

/// <summary>
/// Reads RSS 2.0, RSS 1.0 and Atom as torrent sites write them: BEP 36, enclosures, links to magnets or .torrent files, and
/// the attributes of Torznab.
/// </summary>
internal static class FeedReader
{
    private const string TorrentType = "application/x-bittorrent";

    /// <param name="xml">The document. Definitions of types are refused: they make entities, and entities make bombs.</param>
    /// <param name="address">Of the feed: relative links start there.</param>
    /// <exception cref="FeedException">It is no feed.</exception>
    public static IReadOnlyList<FeedEntry> Read(byte[] xml, Uri address, FeedLimits limits)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = limits.MaxBytes,
            MaxCharactersFromEntities = 1024,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
        };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(xml), settings);
            reader.MoveToContent();
            if (reader.LocalName is not ("rss" or "RDF" or "feed"))
            {
                throw new FeedException($"this is no feed: its root is '{Shorten(reader.LocalName)}'");
            }

            return Entries(reader, address, limits);
        }
        catch (XmlException error)
        {
            throw new FeedException($"line {error.LineNumber}: {error.Message}", error);
        }
    }

    private static List<FeedEntry> Entries(XmlReader reader, Uri address, FeedLimits limits)
    {
        var entries = new List<FeedEntry>();
        while (reader.Read())
        {
            CheckDepth(reader, limits);
            if (reader.NodeType == XmlNodeType.Element && reader.LocalName is "item" or "entry")
            {
                if (Entry(reader, address, limits) is { } entry)
                {
                    entries.Add(entry);
                    if (entries.Count >= limits.MaxEntries)
                    {
                        break;
                    }
                }
            }
        }

        return entries;
    }

    /// <summary>The reader stands at the entry, and at its end afterwards.</summary>
    private static FeedEntry? Entry(XmlReader reader, Uri address, FeedLimits limits)
    {
        var found = new Fields();
        if (!reader.IsEmptyElement)
        {
            var depth = reader.Depth;
            var name = "";
            var text = new StringBuilder();
            while (reader.Read() && reader.Depth > depth)
            {
                CheckDepth(reader, limits);
                switch (reader.NodeType)
                {
                    case XmlNodeType.Element:
                        name = reader.LocalName;
                        text.Clear();
                        Attributes(reader, name, found, limits);
                        break;
                    // One text may be several nodes.
                    case XmlNodeType.Text or XmlNodeType.CDATA when text.Length <= limits.MaxText:
                        text.Append(reader.Value);
                        break;
                    case XmlNodeType.EndElement when text.Length > 0:
                        found.Text(name, text.ToString(), limits);
                        text.Clear();
                        break;
                }
            }
        }

        var title = Clean(found.Title ?? "");
        var source = Source(found, address);
        var id = found.Guid ?? found.Link ?? source ?? title;
        return id.Length > 0 && title.Length > 0
            ? new FeedEntry(id, title, source)
            {
                Page = Page(found.Link, address, source),
                PublishedAt = Time(found.Published ?? found.Updated),
            }
            : null;
    }

    private static string? Page(string? link, Uri address, string? source) =>
        Uri.TryCreate(address, link ?? "", out var url)
        && link is not null
        && url.Scheme is "http" or "https"
        && url.AbsoluteUri != source
            ? url.AbsoluteUri
            : null;

    /// <summary>RFC 822 as RSS has it ("Sat, 28 Nov 2026 10:00:00 +0000"), or RFC 3339 as Atom has it.</summary>
    private static long? Time(string? text) =>
        text is { Length: <= 64 }
        && DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces,
            out var time
        )
            ? time.ToUnixTimeSeconds()
            : null;

    private static void Attributes(XmlReader reader, string name, Fields found, FeedLimits limits)
    {
        switch (name)
        {
            case "enclosure":
                found.Enclosure(reader.GetAttribute("url"), reader.GetAttribute("type"), limits);
                break;
            // Atom.
            case "link" when reader.GetAttribute("href") is { } href:
                if (reader.GetAttribute("rel") == "enclosure" || reader.GetAttribute("type") == TorrentType)
                {
                    found.Enclosure(href, reader.GetAttribute("type"), limits);
                }
                else
                {
                    found.Text("link", href, limits);
                }

                break;
            // Torznab: <torznab:attr name="magneturl" value="..."/>
            case "attr":
                found.Text(reader.GetAttribute("name") ?? "", reader.GetAttribute("value") ?? "", limits);
                break;
        }
    }

    private static string? Source(Fields found, Uri address)
    {
        string?[] candidates =
        [
            found.TorrentUrl,
            found.Magnet,
            IsMagnet(found.AnyEnclosure) || IsTorrentFile(found.AnyEnclosure) ? found.AnyEnclosure : null,
            IsMagnet(found.Link) || IsTorrentFile(found.Link) ? found.Link : null,
            IsMagnet(found.Guid) || IsTorrentFile(found.Guid) ? found.Guid : null,
            // BEP 36: "infoHash"
            found.InfoHash
                is { Length: 40 or 64 } hash
            && hash.All(char.IsAsciiHexDigit)
                ? $"magnet:?xt=urn:{(hash.Length == 40 ? "btih:" : "btmh:1220")}{hash}"
                : null,
        ];
        foreach (var text in candidates.OfType<string>().Select(text => text.Trim()))
        {
            if (IsMagnet(text))
            {
                return text;
            }

            if (Uri.TryCreate(address, text, out var url) && url.Scheme is "http" or "https")
            {
                return url.AbsoluteUri;
            }
        }

        return null;
    }

    private static bool IsMagnet(string? text) =>
        text?.TrimStart().StartsWith("magnet:", StringComparison.OrdinalIgnoreCase) == true;

    private static bool IsTorrentFile(string? text) =>
        text is not null && text.Split('?', '#')[0].TrimEnd().EndsWith(".torrent", StringComparison.OrdinalIgnoreCase);

    private static void CheckDepth(XmlReader reader, FeedLimits limits)
    {
        if (reader.Depth > limits.MaxDepth)
        {
            throw new FeedException($"more than {limits.MaxDepth} elements stand in each other");
        }
    }

    private static string Clean(string text) =>
        string.Join(
            ' ',
            string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        );

    private static string Shorten(string text) => text.Length > 40 ? text[..40] + "..." : text;

    /// <summary>What an entry says; the first of each counts.</summary>
    private sealed class Fields
    {
        public string? Title { get; private set; }
        public string? Link { get; private set; }
        public string? Guid { get; private set; }
        public string? Magnet { get; private set; }
        public string? InfoHash { get; private set; }
        public string? Published { get; private set; }
        public string? Updated { get; private set; }

        /// <summary>Of an enclosure with the type of torrents.</summary>
        public string? TorrentUrl { get; private set; }
        public string? AnyEnclosure { get; private set; }

        public void Enclosure(string? url, string? type, FeedLimits limits)
        {
            if (url is null || url.Length > limits.MaxText)
            {
                return;
            }

            AnyEnclosure ??= url;
            if (type == TorrentType)
            {
                TorrentUrl ??= url;
            }
        }

        public void Text(string name, string text, FeedLimits limits)
        {
            if (text.Length > limits.MaxText)
            {
                return;
            }

            switch (name.ToLowerInvariant())
            {
                case "title":
                    Title ??= text;
                    break;
                case "link":
                    Link ??= text.Trim();
                    break;
                case "guid" or "id":
                    Guid ??= text.Trim();
                    break;
                // BEP 36: "magnetURI"
                case "magneturi" or "magneturl" or "magnet":
                    Magnet ??= text;
                    break;
                case "infohash":
                    InfoHash ??= text.Trim().ToLowerInvariant();
                    break;
                // Of RSS 2.0, Dublin Core (RSS 1.0) and Atom.
                case "pubdate" or "date" or "published":
                    Published ??= text.Trim();
                    break;
                case "updated":
                    Updated ??= text.Trim();
                    break;
            }
        }
    }
}
