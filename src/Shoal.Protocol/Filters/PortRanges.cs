using System.Globalization;

namespace Shoal.Protocol;

/// <summary>A set of ports, such as <c>0-1023,6666</c>.</summary>
public sealed class PortRanges
{
    private readonly (ushort First, ushort Last)[] _ranges;

    private PortRanges((ushort First, ushort Last)[] ranges) => _ranges = ranges;

    public static PortRanges None { get; } = new([]);

    /// <param name="text">Ports and ranges of ports from 0 to 65535, with commas between.</param>
    /// <param name="ranges">The set, or none.</param>
    public static bool TryParse(string text, out PortRanges ranges)
    {
        ranges = None;
        var found = new List<(ushort, ushort)>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (
                ends.Length > 2
                || !ushort.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !ushort.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || first > last
            )
            {
                return false;
            }

            found.Add((first, last));
        }

        ranges = new PortRanges([.. found]);
        return true;
    }

    public bool Contains(int port)
    {
        foreach (var (first, last) in _ranges)
        {
            if (port >= first && port <= last)
            {
                return true;
            }
        }

        return false;
    }
}
