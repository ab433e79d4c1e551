using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Gets v2 hashes from peers (BEP 52): the piece layers a magnet link does not bring, and the hashes of the blocks of
/// a piece that failed, which name the guilty. What comes is proven against the root before it counts.
/// </summary>
internal sealed class HashFetch(SwarmState state)
{
    private const int MaxOutstanding = 4;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RefusalPause = TimeSpan.FromSeconds(20);

    private sealed record Pending(PeerState Peer, HashRequest Request, TimeSpan At);

    private readonly List<Pending> _pending = [];

    // Until when not to ask that of that peer again: it may only have been busy.
    private readonly Dictionary<(PeerState Peer, HashRequest Request), TimeSpan> _refused = [];
    private readonly List<PieceIndex> _suspects = [];
    private int _next;

    /// <summary>Nothing was asked for or is to be.</summary>
    public bool IsBlank => _pending.Count == 0 && _suspects.Count == 0;

    /// <summary>Set by <see cref="Swarm"/>: the true hashes of a failed piece's blocks are known.</summary>
    public required Action<PieceIndex, Sha256Digest[]> OnTruth { get; init; }

    /// <summary>Set by <see cref="Swarm"/>: hashes of pieces are known that were not; nothing was begun of them yet.</summary>
    public required Action OnLayer { get; init; }

    /// <summary>Set by <see cref="Swarm"/>: hashes of blocks are known that were not.</summary>
    public required Action OnBlocks { get; init; }

    /// <summary>
    /// A reader waits for this piece: its hash, if that is not known, and perhaps those of its blocks. Asked for at once;
    /// to be called again, since peers may refuse.
    /// </summary>
    public void Want(PieceIndex piece, bool blocks)
    {
        if (state.Content is not { Verifier.Hashes: { } hashes } content || content.Have[piece])
        {
            return;
        }

        var tree = hashes.FileOf(piece, out var inFile);
        if (!tree.TryGetPieceHash(inFile, out _))
        {
            Ask(hashes.RequestFor(piece), piece.Value);
        }
        else if (
            blocks
            && tree.BlockCount(inFile) > 1
            && !tree.TryGetBlockHash(inFile, 0, out _)
            && tree.TryRequestBlocks(inFile, out var request)
        )
        {
            Ask(request, piece.Value);
        }
    }

    /// <summary>A piece failed and several peers sent it.</summary>
    public void Suspect(PieceIndex piece)
    {
        if (state.Content?.Verifier.Hashes is not null && !_suspects.Contains(piece))
        {
            _suspects.Add(piece);
        }
    }

    public void Leave(PeerState peer)
    {
        _pending.RemoveAll(pending => pending.Peer == peer);
        foreach (var entry in _refused.Keys.Where(entry => entry.Peer == peer).ToArray())
        {
            _refused.Remove(entry);
        }
    }

    public DisconnectReason? OnHashes(PeerState peer, ReadOnlySpan<byte> payload)
    {
        if (!HashRequest.TryRead(payload, out var request))
        {
            return DisconnectReason.MalformedMessage;
        }

        // BEP 52: "This message MUST correlate with a 'hash request' message."
        var at = _pending.FindIndex(pending => pending.Peer == peer && pending.Request == request);
        if (at < 0 || state.Content?.Verifier.Hashes?.Find(request.PiecesRoot) is not { } tree)
        {
            return DisconnectReason.BadHashes;
        }

        _pending.RemoveAt(at);
        var hashes = state.Content.Verifier.Hashes;
        var wasComplete = hashes.IsComplete;
        if (tree.AddHashes(request, payload[HashRequest.Size..]) != MerkleVerdict.Good)
        {
            return DisconnectReason.BadHashes;
        }

        if (request.BaseLayer == 0 && _suspects.Count > 0)
        {
            Resolve(tree);
        }

        if (request.BaseLayer == 0 && state.Content.Layout.PieceLength > PieceLayout.BlockSize)
        {
            OnBlocks();
            return null;
        }

        if (!wasComplete && hashes.IsComplete)
        {
            state.Tell(SwarmEffectKind.PieceLayersFetched, payload: hashes.ToLayers());
        }

        OnLayer();
        PlaceNewlyVerifiable(state.Content);
        return null;
    }

    public DisconnectReason? OnReject(PeerState peer, ReadOnlySpan<byte> payload)
    {
        if (!HashRequest.TryRead(payload, out var request) || payload.Length != HashRequest.Size)
        {
            return DisconnectReason.MalformedMessage;
        }

        var at = _pending.FindIndex(pending => pending.Peer == peer && pending.Request == request);
        if (at < 0)
        {
            peer.Noise++;
            return null;
        }

        _pending.RemoveAt(at);
        _refused[(peer, request)] = state.Now + RefusalPause;
        return null;
    }

    /// <summary>Asks for what is missing.</summary>
    public void OnTick()
    {
        if (state.Content is not { Verifier.Hashes: { } hashes } content || state.IsPaused)
        {
            return;
        }

        for (var i = _pending.Count - 1; i >= 0; i--)
        {
            if (state.Now - _pending[i].At > Timeout)
            {
                _refused[(_pending[i].Peer, _pending[i].Request)] = state.Now + RefusalPause;
                _pending.RemoveAt(i);
            }
        }

        for (var i = _suspects.Count - 1; i >= 0; i--)
        {
            var piece = _suspects[i];
            if (content.Have[piece] || !hashes.FileOf(piece, out var inFile).TryRequestBlocks(inFile, out var request))
            {
                // The next attempt has told, or the tree cannot.
                _suspects.RemoveAt(i);
            }
            else
            {
                Ask(request, piece.Value);
            }
        }

        if (!hashes.IsComplete)
        {
            AskForLayers(content, hashes);
        }
    }

    /// <summary>Walks the pieces from where it stopped; each run of up to 512 is asked of one peer.</summary>
    private void AskForLayers(ContentState content, PieceHashes hashes)
    {
        var count = content.Layout.PieceCount;
        for (var steps = 0; steps < count && _pending.Count < MaxOutstanding * Math.Max(1, state.Peers.Count); steps++)
        {
            var index = (_next + steps) % count;
            var piece = content.Layout.Piece(index);
            if (hashes.TryGetPieceHash(piece, out _))
            {
                continue;
            }

            var asked = Ask(hashes.RequestFor(piece), index);
            if (!asked)
            {
                // Go on with another run next time.
                _next = (index + FileMerkle.MaxRequestLength) % count;
                return;
            }

            hashes.FileOf(piece, out var inFile);
            steps += Math.Max(0, FileMerkle.MaxRequestLength - inFile % FileMerkle.MaxRequestLength - 1);
        }
    }

    private bool Ask(HashRequest request, int piece)
    {
        if (_pending.Exists(pending => pending.Request == request))
        {
            return true;
        }

        PeerState? best = null;
        var least = MaxOutstanding;
        foreach (var peer in state.Peers)
        {
            var load = 0;
            foreach (var pending in _pending)
            {
                load += pending.Peer == peer ? 1 : 0;
            }

            // BEP 52: "Clients must be able to service requests for hash blocks covering pieces which they have announced".
            if (peer.IsV2 && peer.Have![piece] && load < least && !IsRefused(peer, request))
            {
                (best, least) = (peer, load);
            }
        }

        if (best is null)
        {
            return false;
        }

        _pending.Add(new Pending(best, request, state.Now));
        state.Send(best, MessageId.HashRequest, payload: request.ToArray());
        return true;
    }

    private bool IsRefused(PeerState peer, in HashRequest request) =>
        _refused.TryGetValue((peer, request), out var until) && state.Now < until;

    private void Resolve(FileMerkle tree)
    {
        for (var i = _suspects.Count - 1; i >= 0; i--)
        {
            var piece = _suspects[i];
            var owner = state.Content!.Verifier.Hashes!.FileOf(piece, out var inFile);
            if (owner != tree || !tree.TryGetBlockHash(inFile, 0, out _))
            {
                continue;
            }

            var blocks = new Sha256Digest[tree.BlockCount(inFile)];
            for (var block = 0; block < blocks.Length; block++)
            {
                tree.TryGetBlockHash(inFile, block, out blocks[block]);
            }

            tree.DropBlocks(inFile);
            _suspects.RemoveAt(i);
            OnTruth(piece, blocks);
        }
    }

    private static void PlaceNewlyVerifiable(ContentState content)
    {
        for (var i = 0; i < content.Layout.PieceCount; i++)
        {
            if (content.Needed[i] && !content.Startable[i])
            {
                content.Place(i);
            }
        }
    }
}
