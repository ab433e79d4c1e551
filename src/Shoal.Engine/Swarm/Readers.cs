using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Those who read a torrent's content while it comes in: what they need is fetched first, and they are told how far they may
/// read. <see cref="ReaderPicker"/> chooses the blocks; this part makes room for them, asks again for what is late, and
/// has blocks proven alone where a reader waits (<see cref="BlockProofs"/>).
/// </summary>
internal sealed class Readers(SwarmState state, RequestLedger ledger, HashFetch hashes, BlockProofs proofs)
{
    private TimeSpan _roomMade = TimeSpan.MinValue;
    private bool _isRoomWanted;

    private ReaderLimits Limits => state.Limits.Readers;

    public void Open(int id, long position, long end)
    {
        if (state.Readers.Count < Limits.MaxReaders)
        {
            state.Readers.Add(new ReaderState(id, position, end));
            Jumped(state.Readers[^1]);
        }
    }

    /// <summary>It has read up to there, or goes on elsewhere.</summary>
    public void Move(int id, long position)
    {
        if (Find(id) is not { } reader)
        {
            return;
        }

        if (position >= reader.Position && position <= reader.Ready)
        {
            reader.Rate.Add((int)Math.Min(int.MaxValue, position - reader.Position));
            reader.Position = position;
        }
        else
        {
            reader.Position = reader.Ready = reader.Whole = reader.JumpedTo = position;
            Jumped(reader);
        }
    }

    public void Close(int id) => state.Readers.RemoveAll(reader => reader.Id == id);

    public void OnTick(TimeSpan elapsed)
    {
        if (state.Readers.Count == 0)
        {
            return;
        }

        foreach (var reader in state.Readers)
        {
            reader.Rate.Tick(elapsed);
            Rank(reader);
        }

        if (_isRoomWanted)
        {
            MakeRoom();
        }

        foreach (var reader in state.Readers)
        {
            AskForHashes(reader);
            AskAgain(reader);
        }
    }

    /// <summary>Hashes that somebody waits for, of whoever has them.</summary>
    public void AskForHashes()
    {
        foreach (var reader in state.Readers)
        {
            AskForHashes(reader);
        }
    }

    /// <summary>Before a peer that unchoked us is asked for more: what it allowed us before is not what a reader waits for.</summary>
    public void OnUnchoke(PeerState peer)
    {
        if (state.Content is { } content && peer.Asks.Count > 0 && state.CanFetch)
        {
            MakeRoom(content, peer);
            content.DropUntouched();
        }
    }

    /// <summary>After each event: what it changed for readers is told.</summary>
    public void AfterEvent()
    {
        if (state.Readers.Count == 0 || state.Content is not { } content)
        {
            return;
        }

        foreach (var reader in state.Readers)
        {
            var before = (reader.Ready, reader.Whole, reader.Losses);
            if (reader.Losses != content.Losses)
            {
                reader.Losses = content.Losses;
                reader.Ready = reader.Whole = reader.Position;
            }

            Advance(content, reader);
            if (before != (reader.Ready, reader.Whole, reader.Losses) || !reader.IsTold)
            {
                reader.IsTold = true;
                state.Tell(
                    SwarmEffectKind.ReaderAdvanced,
                    payload: new ReaderProgress(reader.Id, reader.Ready, reader.Whole, reader.Losses)
                );
            }

            if (IsToProve(reader))
            {
                proofs.Watch(content, content.Layout.PieceAt(reader.Ready));
            }
        }
    }

    private ReaderState? Find(int id) => state.Readers.Find(reader => reader.Id == id);

    private void Jumped(ReaderState reader)
    {
        Rank(reader);
        _isRoomWanted = true;
        if (state.Now - Limits.RoomInterval >= _roomMade)
        {
            MakeRoom();
        }

        AskForHashes(reader);
        ledger.RefillAll();
    }

    /// <summary>Moves on over what is proven.</summary>
    private void Advance(ContentState content, ReaderState reader)
    {
        var layout = content.Layout;
        var end = reader.AheadEnd(layout, Limits);
        while (reader.Ready < end)
        {
            var piece = layout.PieceAt(reader.Ready);
            var offset = layout.OffsetOf(piece);
            if (content.Have[piece])
            {
                reader.Ready = Math.Min(end, offset + layout.PieceLength);
                continue;
            }

            var block = (int)((reader.Ready - offset) / PieceLayout.BlockSize);
            if (!content.Partials.TryGetValue(piece.Value, out var partial) || !partial.IsProvenAlone(block))
            {
                break;
            }

            reader.Ready = Math.Min(end, offset + (block + 1L) * PieceLayout.BlockSize);
        }

        while (reader.Whole < reader.Ready && layout.PieceAt(reader.Whole) is var next && content.Have[next])
        {
            reader.Whole = Math.Min(reader.Ready, layout.OffsetOf(next) + layout.PieceLength);
        }
    }

    /// <summary>Who is quick enough for what is urgent: by the fastest that could bring it.</summary>
    private void Rank(ReaderState reader)
    {
        reader.QuickRate = 0;
        if (state.Content is not { } content || reader.Ready >= reader.End)
        {
            return;
        }

        var piece = content.Layout.PieceAt(reader.Ready);
        foreach (var peer in state.Peers)
        {
            if (MayBring(peer, piece) && !peer.IsTimedOut)
            {
                reader.QuickRate = Math.Max(reader.QuickRate, peer.Down.Fast * Limits.QuickShare);
            }
        }
    }

    /// <summary>
    /// What the peers' queues hold for nobody in a hurry is taken back, where a peer could bring what a reader waits for: else
    /// that would come behind it, a quarter of a second later (<see cref="RequestPacing"/>).
    /// </summary>
    private void MakeRoom()
    {
        _isRoomWanted = false;
        if (state.Content is not { } content || !state.CanFetch)
        {
            return;
        }

        _roomMade = state.Now;
        foreach (var peer in state.Peers)
        {
            MakeRoom(content, peer);
        }

        content.DropUntouched();
    }

    private void MakeRoom(ContentState content, PeerState peer)
    {
        var isNeeded = state.Readers.Exists(reader =>
            reader.UrgentEnd(content.Layout, Limits) > reader.Ready
            && MayBring(peer, content.Layout.PieceAt(reader.Ready))
        );
        if (isNeeded)
        {
            ledger.CancelWhere(peer, block => !IsRead(content.Layout, block));
        }
    }

    private bool IsRead(PieceLayout layout, BlockRef block)
    {
        var from = layout.OffsetOf(block.Piece) + block.Begin;
        foreach (var reader in state.Readers)
        {
            if (reader.Covers(from, from + PieceLayout.BlockSize, layout, Limits))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Urgent blocks that should have come by now are asked of the peer that is likely to bring them first.</summary>
    private void AskAgain(ReaderState reader)
    {
        if (state.Content is not { } content || !state.CanFetch)
        {
            return;
        }

        var left = Limits.MaxLatePerTick;
        var end = reader.UrgentEnd(content.Layout, Limits);
        for (var at = reader.Ready; at < end && left > 0; )
        {
            var piece = content.Layout.PieceAt(at);
            at = content.Layout.OffsetOf(piece) + content.Layout.PieceLength;
            if (
                !content.Partials.TryGetValue(piece.Value, out var partial)
                || partial.Requested == 0
                || partial.IsOnParole
            )
            {
                continue;
            }

            for (var block = 0; block < partial.BlockCount && left > 0; block++)
            {
                if (
                    partial[block] == BlockPhase.Requested
                    && partial.AskersOf(block) < Limits.MaxAskers
                    && IsLate(partial, block)
                    && BestOther(reader, partial, block) is { } other
                )
                {
                    partial.Ask(block, other);
                    ledger.Send(other, new BlockRef(piece, block));
                    left--;
                }
            }
        }
    }

    /// <summary>By what the peer that was asked last has shown, half as long again and a little.</summary>
    private bool IsLate(PartialPiece partial, int block)
    {
        if (partial.SenderOf(block) is not { } asker)
        {
            return false;
        }

        var at = asker.FindAsk(new BlockRef(partial.Piece, block));
        if (at < 0)
        {
            return true;
        }

        var ask = asker.Asks[at];
        var rate = Math.Max(asker.Down.Fast, asker.Down.Slow);
        var queue = rate < PieceLayout.BlockSize ? 0.25 : (ask.Ahead + 1) * PieceLayout.BlockSize / rate;
        return (state.Now - ask.At).TotalSeconds > 1.5 * (asker.RoundTrip.TotalSeconds + queue) + 0.1;
    }

    private PeerState? BestOther(ReaderState reader, PartialPiece partial, int block)
    {
        PeerState? best = null;
        var least = double.MaxValue;
        foreach (var peer in state.Peers)
        {
            if (
                !MayBring(peer, partial.Piece)
                || peer.IsTimedOut
                || peer.Down.Fast < reader.QuickRate
                || peer.Asks.Count >= peer.PeerQueueLimit
                || state.Now < peer.NoAskBefore
                || peer.FindAsk(new BlockRef(partial.Piece, block)) >= 0
            )
            {
                continue;
            }

            var seconds = Endgame.SecondsUntilNext(peer, state.Now, peer.ActiveAsks + 1);
            if (seconds < least)
            {
                (best, least) = (peer, seconds);
            }
        }

        return best;
    }

    private static bool MayBring(PeerState peer, PieceIndex piece) =>
        !peer.IsGone
        && peer.AreWeInterested
        && peer.Have![piece]
        && (!peer.IsChokingUs || peer.AllowedToUs.Contains(piece));

    private bool IsToProve(ReaderState reader) =>
        reader.Ready < reader.End && reader.Ready - reader.JumpedTo < Limits.ProveAlone;

    private void AskForHashes(ReaderState reader)
    {
        if (state.Content is { Verifier.Hashes: not null } content && reader.Ready < reader.End && !state.IsPaused)
        {
            hashes.Want(content.Layout.PieceAt(reader.Ready), IsToProve(reader));
        }
    }
}
