using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What becomes of a piece once the disk has hashed it: checking after a start, proving what was fetched, and the
/// search for the guilty when a piece fails.
/// </summary>
internal sealed class Verification(
    SwarmState state,
    RequestLedger ledger,
    Holdings holdings,
    BlockBlame blame,
    HashServer hashServer
)
{
    /// <summary>BEP 21 in use: one byte says whether the sender takes nothing more.</summary>
    public const string UploadOnlyName = "upload_only";

    // Pieces whose hash was asked for while checking, and those still to be asked for.
    private readonly HashSet<int> _hashing = [];
    private readonly Queue<int> _toCheck = new();

    // Pieces that were hashed before it was known what their hash should be.
    private readonly SortedSet<int> _unproven = [];
    private bool _wasDone;

    /// <summary>Set by <see cref="Swarm"/>: everybody who sent bad data goes, and stays away.</summary>
    public required Action<PeerState> Condemn { get; init; }

    public required LocalCopies Copies { get; init; }

    public required ExtensionRegistry Extensions { get; init; }

    /// <summary>Set by <see cref="Swarm"/>: the hashes of the piece's blocks would tell who is guilty.</summary>
    public required Action<PieceIndex> Suspect { get; init; }

    /// <summary>Pieces still to be hashed before anything is fetched.</summary>
    public int LeftToCheck => _toCheck.Count + _hashing.Count;

    /// <summary>Nothing is being hashed, and nobody is suspected.</summary>
    public bool IsBlank => LeftToCheck == 0 && _unproven.Count == 0 && blame.IsBlank;

    /// <summary>All that is wanted was here before already.</summary>
    public void Recall() => (state.IsChecked, _wasDone) = (true, true);

    public void OnResume(ResumeState resume)
    {
        if (state.Content is not { } content || resume.Have.Length != content.Layout.PieceCount)
        {
            return;
        }

        content.SetLayers(resume.PieceLayers);
        content.Verifier.AllKnown = layers => state.Tell(SwarmEffectKind.PieceLayersFetched, payload: layers);
        for (var i = 0; i < content.Layout.PieceCount; i++)
        {
            if (resume.Have[i])
            {
                content.Prove(content.Layout.Piece(i));
                state.TellPeersOf(i);
            }
            else if (resume.Check[i])
            {
                _toCheck.Enqueue(i);
            }
        }

        foreach (var block in resume.Blocks)
        {
            if (
                content.Layout.TryPiece((uint)block.Piece.Value, out var piece)
                && !content.Have[piece]
                && !resume.Check[piece]
                && !content.Local.CanCopy(piece.Value, out _, out _)
            )
            {
                content.Restore(piece, block.Block);
            }
        }

        foreach (var partial in content.PartialOrder)
        {
            if (partial.IsWhole)
            {
                state.Disk(new DiskRequest(DiskRequestKind.HashPiece, partial.Piece));
            }
        }

        Proceed();
    }

    /// <summary>Nothing is believed any more: all is hashed again.</summary>
    public void Recheck()
    {
        if (state.Content is not { } content)
        {
            return;
        }

        for (var i = content.PartialOrder.Count - 1; i >= 0; i--)
        {
            content.Drop(content.PartialOrder[i]);
        }

        _toCheck.Clear();
        _unproven.Clear();
        Copies.Forget();
        state.IsChecked = false;
        for (var i = 0; i < content.Layout.PieceCount; i++)
        {
            content.Unprove(content.Layout.Piece(i));
            if (!_hashing.Contains(i))
            {
                _toCheck.Enqueue(i);
            }
        }

        state.Tell(SwarmEffectKind.StateChanged);
        Proceed();
    }

    public void OnHashed(PieceHashResult result)
    {
        if (state.Content is not { } content)
        {
            return;
        }

        if (_hashing.Remove(result.Piece.Value))
        {
            OnChecked(content, result);
            return;
        }

        if (Copies.OnHashed(content, result))
        {
            OnCopied(content, result);
            return;
        }

        if (content.Have[result.Piece] && hashServer.OnHashed(result))
        {
            return;
        }

        if (!content.Partials.TryGetValue(result.Piece.Value, out var partial))
        {
            return;
        }

        if (!result.IsComplete)
        {
            // Blocks were lost: nobody's fault. What came there since goes too, or it were whole there before it is here.
            ledger.CancelAll(partial);
            content.Drop(partial);
            state.Disk(new DiskRequest(DiskRequestKind.DiscardPiece, partial.Piece));
            ledger.RefillAll();
        }
        else if (partial.IsWhole)
        {
            Judge(content, partial, result);
        }
    }

    /// <summary>Hashes are known that were not: what was hashed before is judged now.</summary>
    public void SettleUnproven()
    {
        if (state.Content is not { } content || _unproven.Count == 0)
        {
            return;
        }

        foreach (var index in _unproven.ToArray())
        {
            var piece = content.Layout.Piece(index);
            var verdict = content.Verifier.Recall(piece);
            if (verdict == PieceVerdict.Unknown)
            {
                continue;
            }

            _unproven.Remove(index);
            if (verdict == PieceVerdict.Good)
            {
                Accept(content, piece);
                continue;
            }

            state.Disk(new DiskRequest(DiskRequestKind.DiscardPiece, piece));
            content.Place(index);
            if (content.Partials.TryGetValue(index, out var partial))
            {
                content.Drop(partial);
            }
        }

        content.Verifier.ForgetKnown();
        Copies.Proceed();
        ledger.RefillAll();
    }

    /// <summary>What is wanted changed, or a piece was proven: perhaps that was the last.</summary>
    public void Settle()
    {
        var isDone = state.IsSeeding;
        if (isDone && !_wasDone)
        {
            state.TellCompleted();
        }

        if (isDone != _wasDone && !state.IsSuperSeeding)
        {
            foreach (var peer in state.Peers)
            {
                Extensions.TrySend(peer, UploadOnlyName, [(byte)(isDone ? 1 : 0)]);
            }
        }

        _wasDone = isDone;
    }

    private void Proceed()
    {
        while (_toCheck.Count > 0 && _hashing.Count < state.Limits.MaxChecking)
        {
            var piece = _toCheck.Dequeue();
            _hashing.Add(piece);
            state.Disk(new DiskRequest(DiskRequestKind.HashPiece, state.Content!.Layout.Piece(piece)));
        }

        if (LeftToCheck == 0 && !state.IsChecked)
        {
            state.IsChecked = true;
            holdings.Recount();
            state.Tell(SwarmEffectKind.StateChanged);
            Settle();
            Copies.Proceed();
            ledger.RefillAll();
        }
    }

    private void OnChecked(ContentState content, PieceHashResult result)
    {
        var verdict = content.Verifier.Verify(result);
        if (verdict == PieceVerdict.Contradiction)
        {
            OnContradiction();
        }
        else if (verdict == PieceVerdict.Good)
        {
            content.Prove(result.Piece);
            state.Disk(new DiskRequest(DiskRequestKind.CommitPiece, result.Piece));
            Announce(result.Piece, wasNeeded: false);
            SettleUnproven();
        }
        else if (verdict == PieceVerdict.Unknown)
        {
            _unproven.Add(result.Piece.Value);
        }
        else
        {
            state.Disk(new DiskRequest(DiskRequestKind.DiscardPiece, result.Piece));
        }

        Proceed();
    }

    private void OnCopied(ContentState content, PieceHashResult result)
    {
        switch (content.Verifier.Verify(result))
        {
            case PieceVerdict.Good:
                Accept(content, result.Piece);
                SettleUnproven();
                break;
            case PieceVerdict.Unknown:
                _unproven.Add(result.Piece.Value);
                content.Place(result.Piece.Value);
                break;
            case PieceVerdict.Contradiction:
                OnContradiction();
                break;
            case PieceVerdict.Bad:
                // What lies there is something else by now, or unreadable: peers have the piece.
                state.Disk(new DiskRequest(DiskRequestKind.DiscardPiece, result.Piece));
                content.Place(result.Piece.Value);
                ledger.RefillAll();
                break;
        }

        Copies.Proceed();
    }

    private void Judge(ContentState content, PartialPiece partial, PieceHashResult result)
    {
        switch (content.Verifier.Verify(result))
        {
            case PieceVerdict.Good:
                OnGood(content, partial, result);
                break;
            case PieceVerdict.Bad:
                OnBad(content, partial, result);
                break;
            case PieceVerdict.Unknown:
                // Of a former run. It stays, whole, until somebody tells its hash.
                _unproven.Add(partial.Piece.Value);
                break;
            case PieceVerdict.Contradiction:
                OnContradiction();
                break;
        }
    }

    /// <summary>BEP 52: "If any inconsistency is detected they may either abort or fall back". We abort.</summary>
    private void OnContradiction()
    {
        state.Fault = "the torrent contradicts itself: its v1 and v2 hashes describe different content";
        state.Tell(SwarmEffectKind.StateChanged);
    }

    /// <summary>The true hashes of a failed piece's blocks are known: who sent others is found.</summary>
    public void OnTruth(PieceIndex piece, Sha256Digest[] blocks)
    {
        foreach (var guilty in blame.OnTruth(piece, blocks))
        {
            Condemn(guilty);
        }
    }

    private void OnGood(ContentState content, PartialPiece partial, PieceHashResult result)
    {
        if (result.Blocks is { } blocks && blame.Awaits(partial.Piece))
        {
            OnTruth(partial.Piece, blocks);
        }

        partial.CreditSenders(content.Layout, state.Credits);
        Accept(content, partial.Piece);
        Copies.Proceed();
    }

    private void Accept(ContentState content, PieceIndex piece)
    {
        var wasNeeded = content.Needed[piece];
        content.Prove(piece);
        if (content.Partials.TryGetValue(piece.Value, out var partial))
        {
            content.Drop(partial);
        }

        Copies.OnProven(content, piece);
        state.Disk(new DiskRequest(DiskRequestKind.CommitPiece, piece));
        Announce(piece, wasNeeded);
        state.Tell(SwarmEffectKind.PieceCompleted, (uint)piece.Value);
        Settle();
    }

    private void OnBad(ContentState content, PartialPiece partial, PieceHashResult result)
    {
        if (
            result.Blocks is null
            && !partial.IsAwaitingDigests
            && !partial.IsFromResume
            && partial.OnlySender() is null
        )
        {
            // Before the data goes: its digests, to tell the guilty once the piece is good.
            partial.IsAwaitingDigests = true;
            state.Disk(new DiskRequest(DiskRequestKind.HashPiece, partial.Piece, Length: 1));
            return;
        }

        state.HashFailures++;
        state.Wasted += content.Layout.SizeOf(partial.Piece);
        var guilty = partial.IsFromResume ? null : blame.OnFailed(partial, result.Blocks);
        var hadSeveral = guilty is null && !partial.IsFromResume;
        content.Drop(partial);
        state.Disk(new DiskRequest(DiskRequestKind.DiscardPiece, partial.Piece));
        if (hadSeveral)
        {
            content.Begin(partial.Piece).IsOnParole = true;
            Suspect(partial.Piece);
        }

        if (guilty is not null)
        {
            Condemn(guilty);
        }

        ledger.RefillAll();
    }

    private void Announce(PieceIndex piece, bool wasNeeded)
    {
        holdings.OnProven(piece, wasNeeded);
        state.TellPeersOf(piece.Value);
    }
}
