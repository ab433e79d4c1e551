using System.Text;

namespace Shoal.Protocol;

/// <summary>Names of programs as peers give them, made safe to print.</summary>
public static class ClientName
{
    /// <summary>Longest name kept, in characters. What is beyond is cut off.</summary>
    public const int MaxLength = 64;

    private static readonly Dictionary<string, string> Azureus = new(StringComparer.Ordinal)
    {
        ["7T"] = "aTorrent",
        ["AG"] = "Ares",
        ["AZ"] = "Vuze",
        ["BC"] = "BitComet",
        ["BI"] = "BiglyBT",
        ["BT"] = "BitTorrent",
        ["BW"] = "BitWombat",
        ["DE"] = "Deluge",
        ["FD"] = "Free Download Manager",
        ["FL"] = "Flud",
        ["FW"] = "FrostWire",
        ["JS"] = "Justseed.it",
        ["KG"] = "KGet",
        ["KT"] = "KTorrent",
        ["LP"] = "Lphant",
        ["LT"] = "libtorrent",
        ["lt"] = "rtorrent",
        ["LW"] = "LimeWire",
        ["MO"] = "MonoTorrent",
        ["PI"] = "PicoTorrent",
        ["qB"] = "qBittorrent",
        ["SD"] = "Thunder",
        ["SH"] = "Shoal",
        ["SM"] = "SoMud",
        ["st"] = "SharkTorrent",
        ["TL"] = "Tribler",
        ["TR"] = "Transmission",
        ["TX"] = "Tixati",
        ["UM"] = "uTorrent Mac",
        ["UT"] = "uTorrent",
        ["UW"] = "uTorrent Web",
        ["WW"] = "WebTorrent",
        ["WD"] = "WebTorrent Desktop",
        ["XL"] = "Xunlei",
    };

    /// <summary>
    /// The text with everything dropped that could do harm on a terminal, in a log or in a page's layout:
    /// control, format (bidirectional overrides among them), private, unassigned and invalid characters. White
    /// space becomes single spaces; the result has at most <see cref="MaxLength"/> characters.
    /// </summary>
    public static string Sanitize(ReadOnlySpan<byte> utf8)
    {
        var result = new StringBuilder(Math.Min(utf8.Length, MaxLength));
        var pendingSpace = false;
        while (!utf8.IsEmpty && result.Length < MaxLength)
        {
            var isValid = Rune.DecodeFromUtf8(utf8, out var rune, out var taken) == System.Buffers.OperationStatus.Done;
            utf8 = utf8[taken..];
            if (!isValid)
            {
                continue;
            }

            if (Rune.IsWhiteSpace(rune))
            {
                pendingSpace = result.Length > 0;
                continue;
            }

            if (!IsPrintable(rune) || result.Length + (pendingSpace ? 1 : 0) + rune.Utf16SequenceLength > MaxLength)
            {
                continue;
            }

            if (pendingSpace)
            {
                result.Append(' ');
                pendingSpace = false;
            }

            result.Append(rune.ToString());
        }

        return result.ToString();
    }

    /// <summary>
    /// What the peer id says of its program: BEP 20's Azureus style ("-XX1234-") by name and version, a few
    /// others by name, else empty.
    /// </summary>
    public static string FromPeerId(in PeerId id)
    {
        var bytes = id.Span;
        if (bytes[0] == '-' && bytes[7] == '-' && IsAlphanumeric(bytes[1..7]))
        {
            var code = Encoding.ASCII.GetString(bytes[1..3]);
            var name = Azureus.GetValueOrDefault(code, code);
            return $"{name} {Version(bytes[3..7])}";
        }

        // aria2 writes "A2-1-36-0-" and then random bytes.
        if (bytes.StartsWith("A2-"u8))
        {
            return "aria2";
        }

        // Mainline: "M7-10-5--".
        return bytes[0] == 'M' && char.IsAsciiDigit((char)bytes[1]) && bytes[..5].Contains((byte)'-')
            ? "BitTorrent"
            : "";
    }

    private static string Version(ReadOnlySpan<byte> digits)
    {
        // One character a part, and letters continue after 9; a zero at the end adds nothing.
        var parts = digits[3] == '0' ? 3 : 4;
        var text = new StringBuilder();
        for (var i = 0; i < parts; i++)
        {
            if (i > 0)
            {
                text.Append('.');
            }

            var c = (char)digits[i];
            text.Append(char.IsAsciiDigit(c) ? c - '0' : char.ToUpperInvariant(c) - 'A' + 10);
        }

        return text.ToString();
    }

    private static bool IsAlphanumeric(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (!char.IsAsciiLetterOrDigit((char)b))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPrintable(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is not (
                System.Globalization.UnicodeCategory.Control
                or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.Surrogate
                or System.Globalization.UnicodeCategory.PrivateUse
                or System.Globalization.UnicodeCategory.OtherNotAssigned
                or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator
            );
}
