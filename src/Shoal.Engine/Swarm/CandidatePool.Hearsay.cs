using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// What peers say of others (BEP 11), and calls they introduce us for (BEP 55).
internal sealed partial class CandidatePool
{
    /// <summary>Takes what a connected peer says of another; see <see cref="Hearsay"/> for what is not taken.</summary>
    public void AddHearsay(in PexPeer named, PeerState by)
    {
        if (_known.TryGetValue(named.EndPoint, out var known))
        {
            _queue.Remove(known);
            known.Source |= PeerSource.Pex;
            known.Flags = named.Flags;
            QueueIfIdle(known);
            return;
        }

        if (
            IsBanned(named.EndPoint)
            || IsNobody(named.EndPoint)
            || !Hearsay.TryHold(named.EndPoint, by, out var sponsor)
        )
        {
            return;
        }

        var candidate = Create(named.EndPoint, new CandidateTeller(PeerSource.Pex));
        candidate.Sponsor = sponsor;
        candidate.Flags = named.Flags;
        if (!TryTakeIn(candidate))
        {
            Hearsay.Release(candidate.EndPoint, sponsor);
        }
    }

    /// <summary>Addresses that were called so long ago and have not answered.</summary>
    public IReadOnlyList<IPEndPoint> Waiting(TimeSpan since) =>
        Connecting == 0
            ? []
            :
            [
                .. _known
                    .Values.Where(candidate => candidate.IsConnecting && state.Now - candidate.CalledAt >= since)
                    .Select(candidate => candidate.EndPoint),
            ];

    /// <summary>
    /// Marks an address as being called because a peer introduced us. False where it may not be: banned, of no use, or
    /// there are too many calls or too much hearsay already.
    /// </summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="by">The relay: what it names is hearsay, and counts as such.</param>
    /// <param name="instead">What we asked for, where the relay knows it by another port.</param>
    public bool TryPunch(IPEndPoint endPoint, PeerState by, IPEndPoint? instead)
    {
        if (
            instead is not null
            && !instead.Equals(endPoint)
            && _known.TryGetValue(instead, out var former)
            && !former.IsConnected
        )
        {
            Forget(former);
        }

        if (!_known.TryGetValue(endPoint, out var known))
        {
            if (
                IsBanned(endPoint)
                || IsNobody(endPoint)
                || Connecting >= state.Limits.MaxConnecting + state.Limits.HolePunch.MaxAttempts
                || !Hearsay.TryHold(endPoint, by, out var sponsor)
            )
            {
                return false;
            }

            known = Create(endPoint, new CandidateTeller(PeerSource.HolePunch));
            known.Sponsor = sponsor;
            if (!TryTakeIn(known))
            {
                Hearsay.Release(endPoint, sponsor);
                return false;
            }
        }
        else if (known.IsConnected)
        {
            return false;
        }

        // A call that hangs goes on; this one is another.
        if (!known.IsConnecting)
        {
            _queue.Remove(known);
            Called(known);
        }

        return true;
    }

    /// <summary>Not while it is queued.</summary>
    private void Called(Candidate candidate)
    {
        candidate.IsConnecting = true;
        candidate.CalledAt = state.Now;
        Connecting++;
        _hearsayConnecting += candidate.Sponsor is null ? 0 : 1;
    }
}
