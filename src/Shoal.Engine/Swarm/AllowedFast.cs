using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>BEP 6: the pieces a newcomer may take while choked, the same whoever computes them.</summary>
internal static class AllowedFast
{
    /// <summary>
    /// The set for a peer at this address; empty for IPv6, for which the BEP has no rule.
    /// </summary>
    public static List<int> Generate(int count, int pieceCount, InfoHash infoHash, IPAddress address)
    {
        var set = new List<int>();
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetwork || pieceCount == 0)
        {
            return set;
        }

        count = Math.Min(count, pieceCount);
        Span<byte> seed = stackalloc byte[4 + InfoHash.Size];
        address.TryWriteBytes(seed, out _);
        // BEP 6: "x = 0xFFFFFF00 & ip"
        seed[3] = 0;
        infoHash.CopyTo(seed[4..]);
        Span<byte> x = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(seed, x);
        while (true)
        {
            for (var i = 0; i < 5; i++)
            {
                if (set.Count == count)
                {
                    return set;
                }

                var index = (int)(BinaryPrimitives.ReadUInt32BigEndian(x[(i * 4)..]) % (uint)pieceCount);
                if (!set.Contains(index))
                {
                    set.Add(index);
                }
            }

            SHA1.HashData(x, x);
        }
    }
}
