using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>The piece length for content of a given size, where the user names none.</summary>
public static class PieceLengths
{
    /// <summary>The largest that all well-known clients read.</summary>
    public const int MaxAutomatic = 128 * 1024 * 1024;

    /// <summary>
    /// The smallest power of two from 16 KiB that is at least five times the root of the size. Both the number of
    /// pieces, and with it the .torrent file, and the length of a piece, and with it what a bad block or a
    /// receiver's first piece costs, then grow with the root of the size: 512 KiB for 3 to 11 GB, 8 MiB and
    /// 2.4 MB of hashes for 1 TB.
    /// </summary>
    /// <remarks>
    /// What a swarm loses at its start is so many pieces, whatever the size: each must be whole before it is passed on. 64 MiB in
    /// 1,024 pieces instead of 256 let the last of 300 receivers end at 1.15 times what is possible instead of 1.28 (docs/distribution.md).
    /// </remarks>
    public static int For(long contentSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(contentSize);
        var wanted = 5 * Math.Sqrt(contentSize);
        var length = PieceLayout.BlockSize;
        while (length < wanted && length < MaxAutomatic)
        {
            length *= 2;
        }

        return length;
    }
}
