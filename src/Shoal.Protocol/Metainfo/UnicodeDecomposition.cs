using System.Globalization;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// Unicode's canonical decomposition (NFD), which tells names that look and mean the same from those that do
/// not. The runtime's own needs the ICU library, which we do without.
/// </summary>
internal static class UnicodeDecomposition
{
    // Hangul syllables follow a rule instead of a table: 19 leads, 21 vowels, 27 tails or none.
    private const int HangulBase = 0xac00;
    private const int HangulCount = 19 * 21 * 28;

    private static readonly Lazy<Tables> Data = new(Tables.Load);

    /// <summary>The name, decomposed; a lone surrogate becomes U+FFFD.</summary>
    public static string Decompose(string name)
    {
        if (Ascii.IsValid(name))
        {
            return name;
        }

        var tables = Data.Value;
        var runes = new List<(Rune Rune, int Class)>(name.Length + 8);
        foreach (var rune in name.EnumerateRunes())
        {
            if ((uint)(rune.Value - HangulBase) < HangulCount)
            {
                var index = rune.Value - HangulBase;
                runes.Add((new Rune(0x1100 + index / (21 * 28)), 0));
                runes.Add((new Rune(0x1161 + index / 28 % 21), 0));
                if (index % 28 != 0)
                {
                    runes.Add((new Rune(0x11a7 + index % 28), 0));
                }
            }
            else if (tables.Decompositions.TryGetValue(rune.Value, out var parts))
            {
                runes.AddRange(parts.Select(part => (part, tables.ClassOf(part.Value))));
            }
            else
            {
                runes.Add((rune, tables.ClassOf(rune.Value)));
            }
        }

        return Order(runes);
    }

    /// <summary>Marks after a base stand in the order of their classes; those of one class keep theirs.</summary>
    private static string Order(List<(Rune Rune, int Class)> runes)
    {
        var text = new StringBuilder(runes.Count);
        for (var start = 0; start < runes.Count; )
        {
            var end = start + 1;
            if (runes[start].Class != 0)
            {
                while (end < runes.Count && runes[end].Class != 0)
                {
                    end++;
                }
            }

            foreach (var (rune, _) in runes.GetRange(start, end - start).OrderBy(r => r.Class))
            {
                text.Append(rune.ToString());
            }

            start = end;
        }

        return text.ToString();
    }

    private sealed class Tables
    {
        private readonly List<(int First, int Last, int Class)> _classes = [];

        public Dictionary<int, Rune[]> Decompositions { get; } = [];

        public static Tables Load()
        {
            var tables = new Tables();
            using var stream = typeof(Tables).Assembly.GetManifestResourceStream("UnicodeDecompositions.txt")!;
            using var reader = new StreamReader(stream);
            var inClasses = false;
            while (reader.ReadLine() is { } line)
            {
                if (line is "decompositions" or "classes" || line[0] == '#')
                {
                    inClasses = line == "classes";
                    continue;
                }

                int[] numbers =
                [
                    .. line.Split(' ').Select(n => int.Parse(n, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
                ];
                if (inClasses)
                {
                    tables._classes.Add((numbers[0], numbers[1], numbers[2]));
                }
                else
                {
                    tables.Decompositions.Add(numbers[0], [.. numbers[1..].Select(n => new Rune(n))]);
                }
            }

            return tables;
        }

        public int ClassOf(int character)
        {
            if (character < _classes[0].First)
            {
                return 0;
            }

            var low = 0;
            var high = _classes.Count - 1;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_classes[middle].Last < character)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            return character >= _classes[low].First && character <= _classes[low].Last ? _classes[low].Class : 0;
        }
    }
}
