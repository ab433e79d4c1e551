using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Answers requests. A peer's requests wait here, not in the link, so that a choke can take them back; only as
/// much as about a twentieth of a second of its rate is between disk and network at once.
/// </summary>
internal sealed class Uploader(SwarmState state)
{
    /// <summary>
    /// Beyond that nobody is faster, and a choke or a cancel finds more to take back.
    /// </summary>
    private const double SendAheadSeconds = 0.05;

    /// <summary>A cancel of nothing that waits, as a share of a message that carries nothing.</summary>
    private const double CancelNoise = 0.1;

    /// <summary>Set by super-seeding: whether the peer may know that we have the piece.</summary>
    public Func<PeerState, PieceIndex, bool>? IsHidden { get; set; }

    /// <summary>Called before a peer is choked; the piece that it may finish, if there is one.</summary>
    public Func<PeerState, PieceIndex?>? BeforeChoke { get; set; }

    public Action<PeerState>? AfterUnchoke { get; set; }

    public DisconnectReason? OnRequest(PeerState peer, uint index, uint begin, uint length)
    {
        if (state.Content is not { } content)
        {
            Refuse(peer, index, begin, length);
            return AfterNoise(peer);
        }

        if (!content.Layout.TryRange(index, begin, length, out var piece))
        {
            return DisconnectReason.BadIndex;
        }

        // BEP 3: "All current implementations use 2^14 (16 kiB), and close connections which request an amount greater
        // than that."
        if (length > state.Limits.MaxRequestLength)
        {
            return DisconnectReason.BadIndex;
        }

        var isAllowed = IsAllowed(peer, piece);
        if (peer.AreWeChoking && !isAllowed)
        {
            // BEP 6: "If a peer receives an excessive number of requests from a peer it is choking, the peer receiving
            // the requests MAY close the connection".
            Refuse(peer, index, begin, length);
            return ++peer.ChokedRequests > state.Limits.MaxChokedRequests ? DisconnectReason.Flood : null;
        }

        if (
            !content.Have[piece]
            || peer.Uploads.Count >= Capacity(state.Limits, peer)
            || IsHidden?.Invoke(peer, piece) == true
        )
        {
            Refuse(peer, index, begin, length);
            return AfterNoise(peer);
        }

        peer.Uploads.Add(new UploadRequest(piece, (int)begin, (int)length));
        Pump(peer);
        if (!peer.IsFast && !peer.IsHeld && peer.Uploads.Count >= state.Limits.MaxRequestsIn)
        {
            peer.IsHeld = true;
            state.Effects.Add(new SwarmEffect(SwarmEffectKind.HoldReading, peer.Handle));
        }

        return null;
    }

    /// <summary>How many requests of the peer may wait.</summary>
    public static int Capacity(SwarmLimits limits, PeerState peer) =>
        limits.MaxRequestsIn + (peer.IsFast ? 0 : limits.MaxRequestsOnTheWay);

    public DisconnectReason? OnCancel(PeerState peer, uint index, uint begin, uint length)
    {
        for (var i = 0; i < peer.Uploads.Count; i++)
        {
            var request = peer.Uploads[i];
            if (request.Piece.Value == index && request.Begin == begin && request.Length == length)
            {
                peer.Uploads.RemoveAt(i);
                Refuse(peer, index, begin, length);
                HearAgain(peer);
                return null;
            }
        }

        // Of one that reads, and jumps, hundreds come at once; who sends them for nothing is noticed all the same.
        peer.Noise += CancelNoise;

        // The disk has been asked for it. BEP 6: "requests that are being processed are allowed to complete." But what the link
        // still has need not: whoever jumps to another place in a film would wait for it. The length is a stranger's, and 0
        // would mean all.
        if (peer.SendAhead > 0 && length > 0)
        {
            var answer = peer.IsFast ? MessageId.Reject : default;
            state.Effects.Add(new SwarmEffect(SwarmEffectKind.Unsend, peer.Handle, answer, index, begin, length));
        }

        return null;
    }

    /// <summary>The disk answered. Owns the buffer; null: it could not be read.</summary>
    public void OnRead(PeerState? peer, uint index, uint begin, uint length, BlockBuffer? buffer)
    {
        if (peer is null)
        {
            buffer?.Release();
            return;
        }

        if (buffer is null || (peer.AreWeChoking && !IsAllowed(peer, state.Content!.Layout.Piece((int)index))))
        {
            buffer?.Release();
            peer.SendAhead -= (int)length;
            Refuse(peer, index, begin, length);
            Pump(peer);
            return;
        }

        state.Send(peer, MessageId.Piece, index, begin, length, buffer);
    }

    /// <summary>The link got rid of so much: some went to the network, some was taken back.</summary>
    public void OnSent(PeerState peer, int bytes, int takenBack)
    {
        peer.SendAhead = Math.Max(0, peer.SendAhead - bytes - takenBack);
        peer.Up.Add(bytes);
        state.Up.Add(bytes);
        state.Uploaded += bytes;
        Pump(peer);
    }

    public void Choke(PeerState peer)
    {
        if (peer.AreWeChoking)
        {
            return;
        }

        peer.MayFinish = BeforeChoke?.Invoke(peer);
        if (peer.MayFinish is { } unfinished)
        {
            state.Send(peer, MessageId.AllowedFast, (uint)unfinished.Value);
        }

        peer.AreWeChoking = true;
        peer.ChokedRequests = 0;
        // BEP 6: "A peer SHOULD choke first and then reject requests so that the peer receiving the choke does not
        // re-request the pieces."
        state.Send(peer, MessageId.Choke);
        for (var i = peer.Uploads.Count - 1; i >= 0; i--)
        {
            var request = peer.Uploads[i];
            if (!IsAllowed(peer, request.Piece))
            {
                peer.Uploads.RemoveAt(i);
                Refuse(peer, (uint)request.Piece.Value, (uint)request.Begin, (uint)request.Length);
            }
        }

        HearAgain(peer);

        // With the fast extension each request gets one answer, so what is in the link goes out: it is little.
        if (!peer.IsFast && peer.SendAhead > 0)
        {
            state.Effects.Add(new SwarmEffect(SwarmEffectKind.Unsend, peer.Handle));
        }
    }

    public void Unchoke(PeerState peer)
    {
        if (!peer.AreWeChoking)
        {
            return;
        }

        peer.AreWeChoking = false;
        peer.ChokedRequests = 0;
        peer.UnchokedAt = state.Now;
        peer.HasBeenUnchoked = true;
        peer.UploadedAtUnchoke = peer.Up.Total;
        peer.MayFinish = null;
        state.Send(peer, MessageId.Unchoke);
        AfterUnchoke?.Invoke(peer);
    }

    /// <summary>Hands waiting requests to the disk as far as the window allows.</summary>
    private void Pump(PeerState peer)
    {
        if (peer.Uploads.Count == 0)
        {
            return;
        }

        var window = (int)
            Math.Clamp(
                peer.Up.Fast * SendAheadSeconds,
                state.Limits.MinSendAhead,
                Math.Max(state.Limits.MinSendAhead, state.Limits.MaxSendAhead)
            );
        while (peer.Uploads.Count > 0 && peer.SendAhead < window)
        {
            var request = peer.Uploads.RemoveFirst();
            peer.SendAhead += request.Length;
            peer.LastServed = request.Piece.Value;
            state.Disk(
                new DiskRequest(DiskRequestKind.ReadBlock, request.Piece, request.Begin, request.Length, peer.Handle)
            );
        }

        HearAgain(peer);
    }

    private void HearAgain(PeerState peer)
    {
        if (peer.IsHeld && peer.Uploads.Count <= state.Limits.MaxRequestsIn / 2)
        {
            peer.IsHeld = false;
            state.Effects.Add(new SwarmEffect(SwarmEffectKind.ResumeReading, peer.Handle));
        }
    }

    /// <summary>
    /// BEP 6: "Our current implementation rejects requests for Allowed Fast messages whenever the requesting peer has
    /// more than k pieces."
    /// </summary>
    private bool IsAllowed(PeerState peer, PieceIndex piece) =>
        peer.MayFinish == piece
        || peer.AllowedToPeer is { } allowed
            && Array.IndexOf(allowed, piece.Value) >= 0
            && peer.Have is { } have
            && (have.Count <= state.Limits.AllowedFastCount || peer.TakenFromUs?.Contains(piece.Value) == true);

    private void Refuse(PeerState peer, uint index, uint begin, uint length)
    {
        if (peer.IsFast)
        {
            state.Send(peer, MessageId.Reject, index, begin, length);
        }
    }

    private static DisconnectReason? AfterNoise(PeerState peer)
    {
        peer.Noise++;
        return null;
    }
}
