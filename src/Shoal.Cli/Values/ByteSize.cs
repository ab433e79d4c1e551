using System.Globalization;

namespace Shoal.Cli;

/// <summary>Sizes as people write and read them: <c>16KiB</c>, <c>1.5 GiB</c>.</summary>
internal static class ByteSize
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>
    /// Reads a whole number of bytes. K, M, G, T, P with or without "iB" are powers of 1024; kB, MB, GB ... powers
    /// of 1000; no unit is bytes.
    /// </summary>
    public static bool TryParse(string text, out long bytes) => TryParse(text, allowBits: false, out bytes);

    internal static bool TryParse(string text, bool allowBits, out long bytes)
    {
        bytes = 0;
        text = text.Trim();
        var end = text.AsSpan().LastIndexOfAnyInRange('0', '9') + 1;
        if (
            end == 0
            || !decimal.TryParse(
                text.AsSpan(0, end),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
        {
            return false;
        }

        if (!TryUnit(text[end..].Trim(), allowBits, out var factor))
        {
            return false;
        }

        // A fraction of a byte is a slip of the pen ("0.5"); of a bit, rounding ("1.1Mbit").
        if (number > long.MaxValue / factor || (!allowBits && number * factor != decimal.Truncate(number * factor)))
        {
            return false;
        }

        bytes = (long)decimal.Round(number * factor);
        return true;
    }

    /// <summary>Three digits at most, and the unit: "512 B", "1.46 GiB", "23.4 MiB", "512 KiB".</summary>
    public static string Format(long bytes)
    {
        double value = bytes;
        var unit = 0;
        while (value >= 999.5 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        var digits =
            unit == 0 || value >= 99.95 ? "0"
            : value >= 9.995 ? "0.#"
            : "0.##";
        return value.ToString(digits, CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    private static bool TryUnit(string unit, bool allowBits, out decimal factor)
    {
        const decimal bit = 0.125m;
        factor = 1;
        if (unit.Length == 0 || unit is "B" or "b")
        {
            return true;
        }

        var power = "KMGTP".IndexOf(char.ToUpperInvariant(unit[0]), StringComparison.Ordinal) + 1;
        if (power > 0)
        {
            unit = unit[1..];
        }

        var isBits = unit.Equals("bit", StringComparison.OrdinalIgnoreCase);
        var isDecimal = isBits || unit.Equals("B", StringComparison.OrdinalIgnoreCase);
        var isBinary = power > 0 && (unit.Length == 0 || unit.Equals("iB", StringComparison.OrdinalIgnoreCase));
        if (isBits ? !allowBits : !isDecimal && !isBinary)
        {
            return false;
        }

        factor = isBits ? bit : 1;
        for (var i = 0; i < power; i++)
        {
            factor *= isDecimal ? 1000 : 1024;
        }

        return true;
    }
}
