using System.Net;

namespace Shoal.Engine;

// How connections and calls end, and what that says of the next try.
internal sealed partial class CandidatePool
{
    public void Left(PeerState peer, DisconnectReason reason)
    {
        Hearsay.Leave(peer);
        if (!_known.TryGetValue(peer.KnownAs, out var candidate))
        {
            return;
        }

        if (
            reason == DisconnectReason.Duplicate
            && state.Peers.Exists(other => other != peer && other.KnownAs.Equals(peer.KnownAs))
        )
        {
            // Both ends called at once, and the other call was kept.
            return;
        }

        _queue.Remove(candidate);
        candidate.IsConnected = false;
        switch (reason)
        {
            case DisconnectReason.Self:
                // Who calls us and gives our name for its own says nothing of where we are.
                ForgetUs(candidate, isProven: peer.Introduction.IsOutgoing);
                break;
            case DisconnectReason.NotUseful:
            case DisconnectReason.ClosedByPeer or DisconnectReason.ConnectionLost when state.IsOfNoUse(peer):
                // Whichever of us two saw it first and closed: both know it, and both remember it. Both may lose a piece
                // or gain a wish some day, so not for ever; and whoever gains one calls, and is let in.
                candidate.IsSpent = true;
                candidate.Failures = 0;
                candidate.NotBefore = state.Now + MaxBackOff;
                break;
            case DisconnectReason.TorrentPaused:
            case DisconnectReason.InterfaceLost:
                candidate.Failures = 0;
                candidate.NotBefore = state.Now;
                break;
            default:
                // A seed that does not know us for one (we super-seed) would call again and again.
                var wasGood = peer.Down.Total + peer.Up.Total > 0 || state.Now - peer.JoinedAt >= LongEnough;
                Fail(candidate, wasGood);
                break;
        }

        QueueIfIdle(candidate);
    }

    public void ConnectFailed(IPEndPoint endPoint, DisconnectReason reason)
    {
        if (!_known.TryGetValue(endPoint, out var candidate))
        {
            return;
        }

        _queue.Remove(candidate);
        Answered(candidate);
        if (candidate.IsConnected)
        {
            // It called us meanwhile, or another of our calls was answered.
            return;
        }

        switch (reason)
        {
            case DisconnectReason.Self:
                ForgetUs(candidate, isProven: true);
                break;
            case DisconnectReason.Duplicate:
                candidate.NotBefore = state.Now + FirstBackOff * 3;
                break;
            case DisconnectReason.TooManyConnections:
            case DisconnectReason.InterfaceLost:
                // Our own places are taken, or we have no way out: nobody's fault.
                _queue.Reward(candidate);
                candidate.NotBefore = state.Now + FirstBackOff;
                break;
            case DisconnectReason.Filtered:
                // The filter may be another one some day.
                candidate.NotBefore = state.Now + MaxBackOff;
                break;
            default:
                Fail(candidate, wasGood: false);
                break;
        }

        QueueIfIdle(candidate);
    }

    /// <summary>We want more than before: who had nothing for us may have something now.</summary>
    private void WakeSpent()
    {
        foreach (var candidate in _known.Values)
        {
            if (candidate.IsSpent)
            {
                _queue.Remove(candidate);
                candidate.IsSpent = false;
                candidate.NotBefore = state.Now;
                QueueIfIdle(candidate);
            }
        }
    }

    /// <summary>It is ourselves: a torrent that knows nobody else can sleep.</summary>
    private void ForgetUs(Candidate candidate, bool isProven)
    {
        if (isProven)
        {
            state.Own.Reached(candidate.EndPoint);
        }

        Forget(candidate);
    }

    /// <summary>Not while it is queued; may forget it.</summary>
    /// <param name="candidate">Who.</param>
    /// <param name="wasGood">Until it failed it was worth the call: its former failures do not count.</param>
    private void Fail(Candidate candidate, bool wasGood)
    {
        candidate.Failures = wasGood ? 1 : candidate.Failures + 1;
        if (candidate is { Sponsor: { } sponsor, Failures: 1 })
        {
            sponsor.Missed++;
        }

        var most = candidate.Sponsor is null ? MaxFailures : MaxHearsayFailures - 1;
        if (candidate.Failures > most && (candidate.Source & PeerSource.User) == 0)
        {
            Forget(candidate);
            return;
        }

        var wait = FirstBackOff * Math.Pow(2, Math.Min(candidate.Failures - 1, 10));
        candidate.NotBefore = state.Now + (wait < MaxBackOff ? wait : MaxBackOff);
    }
}
