using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Peers of one neighbourhood.</summary>
internal sealed partial class Choker
{
    private readonly List<PeerState> _crowded = [];
    private readonly Dictionary<PeerNetwork.Neighbourhood, int> _places = [];

    /// <summary>
    /// Whoever has one address often has its neighbours, and addresses cost an attacker little where places at a seed cost
    /// everybody else: those whose neighbourhood has its share already go behind all others. Returns how many do not.
    /// </summary>
    private int Spread()
    {
        _places.Clear();
        _crowded.Clear();
        var kept = 0;
        for (var i = 0; i < _order.Count; i++)
        {
            var peer = _order[i];
            if (TryPlace(peer))
            {
                _order[kept++] = peer;
            }
            else
            {
                _crowded.Add(peer);
            }
        }

        _order.RemoveRange(kept, _order.Count - kept);
        _order.AddRange(_crowded);
        return kept;
    }

    /// <summary>Counts a place of the peer's neighbourhood, unless that has its share.</summary>
    private bool TryPlace(PeerState peer)
    {
        if (IsCrowded(peer))
        {
            return false;
        }

        _places[peer.Neighbourhood] = _places.GetValueOrDefault(peer.Neighbourhood) + 1;
        return true;
    }

    /// <summary>Who gives is no freeloader, and in our own network neighbours are colleagues.</summary>
    private bool IsCrowded(PeerState peer) =>
        peer.IsGlobal
        && (state.IsSeeding || LeechScore(peer) <= 0)
        && _places.GetValueOrDefault(peer.Neighbourhood) >= state.Limits.UploadSlotsPerNeighbourhood;
}
