using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>
/// Peers on the tracker's own machine announce from a loopback address, where nobody else finds them. Who asks
/// from elsewhere gets them under the address at which it reached the tracker, since they are on that machine too.
/// </summary>
internal static class LocalPeers
{
    /// <summary>
    /// Makes packed peers fit for an asker that is not on this machine, and says how many bytes remain: peers
    /// without a better address are left out.
    /// </summary>
    /// <param name="local">The tracker's address as the asker sees it; null where unknown.</param>
    public static int Translate(Span<byte> packed, bool isV6, PeerAddress? local)
    {
        var size = isV6 ? CompactPeers.SizeV6 : CompactPeers.SizeV4;
        var kept = 0;
        for (var at = 0; at + size <= packed.Length; at += size)
        {
            var peer = packed.Slice(at, size);
            if (PeerAddress.IsLoopbackBytes(peer[..(size - 2)]))
            {
                if (local is not { } address || address.IsV6 != isV6 || address.IsLoopback)
                {
                    continue;
                }

                address.CopyTo(peer);
            }

            if (kept != at)
            {
                peer.CopyTo(packed[kept..]);
            }

            kept += size;
        }

        return kept;
    }

    public static bool Any(ReadOnlySpan<byte> packed, bool isV6)
    {
        var size = isV6 ? CompactPeers.SizeV6 : CompactPeers.SizeV4;
        for (var at = 0; at + size <= packed.Length; at += size)
        {
            if (PeerAddress.IsLoopbackBytes(packed.Slice(at, size - 2)))
            {
                return true;
            }
        }

        return false;
    }
}
