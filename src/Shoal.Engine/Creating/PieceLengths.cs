using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>The piece length for content of a given size, where the user names none.</summary>
public static class PieceLengths
{
    /// <summary>The largest that all well-known clients read.</summary>
    public const int MaxAutomatic = 128 * 1024 * 1024;

    /// <summary>
    /// The smallest power of two from 16 KiB that is at least ten times the root of the size. Both the number of
    /// pieces, and with it the .torrent file, and the length of a piece, and with it what a bad block or a
    /// receiver's first piece costs, then grow with the root of the size: 1 MiB for 4 to 11 GB, 16 MiB and
    /// 3 MB of hashes for 1 TB.
    /// </summary>
    public static int For(long contentSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(contentSize);
        var wanted = 10 * Math.Sqrt(contentSize);
        var length = PieceLayout.BlockSize;
        while (length < wanted && length < MaxAutomatic)
        {
            length *= 2;
        }

        return length;
    }
}
