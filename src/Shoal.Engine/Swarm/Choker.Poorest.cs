namespace Shoal.Engine;

/// <summary>A place for those who have nothing for us, and for those who give and fall behind all the same.</summary>
/// <remarks>
/// Tit for tat lets starve who has fallen behind: it has nothing that anybody lacks, so gives nothing, so gets nothing, and an optimistic
/// place comes to it once in half a minute. Of 300 equal peers in the simulation one stood still for ten seconds that way, and ended
/// last. Besides, whom few let ask, by chance, gets two thirds of what others get for a round or two, however much it gives: it ended
/// at 1.23 times the bound where the middle ended at 1.11. So one place, beside the others, is for these: a piece for each in turn, the
/// one with the fewest first. Most of its neighbours see the same one, so it soon catches up.
/// </remarks>
internal sealed partial class Choker
{
    /// <summary>Who lacks so much of what we have has fallen behind.</summary>
    private const double FallenBehind = 0.02;

    private PeerState? _poorest;
    private TimeSpan _poorestSince;
    private long _poorestHad;

    private bool IsPoorestDone =>
        _poorest is not { IsGone: false, IsInterested: true, AreWeChoking: false } peer
        || peer.Up.Total - _poorestHad >= state.Content!.Layout.PieceLength
        // It takes nothing, or slowly: others are tried.
        || state.Now - _poorestSince >= RoundInterval;

    private void ServePoorest()
    {
        if (state.IsSeeding || state.Content is null || state.UploadSlots == 0)
        {
            _poorest = null;
            return;
        }

        if (!IsPoorestDone)
        {
            return;
        }

        var used = CountUsed();
        var next = used < MostSlots || _poorest is not null ? FindPoorest() : null;
        if (
            _poorest is { IsGone: false, AreWeChoking: false } former
            && former != next
            && used > Slots
            && (!HasGiven(former) || used > MostSlots)
        )
        {
            uploader.Choke(former);
        }

        _poorest = next;
        if (next is not null)
        {
            (_poorestSince, _poorestHad) = (state.Now, next.Up.Total);
            uploader.Unchoke(next);
        }
    }

    private PeerState? FindPoorest()
    {
        PeerState? best = null;
        var bestKey = (0L, TimeSpan.Zero);
        foreach (var peer in state.Peers)
        {
            if (
                peer is { IsInterested: true, IsGone: false, Have: not null }
                && (!peer.AreWeInterested || IsBehind(peer))
                && (peer.AreWeChoking || peer == _poorest)
                && !IsCrowded(peer)
                && (Wealth(peer), peer.UnchokedAt) is var key
                && (best is null || key.CompareTo(bestKey) < 0)
            )
            {
                (best, bestKey) = (peer, key);
            }
        }

        return best;
    }

    /// <summary>Who never gave anything is behind as often as it likes, so does not count.</summary>
    private bool IsBehind(PeerState peer) =>
        HasGiven(peer) && Wealth(peer) + FallenBehind * state.Content!.Layout.PieceCount < state.Content.Have.Count;

    /// <summary>In pieces. Who has got some from us and says that it has none does not stay the poorest for that.</summary>
    private long Wealth(PeerState peer) =>
        Math.Max(peer.Have!.Count, peer.Up.Total / state.Content!.Layout.PieceLength);
}
