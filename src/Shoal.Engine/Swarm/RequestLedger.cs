using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Which peer was asked for which block and when; what comes of it: the block, a reject, a choke, silence.
/// Endgame is the state of it in which no block is free any more.
/// </summary>
internal sealed partial class RequestLedger(SwarmState state)
{
    private const int Batch = 64;

    public void Join(PeerState peer) => RequestPacing.Begin(peer, state.Limits);

    /// <summary>The peer is gone: what it was asked for is free again.</summary>
    public void Leave(PeerState peer)
    {
        for (var i = 0; i < peer.Asks.Count; i++)
        {
            ref var ask = ref peer.Asks[i];
            if (ask.Phase == AskPhase.Active)
            {
                Unask(peer, ref ask);
            }
        }

        peer.Asks.Clear();
        peer.Current = null;
        if (state.Content is { } content)
        {
            foreach (var partial in content.PartialOrder)
            {
                partial.Owner = partial.Owner == peer ? null : partial.Owner;
            }

            content.DropUntouched();
        }
    }

    /// <summary>A block came. Owns the buffer.</summary>
    public DisconnectReason? OnBlock(PeerState peer, uint index, uint begin, BlockBuffer buffer)
    {
        var length = buffer.Length;
        state.Downloaded += length;
        state.Down.Add(length);
        peer.Down.Add(length);
        if (state.Content is not { } content || !content.Layout.TryBlock(index, begin, (uint)length, out var block))
        {
            buffer.Release();
            state.Wasted += length;
            return state.Content is null ? DisconnectReason.UnsolicitedBlocks : DisconnectReason.BadIndex;
        }

        var at = peer.FindAsk(block);
        if (at < 0)
        {
            buffer.Release();
            state.Wasted += length;
            return OnUnasked(peer);
        }

        var ask = peer.Asks[at];
        if (ask.Phase == AskPhase.Active)
        {
            Unask(peer, ref peer.Asks[at]);
        }

        peer.Asks.RemoveAt(at);
        RequestPacing.OnBlock(peer, ask, state.Now, state.Limits);
        Accept(content, peer, ask.Piece, block, buffer);
        Refill(peer);
        return null;
    }

    public DisconnectReason? OnReject(PeerState peer, uint index, uint begin, uint length)
    {
        // BEP 6: "If the fast extension is disabled and a peer receives a reject request then the peer MUST close the
        // connection."
        if (!peer.IsFast)
        {
            return DisconnectReason.UnexpectedMessage;
        }

        if (state.Content is not { } content || !content.Layout.TryBlock(index, begin, length, out var block))
        {
            return DisconnectReason.BadIndex;
        }

        var at = peer.FindAsk(block);
        if (at < 0)
        {
            // BEP 6: "If a peer receives a reject for a request that was never sent then the peer SHOULD close the
            // connection."
            return DisconnectReason.UnexpectedMessage;
        }

        if (peer.Asks[at].Phase == AskPhase.Active)
        {
            var partial = peer.Asks[at].Piece;
            Unask(peer, ref peer.Asks[at]);
            content.DropIfUntouched(partial);
            if (peer.IsChokingUs)
            {
                peer.AllowedToUs.Remove(block.Piece);
            }
            else if (state.Now >= peer.NoAskBefore)
            {
                // It may go on refusing: each further refusal doubles the pause, but for those of what was asked before it.
                peer.RejectsInRow = Math.Min(peer.RejectsInRow + 1, 8);
                peer.NoAskBefore = state.Now + TimeSpan.FromMilliseconds(50 << peer.RejectsInRow);
            }
        }

        peer.Asks.RemoveAt(at);
        return null;
    }

    public void OnChoke(PeerState peer)
    {
        peer.IsChokingUs = true;
        if (peer.IsFast)
        {
            // BEP 6: "Choke no longer implicitly rejects all pending requests": each is answered.
            return;
        }

        for (var i = 0; i < peer.Asks.Count; i++)
        {
            ref var ask = ref peer.Asks[i];
            if (ask.Phase == AskPhase.Active)
            {
                Unask(peer, ref ask);
                state.Content!.DropIfUntouched(ask.Piece);
            }
        }

        peer.LateBlocks = peer.Asks.Count;
        peer.Asks.Clear();
    }

    /// <summary>Asks the peer for as many blocks as its queue should hold.</summary>
    public void Refill(PeerState peer)
    {
        if (peer.IsGone || !peer.AreWeInterested || !state.CanFetch)
        {
            return;
        }

        var onlyAllowed = peer.IsChokingUs;
        if ((onlyAllowed && peer.AllowedToUs.Count == 0) || state.Now < peer.NoAskBefore)
        {
            return;
        }

        var target = peer.IsTimedOut ? 1 : Math.Min(peer.QueueTarget, peer.PeerQueueLimit);
        // Of a web seed many at once: they become one request.
        var isEnough = peer.IsWebSeed && peer.ActiveAsks > target / 2;
        var want = isEnough ? 0 : Math.Min(target - peer.ActiveAsks, peer.PeerQueueLimit - peer.Asks.Count);
        if (want <= 0)
        {
            return;
        }

        var context = new PickContext
        {
            Content = state.Content!,
            Peer = peer,
            Now = state.Now,
            Random = state.Random,
            OnlyAllowed = onlyAllowed,
            OnlyRead = onlyAllowed && IsPatient(peer),
            Readers = state.Readers,
            ReaderLimits = state.Limits.Readers,
        };
        Span<BlockRef> blocks = stackalloc BlockRef[Math.Min(want, Batch)];
        while (want > 0)
        {
            var part = blocks[..Math.Min(want, blocks.Length)];
            var count = Picker.Pick(context, part);
            foreach (var block in part[..count])
            {
                Send(peer, block);
            }

            want -= count;
            if (count == 0)
            {
                return;
            }
        }
    }

    public void RefillAll()
    {
        if (!state.CanFetch)
        {
            return;
        }

        // Not by index 0 first each time: the order of asking decides who gets the last blocks.
        foreach (var peer in state.Peers)
        {
            Refill(peer);
        }
    }

    /// <summary>Once a second: queue lengths follow the rates, silence is noticed.</summary>
    public void OnSecond()
    {
        foreach (var peer in state.Peers)
        {
            RequestPacing.OnSecond(peer, state.Now, state.Limits);
            if (peer.ActiveAsks == 0 && peer.Asks.Count == 0)
            {
                continue;
            }

            var since = peer.LastBlockAt > peer.WaitingSince ? peer.LastBlockAt : peer.WaitingSince;
            if (state.Now - since > state.Limits.RequestTimeout && peer.ActiveAsks > 0)
            {
                Abandon(peer);
            }

            peer.IsSnubbed |= state.Now - since > state.Limits.SnubTimeout;
        }
    }

    /// <summary>What the peer turns out not to have is not asked of it any more.</summary>
    public void TakeBack(PeerState peer)
    {
        for (var i = peer.Asks.Count - 1; i >= 0; i--)
        {
            if (!peer.Have![peer.Asks[i].Piece.Piece])
            {
                Cancel(peer, i);
            }
        }

        peer.Current = null;
        state.Content!.DropUntouched();
        RefillAll();
    }

    /// <summary>Everything asked for is taken back: the piece is no longer wanted from anybody.</summary>
    public void CancelAll(PartialPiece partial)
    {
        foreach (var peer in state.Peers)
        {
            for (var i = peer.Asks.Count - 1; i >= 0; i--)
            {
                if (peer.Asks[i].Piece == partial)
                {
                    Cancel(peer, i);
                }
            }
        }
    }

    /// <summary>Asks for a block that the caller has reserved for the peer.</summary>
    public void Send(PeerState peer, BlockRef block)
    {
        if (peer.Asks.Count == 0)
        {
            peer.WaitingSince = state.Now;
        }

        var content = state.Content!;
        peer.Asks.Add(
            new Ask
            {
                Piece = content.Partials[block.Piece.Value],
                Block = block.Block,
                At = state.Now,
                Ahead = (ushort)Math.Min(peer.Asks.Count, ushort.MaxValue),
            }
        );
        peer.ActiveAsks++;
        state.Send(
            peer,
            MessageId.Request,
            (uint)block.Piece.Value,
            (uint)block.Begin,
            (uint)content.Layout.SizeOf(block)
        );
    }

    private void Accept(ContentState content, PeerState peer, PartialPiece asked, BlockRef block, BlockBuffer buffer)
    {
        // It may have been dropped and begun again meanwhile.
        var partial = asked.IsGone ? content.Partials.GetValueOrDefault(block.Piece.Value) : asked;
        if (
            partial is null
            || partial[block.Block] == BlockPhase.Received
            || (partial.IsOnParole && partial.Owner != peer)
        )
        {
            state.Wasted += buffer.Length;
            buffer.Release();
            return;
        }

        partial.Receive(block.Block, peer);
        var length = buffer.Length;
        state.Disk(new DiskRequest(DiskRequestKind.WriteBlock, block.Piece, block.Begin, length, Buffer: buffer));
        if (partial.AskersOf(block.Block) > 0)
        {
            CancelOthers(partial, block.Block);
        }
    }

    private void CancelOthers(PartialPiece partial, int block)
    {
        foreach (var other in state.Peers)
        {
            for (var i = other.Asks.Count - 1; i >= 0; i--)
            {
                if (other.Asks[i].Piece == partial && other.Asks[i].Block == block)
                {
                    Cancel(other, i);
                }
            }
        }
    }

    private void Cancel(PeerState peer, int at)
    {
        ref var ask = ref peer.Asks[at];
        if (ask.Phase == AskPhase.Cancelled)
        {
            return;
        }

        if (ask.Phase == AskPhase.Active)
        {
            Unask(peer, ref ask);
        }

        var block = new BlockRef(ask.Piece.Piece, ask.Block);
        state.Send(
            peer,
            MessageId.Cancel,
            (uint)block.Piece.Value,
            (uint)block.Begin,
            (uint)state.Content!.Layout.SizeOf(block)
        );
        if (peer.IsFast)
        {
            // BEP 6: "Even when a request is cancelled, the peer receiving the cancel should respond with either the
            // corresponding reject or the corresponding piece".
            ask.Phase = AskPhase.Cancelled;
        }
        else
        {
            peer.Asks.RemoveAt(at);
            peer.LateBlocks++;
        }
    }

    /// <summary>The request no longer keeps its block from others. The caller removes or rewrites the entry.</summary>
    private static void Unask(PeerState peer, ref Ask ask)
    {
        peer.ActiveAsks--;
        ask.Phase = AskPhase.Abandoned;
        if (!ask.Piece.IsGone)
        {
            ask.Piece.Unask(ask.Block);
        }
    }

    private void Abandon(PeerState peer)
    {
        peer.IsTimedOut = true;
        peer.IsSlowStart = false;
        peer.QueueTarget = 1;
        for (var i = 0; i < peer.Asks.Count; i++)
        {
            ref var ask = ref peer.Asks[i];
            if (ask.Phase == AskPhase.Active)
            {
                Unask(peer, ref ask);
                state.Content!.DropIfUntouched(ask.Piece);
            }
        }
    }

    private DisconnectReason? OnUnasked(PeerState peer)
    {
        // Without the fast extension blocks may cross our cancel or their choke.
        if (peer.LateBlocks > 0)
        {
            peer.LateBlocks--;
            return null;
        }

        // BEP 6: "if a peer receives a piece that was never requested, the peer MUST close the connection."
        return peer.IsFast || ++peer.Unsolicited > state.Limits.MaxUnsolicited
            ? DisconnectReason.UnsolicitedBlocks
            : null;
    }
}
