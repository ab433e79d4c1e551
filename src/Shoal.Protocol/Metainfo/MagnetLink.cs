using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// A magnet link: the identity of a torrent, and hints where to find it (BEP 9, BEP 53); or the name of a publication,
/// which tells the identity of the current torrent (BEP 46); or both: a torrent to begin with, and where its next version
/// is told.
/// </summary>
public sealed partial record MagnetLink
{
    /// <summary>Longest link read, in characters.</summary>
    public const int MaxLength = 64 * 1024;

    /// <summary>None where the link has only a <see cref="Publication"/>: see <see cref="HasInfoHash"/>.</summary>
    public required InfoHashes InfoHashes { get; init; }

    /// <summary>xs=urn:btpk: and s: where it is told which torrent is the current one; null: nowhere.</summary>
    public PublicationName? Publication { get; init; }

    /// <summary>Whether the link names a torrent by itself.</summary>
    public bool HasInfoHash => InfoHashes is not { V1: null, V2: null };

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
    /// Reads a link. Parameters that are unknown or malformed are left out; a link without an infohash or
    /// public key, or with a broken one, is refused.
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
            text.Append("xt=urn:btih:").Append(v1.ToString()).Append('&');
        }

        if (InfoHashes.V2 is { } v2)
        {
            text.Append("xt=urn:btmh:1220").Append(v2.ToString()).Append('&');
        }

        if (Publication is { } publication)
        {
            // BEP 46: "magnet:?xs=urn:btpk:[ Public Key (Hex) ]&s=[ Salt (Hex) ]"
            text.Append("xs=").Append(publication).Append('&');
            _ = publication.SaltText is { } salt ? text.Append("s=").Append(salt).Append('&') : text;
        }

        text.Length--;

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
}
