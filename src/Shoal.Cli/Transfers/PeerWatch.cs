using System.Net;
using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>Tells the view of each peer once, when its connection is first seen.</summary>
internal sealed class PeerWatch(ITransferView view)
{
    private readonly Dictionary<Torrent, IReadOnlyList<PeerStatus>> _seen = [];

    /// <summary>Looks at the latest snapshots; cheap while there is no new one.</summary>
    public void Look(IReadOnlyList<Torrent> torrents)
    {
        foreach (var torrent in torrents)
        {
            var peers = torrent.Status.Peers;
            var before = _seen.GetValueOrDefault(torrent, []);
            if (ReferenceEquals(peers, before))
            {
                continue;
            }

            _seen[torrent] = peers;
            var known = before.Select(KeyOf).ToHashSet();
            foreach (var peer in peers.Where(peer => !known.Contains(KeyOf(peer))))
            {
                view.Show(new TransferEvent.PeerConnected(peer));
            }
        }
    }

    // The program's name comes a moment after the connection, in a message of its own; so it is no part of the key.
    private static (IPEndPoint, bool, TransportKind) KeyOf(PeerStatus peer) =>
        (peer.EndPoint, peer.IsOutgoing, peer.Transport);
}
