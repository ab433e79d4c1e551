using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Shoal.Protocol;

// Takes the parameters of a link one by one.
public sealed partial record MagnetLink
{
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
        private string? _key;
        private string? _salt;

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
                    return TakeSource(value, out error);
                case "s":
                    _salt ??= Uri.UnescapeDataString(value);
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
            error = null;
            PublicationName? publication = null;
            if (_key is not null && !PublicationName.TryParse(_key, _salt, out publication, out error))
            {
                return false;
            }

            if (_v1 is null && _v2 is null && publication is null)
            {
                error =
                    "the magnet link has no BitTorrent infohash (xt=urn:btih: or xt=urn:btmh:) and no public key "
                    + "(xs=urn:btpk:)";
                return false;
            }

            link = new MagnetLink
            {
                InfoHashes = new InfoHashes(_v1, _v2),
                Publication = publication,
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

        private bool TakeSource(string value, [NotNullWhen(false)] out string? error)
        {
            const string Prefix = "urn:btpk:";
            error = null;
            var source = Uri.UnescapeDataString(value);
            if (!source.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                AddUrl(_sources, value);
                return true;
            }

            var key = source[Prefix.Length..];
            if (_key is not null && !_key.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                error = "the magnet link has two different public keys (xs=urn:btpk:)";
                return false;
            }

            _key = key;
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
