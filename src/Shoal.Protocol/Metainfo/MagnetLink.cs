using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>A magnet link: the identity of a torrent, and hints where to find it (BEP 9, BEP 53).</summary>
public sealed record MagnetLink
{
    /// <summary>Longest link read, in characters.</summary>
    public const int MaxLength = 64 * 1024;

    public required InfoHashes InfoHashes { get; init; }

    /// <summary>dn: a name to show until the metadata is here. Not safe as a file name.</summary>
    public string? Name { get; init; }

    /// <summary>tr: each a tier of its own.</summary>
    public IReadOnlyList<string> Trackers { get; init; } = [];

    /// <summary>ws.</summary>
    public IReadOnlyList<string> WebSeeds { get; init; } = [];

    /// <summary>x.pe: addresses of peers; the host may be a name.</summary>
    public IReadOnlyList<(string Host, int Port)> Peers { get; init; } = [];

    /// <summary>so: indices of wanted files, inclusive ranges as written; empty: all files.</summary>
    public IReadOnlyList<(int First, int Last)> SelectedFiles { get; init; } = [];

    /// <summary>xs: where to get the .torrent itself; kept as found.</summary>
    public IReadOnlyList<string> ExactSources { get; init; } = [];

    /// <summary>Whether the link wants the file.</summary>
    public bool IsSelected(int file) =>
        SelectedFiles.Count == 0 || SelectedFiles.Any(range => file >= range.First && file <= range.Last);

    /// <summary>
    /// Reads a link. Parameters that are unknown or malformed are left out; a link without an infohash, or with a
    /// broken one, is refused.
    /// </summary>
    /// <param name="text">The link.</param>
    /// <param name="link">The result.</param>
    /// <param name="error">A sentence for the user.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out MagnetLink? link,
        [NotNullWhen(false)] out string? error
    )
    {
        ArgumentNullException.ThrowIfNull(text);
        link = null;
        text = text.Trim();
        if (text.Length > MaxLength)
        {
            error = $"the magnet link is longer than {MaxLength} characters";
            return false;
        }

        if (!text.StartsWith("magnet:?", StringComparison.OrdinalIgnoreCase))
        {
            error = "a magnet link starts with 'magnet:?'";
            return false;
        }

        var reader = new Reader();
        foreach (var part in text["magnet:?".Length..].Split('&'))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && !reader.Take(ParameterName(part[..equals]), part[(equals + 1)..], out error))
            {
                return false;
            }
        }

        return reader.TryFinish(out link, out error);
    }

    /// <summary>Reads a bare infohash: 40 hexadecimal or 32 base32 digits for v1, 64 hexadecimal digits for v2.</summary>
    public static bool TryParseInfoHash(string text, out InfoHashes hashes)
    {
        ArgumentNullException.ThrowIfNull(text);
        hashes = default;
        if (TryParseV1(text, out var v1))
        {
            hashes = new InfoHashes(v1, null);
            return true;
        }

        if (Sha256Digest.TryParseHex(text, out var v2))
        {
            hashes = new InfoHashes(null, v2);
            return true;
        }

        return false;
    }

    /// <summary>The link as text, parameters in a fixed order.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("magnet:?");
        if (InfoHashes.V1 is { } v1)
        {
            text.Append("xt=urn:btih:").Append(v1.ToString());
        }

        if (InfoHashes.V2 is { } v2)
        {
            text.Append(InfoHashes.V1 is null ? "" : "&").Append("xt=urn:btmh:1220").Append(v2.ToString());
        }

        if (Name is { Length: > 0 })
        {
            Append(text, "dn", Name);
        }

        AppendAll(text, "tr", Trackers);
        AppendAll(text, "ws", WebSeeds);
        AppendAll(text, "xs", ExactSources);
        foreach (var (host, port) in Peers)
        {
            var bracketed = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : Uri.EscapeDataString(host);
            text.Append(CultureInfo.InvariantCulture, $"&x.pe={bracketed}:{port}");
        }

        if (SelectedFiles.Count > 0)
        {
            text.Append("&so=");
            text.AppendJoin(
                ',',
                SelectedFiles.Select(r =>
                    r.First == r.Last
                        ? r.First.ToString(CultureInfo.InvariantCulture)
                        : string.Create(CultureInfo.InvariantCulture, $"{r.First}-{r.Last}")
                )
            );
        }

        return text.ToString();
    }

    private static void AppendAll(StringBuilder text, string name, IReadOnlyList<string> values)
    {
        foreach (var value in values)
        {
            Append(text, name, value);
        }
    }

    private static void Append(StringBuilder text, string name, string value) =>
        text.Append('&').Append(name).Append('=').Append(Uri.EscapeDataString(value));

    /// <summary>"tr.1" is "tr": numbers tell parameters of one kind apart and mean nothing.</summary>
    private static string ParameterName(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return (
            dot > 0 && name.AsSpan(dot + 1).IndexOfAnyExceptInRange('0', '9') < 0 ? name[..dot] : name
        ).ToLowerInvariant();
    }

    private static bool TryParseV1(string text, out Sha1Digest hash)
    {
        // BEP 9: "clients should also support the 32 character base32 encoded info-hash."
        if (text.Length != 32)
        {
            return Sha1Digest.TryParseHex(text, out hash);
        }

        hash = default;
        Span<byte> bytes = stackalloc byte[Sha1Digest.Size];
        ulong bits = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var digit = text[i] switch
            {
                >= 'A' and <= 'Z' => text[i] - 'A',
                >= 'a' and <= 'z' => text[i] - 'a',
                >= '2' and <= '7' => text[i] - '2' + 26,
                _ => -1,
            };
            if (digit < 0)
            {
                return false;
            }

            // Eight digits are five bytes.
            bits = (bits << 5) | (uint)digit;
            if (i % 8 == 7)
            {
                for (var j = 0; j < 5; j++)
                {
                    bytes[i / 8 * 5 + j] = (byte)(bits >> (32 - 8 * j));
                }

                bits = 0;
            }
        }

        hash = new Sha1Digest(bytes);
        return true;
    }

    private sealed class Reader
    {
        private readonly List<string> _trackers = [];
        private readonly List<string> _webSeeds = [];
        private readonly List<string> _sources = [];
        private readonly List<(string, int)> _peers = [];
        private readonly List<(int, int)> _selected = [];
        private Sha1Digest? _v1;
        private Sha256Digest? _v2;
        private string? _name;

        public bool Take(string name, string value, [NotNullWhen(false)] out string? error)
        {
            error = null;
            switch (name)
            {
                case "xt":
                    return TakeTopic(Uri.UnescapeDataString(value), out error);
                case "dn":
                    _name ??= Uri.UnescapeDataString(value.Replace('+', ' '));
                    break;
                case "tr":
                    AddUrl(_trackers, value);
                    break;
                case "ws":
                    AddUrl(_webSeeds, value);
                    break;
                case "xs":
                    AddUrl(_sources, value);
                    break;
                case "x.pe":
                    AddPeer(Uri.UnescapeDataString(value));
                    break;
                case "so":
                    AddSelection(Uri.UnescapeDataString(value));
                    break;
            }

            return true;
        }

        public bool TryFinish([NotNullWhen(true)] out MagnetLink? link, [NotNullWhen(false)] out string? error)
        {
            link = null;
            if (_v1 is null && _v2 is null)
            {
                error = "the magnet link has no BitTorrent infohash (xt=urn:btih: or xt=urn:btmh:)";
                return false;
            }

            error = null;
            link = new MagnetLink
            {
                InfoHashes = new InfoHashes(_v1, _v2),
                Name = _name,
                Trackers = _trackers,
                WebSeeds = _webSeeds,
                Peers = _peers,
                SelectedFiles = _selected,
                ExactSources = _sources,
            };
            return true;
        }

        private bool TakeTopic(string topic, [NotNullWhen(false)] out string? error)
        {
            error = null;
            if (topic.StartsWith("urn:btih:", StringComparison.OrdinalIgnoreCase))
            {
                if (!TryParseV1(topic["urn:btih:".Length..], out var v1) || (_v1 is { } other && other != v1))
                {
                    error = "the infohash in the magnet link is malformed";
                    return false;
                }

                _v1 = v1;
            }
            else if (topic.StartsWith("urn:btmh:", StringComparison.OrdinalIgnoreCase))
            {
                // BEP 9: "the multihash formatted, hex encoded full infohash": 0x12 is SHA-256, 0x20 its length.
                var multihash = topic["urn:btmh:".Length..];
                if (
                    !multihash.StartsWith("1220", StringComparison.Ordinal)
                    || !Sha256Digest.TryParseHex(multihash.AsSpan(4), out var v2)
                    || (_v2 is { } other && other != v2)
                )
                {
                    error = "the v2 infohash in the magnet link is malformed";
                    return false;
                }

                _v2 = v2;
            }

            return true;
        }

        private static void AddUrl(List<string> urls, string value)
        {
            var url = Uri.UnescapeDataString(value);
            if (url.Length > 0 && !url.Any(char.IsControl) && !urls.Contains(url))
            {
                urls.Add(url);
            }
        }

        /// <summary>BEP 9: "expressed as hostname:port, ipv4-literal:port or [ipv6-literal]:port".</summary>
        private void AddPeer(string value)
        {
            var colon = value.LastIndexOf(':');
            if (
                colon < 1
                || !int.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                || port is < 1 or > 65535
            )
            {
                return;
            }

            var host = value[..colon];
            var isV6 = host.Contains(':', StringComparison.Ordinal);
            if (isV6 && host is ['[', .., ']'])
            {
                host = host[1..^1];
                isV6 = false;
                if (Uri.CheckHostName(host) != UriHostNameType.IPv6)
                {
                    return;
                }
            }

            if (!isV6 && Uri.CheckHostName(host) != UriHostNameType.Unknown)
            {
                _peers.Add((host, port));
            }
        }

        /// <summary>BEP 53: "so=0,2,4,6-8 ... Dashes mean inclusive ranges".</summary>
        private void AddSelection(string value)
        {
            foreach (var part in value.Split(','))
            {
                var dash = part.IndexOf('-', StringComparison.Ordinal);
                var first = dash < 0 ? part : part[..dash];
                var last = dash < 0 ? part : part[(dash + 1)..];
                if (
                    int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
                    && int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
                    && from <= to
                )
                {
                    _selected.Add((from, to));
                }
            }
        }
    }
}
