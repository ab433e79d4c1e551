using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Turns: whoever lacks something itself lets a few peers ask at a time, each until it has a piece; then it is choked, and
/// the one we owe most may ask.
/// </summary>
/// <remarks>
/// A piece is of use only when it is whole, and what is asked of a busy peer is not asked of an idle one. With turns a
/// peer has requests only where they are served next, and decides what to ask for when that is known. Where pieces
/// take no time the choker's rounds of ten seconds are as good, and cost less.
/// </remarks>
internal sealed partial class Choker
{
    /// <summary>Peers that have turns at once: those whose pieces take about so long, in seconds, within bounds.</summary>
    private const double TurnsSeconds = 0.5;
    private const int LeastTurns = 2;
    private const int FirstTurns = 4;
    private const int MostTurns = 8;

    /// <summary>Turns given besides whenever nothing waits to be sent: most peers may have nothing to ask for just then.</summary>
    private const int IdleTurns = 4;

    /// <summary>Every so many turns it is the one of the peer that has waited longest, whoever it is.</summary>
    private const int OptimisticTurns = 10;

    /// <summary>How long a peer had something that we want, and gave nothing, until it counts as one that only takes. In seconds.</summary>
    private const int PatienceSeconds = 5;

    /// <summary>Peers in line at a seed that spreads: as many as get a piece within this time, in seconds.</summary>
    private const double LineSeconds = 10;

    private int _dealt;
    private bool _tookTurns;

    /// <summary>How a peer has treated us, and others as far as we know. Best first.</summary>
    private enum Standing
    {
        /// <summary>It gives; to a seed: it had no reason to give to us.</summary>
        Gives,

        /// <summary>It has given nothing, and perhaps could not.</summary>
        Untried,

        /// <summary>It had a piece from us, could have given, and did not.</summary>
        OnlyTakes,
    }

    private bool TakesTurns => !state.IsSeeding && uploader.Line.IsOn;

    private int Turns
    {
        get
        {
            var wanted = state.Up.Slow * TurnsSeconds / state.Content!.Layout.PieceLength;
            var turns = state.Up.Slow == 0 ? FirstTurns : Math.Clamp((int)wanted, LeastTurns, MostTurns);
            return Math.Min(turns, state.UploadSlots);
        }
    }

    /// <summary>We have a piece more: some of those who lack it may ask before they can say that they want it.</summary>
    public void OnPiece(PieceIndex piece)
    {
        if (TakesTurns)
        {
            Deal(fresh: piece.Value);
        }
    }

    /// <summary>The peer has had a piece in its turn: whoever waits is next, but for those who only take.</summary>
    public void OnPieceServed(PeerState peer)
    {
        if (TakesTurns && NextTurn() is { } next && StandingOf(next) <= StandingOf(peer))
        {
            peer.IsTurnOver = true;
            Deal();
        }
    }

    /// <summary>All that the peer is to get for now has gone out.</summary>
    public void OnDrained(PeerState peer)
    {
        if (TakesTurns && IsUplinkIdle() is var isIdle && (isIdle || peer.IsTurnOver))
        {
            Deal(isIdle ? IdleTurns : 0);
        }
    }

    /// <summary>Notes whom we wait for.</summary>
    public void OnSecond()
    {
        foreach (var peer in state.Peers)
        {
            peer.WaitedSeconds += peer.AreWeInterested && peer.Down.Total == 0 ? 1 : 0;
        }
    }

    /// <summary>Returns whether turns are taken.</summary>
    private bool OnTickOfTurns()
    {
        if (!TakesTurns)
        {
            if (_tookTurns)
            {
                state.Peers.ForEach(peer => peer.IsTurnOver = false);
            }

            _tookTurns = false;
            return false;
        }

        _tookTurns = true;
        Deal(IsUplinkIdle() ? IdleTurns : 0);
        return true;
    }

    /// <summary>
    /// Ends the turns of those who have asked for nothing for a while, if others wait, and gives as many as are free.
    /// </summary>
    private void Deal(int more = 0, int fresh = -1)
    {
        var (active, open) = (0, 0);
        foreach (var peer in state.Peers)
        {
            if (peer is { AreWeChoking: false, IsTurnOver: true, SendAhead: 0 })
            {
                EndTurn(peer);
            }

            open += peer.AreWeChoking ? 0 : 1;
            active += !peer.AreWeChoking && uploader.Line.IsActive(peer) ? 1 : 0;
        }

        var turns = Turns;
        bool? isWaitedFor = null;
        foreach (var peer in state.Peers)
        {
            if (!peer.AreWeChoking && uploader.Line.IsIdle(peer) && (isWaitedFor ??= NextTurn() is not null))
            {
                EndTurn(peer);
                open--;
            }
        }

        while (active < turns + more && open < MostSlots && NextTurn(active >= turns, fresh) is { } next)
        {
            _dealt++;
            uploader.Line.Begin(next);
            uploader.Unchoke(next);
            active++;
            open++;
        }
    }

    private void EndTurn(PeerState peer)
    {
        peer.IsTurnOver = false;
        uploader.Choke(peer);
    }

    /// <summary>
    /// Whose turn is next. Those who only take have but the optimistic ones: else whatever others cannot use at once would be
    /// theirs, and they would end as early as anybody.
    /// </summary>
    /// <param name="isBeyond">All turns are given, and more are tried since the uplink is idle: not for crowds.</param>
    /// <param name="fresh">A piece of which those who lack it have not had the time to say that they want it; -1: none.</param>
    private PeerState? NextTurn(bool isBeyond = false, int fresh = -1)
    {
        CountUsed();
        var isOptimistic = _dealt % OptimisticTurns == OptimisticTurns - 1;
        PeerState? best = null;
        var bestKey = (false, Standing.Gives, 0.0);
        var alike = 0;
        foreach (var peer in state.Peers)
        {
            if (!peer.AreWeChoking || peer.IsGone || !(peer.IsInterested || IsLacking(peer, fresh)))
            {
                continue;
            }

            var standing = StandingOf(peer);
            var isCrowded = IsCrowded(peer);
            if ((standing == Standing.OnlyTakes && !isOptimistic) || (isBeyond && isCrowded))
            {
                continue;
            }

            var key = isOptimistic
                ? (isCrowded, Standing.Gives, peer.UnchokedAt.TotalSeconds)
                : (isCrowded, standing, PiecesAhead(peer));
            var order = best is null ? -1 : key.CompareTo(bestKey);
            alike = order < 0 ? 1 : alike + 1;
            if (order < 0 || (order == 0 && state.Random.Next(alike) == 0))
            {
                (best, bestKey) = (peer, key);
            }
        }

        return best;
    }

    private static bool IsLacking(PeerState peer, int piece) =>
        piece >= 0 && !peer.IsUploadOnly && peer.Have is { } have && !have[piece];

    /// <summary>How many pieces more we gave it than it gave us.</summary>
    private double PiecesAhead(PeerState peer) => (peer.Up.Total - peer.Down.Total) / state.Content!.Layout.PieceLength;

    private Standing StandingOf(PeerState peer)
    {
        if (state.IsSeeding && peer.IsKeeping)
        {
            return Standing.OnlyTakes;
        }

        if (peer.Down.Total > 0)
        {
            return Standing.Gives;
        }

        var hadPiece = peer.Up.Total >= (state.Content?.Layout.PieceLength ?? 0);
        return peer.WaitedSeconds >= PatienceSeconds && hadPiece ? Standing.OnlyTakes
            : state.IsSeeding ? Standing.Gives
            : Standing.Untried;
    }

    /// <summary>
    /// In line nobody takes from another's rate: as many as have a piece each before they lose patience. Before the rate is known all
    /// there may be, unless this torrent was given fewer places than usual.
    /// </summary>
    private int InLine(ContentState content, int most) =>
        state.Up.Slow == 0
            ? (state.UploadSlots < state.Limits.UploadSlots ? 0 : most)
            : (int)(state.Up.Slow * LineSeconds / content.Layout.PieceLength);

    /// <summary>To us; or, of a seed that spreads, to others, if it has had anything that it could give.</summary>
    private bool HasGiven(PeerState peer) =>
        state.IsSeeding
            ? StandingOf(peer) != Standing.OnlyTakes
                && (peer.HasPassedOn || IsSpreading?.Invoke() != true || uploader.Line.IsOn)
            : peer.Down.Total > 0;

    private bool IsUplinkIdle()
    {
        foreach (var peer in state.Peers)
        {
            if (peer.SendAhead > 0 || peer.Uploads.Count > 0)
            {
                return false;
            }
        }

        return true;
    }
}
