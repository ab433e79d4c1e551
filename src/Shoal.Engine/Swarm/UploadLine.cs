namespace Shoal.Engine;

/// <summary>
/// Whom a seed serves next while it has pieces that nobody else has, and a leech among those who have turns
/// (<see cref="Choker"/>). A piece is of use to the others only when it is whole: served all at once, block by block in turn,
/// sixteen peers would have their first piece when one after the other
/// the sixteenth has his, and nobody could pass anything on until then. So each has his turn, which lasts a piece; and
/// what only we have goes before what others have, too.
/// </summary>
/// <remarks>
/// Who takes what he gets more slowly than we could send must not hold up the others: how much may be on its way to all
/// together is found by trying, and whoever takes nothing for a while does not count. Where all who are served at once have
/// their pieces soon anyhow, nobody stands in line.
/// </remarks>
internal sealed class UploadLine(SwarmState state)
{
    /// <summary>As many pieces as there are slots take longer than this, in seconds: else a line is not worth it.</summary>
    private const double WorthSeconds = 0.5;

    /// <summary>Bytes on their way to all together, at least: four blocks.</summary>
    private const int Least = 64 * 1024;

    /// <summary>More is kept if it brings so much more; less if it brings no less than this.</summary>
    private const double Better = 1.1;
    private const double NotWorse = 0.95;

    /// <summary>A peer whose link takes nothing for so long is not waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

    /// <summary>Who has waited for so long gets a block, lest it give up.</summary>
    private static readonly TimeSpan Starving = TimeSpan.FromSeconds(5);

    /// <summary>Who may ask has asked by then, if it has anything to ask for.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(0.1);

    /// <summary>
    /// How long somebody may ask for nothing while others wait. Shorter, and where there are many not all can be tried while there
    /// is nothing to send.
    /// </summary>
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(2);

    /// <summary>How long an amount is tried, and the time between two trials when the last brought nothing.</summary>
    private static readonly TimeSpan Trial = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private long _lastTurn;
    private int _most = Least;

    // The trial: what there was before it, what that brought in bytes a second (0: no trial), and when it began.
    private int _mostBefore;
    private double _rateBefore;
    private long _uploadedAtStart;
    private TimeSpan _startedAt;
    private TimeSpan _nextTrial;
    private bool _isLessNext;

    /// <summary>Whether there are pieces that only we have.</summary>
    public Func<bool>? IsSpreading { get; set; }

    /// <summary>Whether nobody but us has the piece, and nobody but the peer fetches it.</summary>
    public Func<PeerState, int, bool>? IsOnlyFor { get; set; }

    /// <summary>Requests are served in line now.</summary>
    public bool IsOn =>
        state.Content is { } content
        && state.IsChecked
        && state.PeerCount > 1
        && content.Layout.PieceLength * (long)state.UploadSlots > state.Up.Slow * WorthSeconds
        && (!state.IsSeeding || IsSpreading?.Invoke() == true);

    /// <summary>How many bytes more may be handed to links.</summary>
    public int Room
    {
        get
        {
            var room = _most;
            foreach (var peer in state.Peers)
            {
                room -= IsStuck(peer) ? 0 : peer.SendAhead;
            }

            return room;
        }
    }

    /// <summary>Whose request is next, and its place in the peer's queue; null: nobody waits.</summary>
    public (PeerState Peer, int At)? Next()
    {
        PeerState? best = null;
        var bestAt = 0;
        var bestKey = (true, true, true, long.MaxValue);
        foreach (var peer in state.Peers)
        {
            if (peer.Uploads.Count == 0 || peer.IsTurnOver || IsStuck(peer))
            {
                continue;
            }

            var only = state.IsSeeding ? FirstOnly(peer) : -1;
            // Who had something of us and gave it to nobody waits behind those who did: what only it has of us is lost to all.
            var isBehind = state.IsSeeding && !peer.HasPassedOn && peer.UploadTurn > 0;
            var isPatient = state.Now - peer.InLineSince < Starving;
            var key = (isPatient, isBehind, only < 0, peer.UploadTurn);
            if (best is null || key.CompareTo(bestKey) < 0)
            {
                (best, bestAt, bestKey) = (peer, Math.Max(0, only), key);
            }
        }

        return best is null ? null : (best, bestAt);
    }

    /// <summary>The peer's turn begins; of those who have one the earlier is served first.</summary>
    public void Begin(PeerState peer)
    {
        peer.UploadTurn = ++_lastTurn;
        (peer.ServedOfPiece, peer.ServedInTurn, peer.IsTurnOver) = (0, 0, false);
    }

    /// <summary>The request is handed on, the first in the peer's queue or one further on. Whoever got a piece goes to the end of the line.</summary>
    /// <returns>Whether it was the last of a turn.</returns>
    public bool Note(PeerState peer, int at)
    {
        var request = peer.Uploads[at];
        var isSame = peer.LastServed == request.Piece.Value;
        peer.ServedOfPiece = (isSame ? peer.ServedOfPiece : 0) + request.Length;
        peer.ServedInTurn += request.Length;
        var layout = state.Content!.Layout;
        // It may have had a part of a piece, and then have begun another: that it finishes, unless it goes on for ever.
        var isWithin = at + 1 < peer.Uploads.Count && peer.Uploads[at + 1].Piece == request.Piece;
        var most = isWithin ? 2L * layout.PieceLength : layout.PieceLength;
        if (peer.ServedOfPiece < layout.DataSizeOf(request.Piece) && peer.ServedInTurn < most)
        {
            return false;
        }

        Begin(peer);
        return true;
    }

    /// <summary>It uses its turn, or has just got it.</summary>
    public bool IsActive(PeerState peer) =>
        !peer.IsTurnOver
        && !IsStuck(peer)
        && (
            (peer.IsInterested && (peer.SendAhead > 0 || peer.Uploads.Count > 0))
            || state.Now - peer.UnchokedAt < AnswerTime
        );

    /// <summary>It has a turn, and has asked for nothing for a while.</summary>
    public bool IsIdle(PeerState peer)
    {
        var since = peer.DrainedAt > peer.UnchokedAt ? peer.DrainedAt : peer.UnchokedAt;
        var time = peer.IsInterested ? IdleTime : AnswerTime;
        return peer.SendAhead == 0 && peer.Uploads.Count == 0 && state.Now - since > time;
    }

    /// <summary>
    /// Tries whether more on its way at once brings more, or less no less. What is counted is counted only while somebody
    /// waits all the time.
    /// </summary>
    public void OnTick()
    {
        if (!IsWaitedFor())
        {
            (_uploadedAtStart, _startedAt) = (state.Uploaded, state.Now);
            return;
        }

        if (state.Now - _startedAt < Trial)
        {
            return;
        }

        var rate = (state.Uploaded - _uploadedAtStart) / (state.Now - _startedAt).TotalSeconds;
        (_uploadedAtStart, _startedAt) = (state.Uploaded, state.Now);
        if (_mostBefore > 0)
        {
            var isKept = rate > _rateBefore * (_most > _mostBefore ? Better : NotWorse);
            _nextTrial = isKept ? state.Now : state.Now + Rest;
            _most = isKept ? _most : _mostBefore;
            _mostBefore = 0;
        }
        else if (state.Now >= _nextTrial)
        {
            (_mostBefore, _rateBefore) = (_most, rate);
            _most = _isLessNext ? Math.Max(Least, _most / 2) : Math.Min(_most * 2, state.Limits.MaxSendAhead);
            _isLessNext = !_isLessNext && _most > Least;
        }
    }

    private bool IsWaitedFor()
    {
        foreach (var peer in state.Peers)
        {
            if (peer.Uploads.Count > 0)
            {
                return true;
            }
        }

        return false;
    }

    private bool IsStuck(PeerState peer) => peer.SendAhead > 0 && state.Now - peer.DrainedAt > Patience;

    private int FirstOnly(PeerState peer)
    {
        for (var i = 0; i < peer.Uploads.Count; i++)
        {
            if (IsOnlyFor?.Invoke(peer, peer.Uploads[i].Piece.Value) == true)
            {
                return i;
            }
        }

        return -1;
    }
}
