using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// Makes a path element from the network safe to be the name of one file or folder. Deterministic, so that
/// two runs, and two platforms with the same rules, find the same files.
/// </summary>
/// <remarks>
/// BEP 52: "Keys may contain invalid UTF-8 sequences or characters and names that are reserved on specific
/// filesystems. Implementations must be prepared to sanitize them. On most platforms path components exactly
/// matching '.' and '..' must be sanitized since they could lead to directory traversal attacks and
/// conflicting path descriptions."
/// </remarks>
public static class PathSanitizer
{
    /// <summary>Longest name that the usual file systems take, in bytes.</summary>
    public const int MaxElementBytes = 255;

    private const int MaxExtensionBytes = 16;

    /// <summary>The rules of the platform we run on.</summary>
    public static PathRules PlatformRules => OperatingSystem.IsWindows() ? PathRules.Windows : PathRules.Posix;

    /// <summary>
    /// The safe form of an element; "_" where nothing safe is left of it, so every element counts.
    /// </summary>
    public static string Sanitize(ReadOnlySpan<byte> element, PathRules rules) => SanitizeOrNull(element, rules) ?? "_";

    /// <summary>
    /// As <see cref="Sanitize"/>, but null for an element that says nothing: '.', '..', or nothing but filtered
    /// characters. An empty element gives "_".
    /// </summary>
    public static string? SanitizeOrNull(ReadOnlySpan<byte> element, PathRules rules)
    {
        if (element.IsEmpty)
        {
            return "_";
        }

        // Cut before decoding: a name of megabytes is not worth a string of megabytes.
        var text = new StringBuilder(Math.Min(element.Length, 4 * MaxElementBytes));
        while (!element.IsEmpty && text.Length <= 4 * MaxElementBytes)
        {
            var rune = DecodeRune(element, out var consumed);
            element = element[consumed..];
            if (rune is not { } r)
            {
                text.Append('_');
            }
            else if (!IsFiltered(r))
            {
                text.Append(IsAllowed(r, rules) ? r.ToString() : "_");
            }
        }

        var name = text.ToString();
        if (name is "." or "..")
        {
            return null;
        }

        if (rules == PathRules.Windows)
        {
            name = name.TrimStart(' ').TrimEnd(' ', '.');
            name = Shorten(IsDeviceName(name) ? "_" + name : name).TrimEnd(' ', '.');
        }
        else
        {
            name = Shorten(name);
        }

        return name.Length == 0 ? null : name;
    }

    /// <summary>
    /// Cuts a name to <see cref="MaxElementBytes"/> bytes of UTF-8, keeping the extension if it is short.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <param name="room">Bytes to leave free for something the caller inserts.</param>
    internal static string Shorten(string name, int room = 0)
    {
        var max = MaxElementBytes - room;
        if (name.Length <= max / 3 || Encoding.UTF8.GetByteCount(name) <= max)
        {
            return name;
        }

        var dot = name.LastIndexOf('.');
        var extension = dot > 0 ? name[dot..] : "";
        if (Encoding.UTF8.GetByteCount(extension) > MaxExtensionBytes)
        {
            extension = "";
        }

        var left = max - Encoding.UTF8.GetByteCount(extension);
        var length = 0;
        foreach (var rune in name.EnumerateRunes())
        {
            left -= rune.Utf8SequenceLength;
            if (left < 0)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return name[..length] + extension;
    }

    /// <summary>Decodes one character; null stands for one invalid sequence, overlong forms included.</summary>
    private static Rune? DecodeRune(ReadOnlySpan<byte> bytes, out int consumed)
    {
        var first = bytes[0];
        var length = first switch
        {
            < 0x80 => 1,
            < 0xc0 => 1, // a continuation byte without a start
            < 0xe0 => 2,
            < 0xf0 => 3,
            < 0xf8 => 4,
            < 0xfc => 5,
            _ => 6,
        };
        consumed = 1;
        while (consumed < length && consumed < bytes.Length && (bytes[consumed] & 0xc0) == 0x80)
        {
            consumed++;
        }

        var status = Rune.DecodeFromUtf8(bytes[..consumed], out var rune, out var decoded);
        return status == System.Buffers.OperationStatus.Done && decoded == consumed ? rune : null;
    }

    /// <summary>
    /// Characters that vanish: separators, and those that are invisible or turn the direction of writing, with
    /// which a name can be made to look like another.
    /// </summary>
    private static bool IsFiltered(Rune rune) =>
        rune.Value
            is '/'
                or '\\'
                or 0x061c // Arabic letter mark
                or (>= 0x200b and <= 0x200f) // zero-width space and joiners, direction marks
                or (>= 0x202a and <= 0x202e) // direction embeddings and overrides
                or (>= 0x2060 and <= 0x2064) // word joiner, invisible operators
                or (>= 0x2066 and <= 0x2069) // direction isolates
                or 0xfeff; // byte order mark

    private static bool IsAllowed(Rune rune, PathRules rules) =>
        rune.Value >= 0x20
        && rune.Value is not (>= 0x7f and <= 0x9f)
        && (
            rules != PathRules.Windows
            || rune.Value > 0x7f
            || !"<>:\"|?*".Contains((char)rune.Value, StringComparison.Ordinal)
        );

    /// <summary>CON, COM1.txt, ...: names that mean a device on Windows, whatever follows the first dot.</summary>
    private static bool IsDeviceName(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var stem = (dot < 0 ? name : name[..dot]).TrimEnd(' ').ToUpperInvariant();
        return stem is "CON" or "PRN" or "AUX" or "NUL" or "CONIN$" or "CONOUT$" or "CLOCK$"
            || stem.Length == 4
                && (
                    stem.StartsWith("COM", StringComparison.Ordinal) || stem.StartsWith("LPT", StringComparison.Ordinal)
                )
                && stem[3] is (>= '0' and <= '9') or '\u00b9' or '\u00b2' or '\u00b3';
    }
}
