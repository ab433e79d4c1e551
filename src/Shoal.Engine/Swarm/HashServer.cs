using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Answers hash requests (BEP 52). Hashes of pieces are at hand; hashes of blocks are computed from the disk when
/// asked for, since keeping them all would take 2 MiB of memory for each GiB of content.
/// </summary>
internal sealed class HashServer(SwarmState state)
{
    /// <summary>Requests waiting for the disk, over all peers and of one. Beyond: reject.</summary>
    private const int MaxWaiting = 64;
    private const int MaxWaitingOfOne = 4;

    /// <summary>Least that any request costs, however short its answer: finding it costs, too.</summary>
    private const int MinCost = 1024;

    /// <summary>
    /// Of the bytes read and hashed one in so many is paid for: a player that jumps five times a second is answered where pieces
    /// have 1 MiB, and one peer makes us hash no more than 5 MiB a second, or one piece where those are longer.
    /// </summary>
    private const int DiskDiscount = 16;

    /// <summary>
    /// Most that a request for hashes of blocks costs: a tenth of what is saved up, so that one a second is answered
    /// whatever the size of the pieces.
    /// </summary>
    private int MaxDiskCost => state.Limits.ServedBlocksPerSecond * PieceLayout.BlockSize;

    private readonly List<(PeerState Peer, HashRequest Request, PieceIndex Piece)> _waiting = [];

    public DisconnectReason? OnRequest(PeerState peer, ReadOnlySpan<byte> payload)
    {
        if (!HashRequest.TryRead(payload, out var request) || payload.Length != HashRequest.Size)
        {
            return DisconnectReason.MalformedMessage;
        }

        if (
            state.Content is not { Verifier.Hashes: { } hashes } content
            || hashes.Find(request.PiecesRoot) is not { } tree
            || !tree.IsPossible(request)
            || !ServeBudget.Take(peer, CostOf(content, request), state)
        )
        {
            Reject(peer, request);
            return null;
        }

        if (tree.TryAnswer(request, out var answer))
        {
            Answer(peer, request, answer);
            return null;
        }

        if (request.BaseLayer == 0 && MayWait(peer) && PieceOf(content, request) is { } piece)
        {
            _waiting.Add((peer, request, piece));
            state.Disk(new DiskRequest(DiskRequestKind.HashPiece, piece));
            return null;
        }

        Reject(peer, request);
        return null;
    }

    /// <summary>A proven piece was hashed again for us; false if nobody waits for it.</summary>
    public bool OnHashed(PieceHashResult result)
    {
        var found = false;
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            var (peer, request, piece) = _waiting[i];
            if (piece != result.Piece)
            {
                continue;
            }

            found = true;
            _waiting.RemoveAt(i);
            if (!peer.IsGone)
            {
                AnswerFrom(peer, request, result);
            }
        }

        return found;
    }

    public void Leave(PeerState peer) => _waiting.RemoveAll(waiting => waiting.Peer == peer);

    private void AnswerFrom(PeerState peer, HashRequest request, PieceHashResult result)
    {
        var tree = state.Content!.Verifier.Hashes!.FileOf(result.Piece, out var inFile);
        if (
            result.Blocks is { } blocks
            && blocks.Length == tree.BlockCount(inFile)
            && tree.Check(inFile, blocks) == MerkleVerdict.Good
        )
        {
            tree.KeepBlocks(inFile, blocks);
            var isAnswered = tree.TryAnswer(request, out var answer);
            tree.DropBlocks(inFile);
            if (isAnswered)
            {
                Answer(peer, request, answer!);
                return;
            }
        }

        Reject(peer, request);
    }

    /// <summary>
    /// Hashes of blocks are 64 bytes to send and a whole piece to read and hash: who asks pays for the reading.
    /// </summary>
    private int CostOf(ContentState content, in HashRequest request)
    {
        var answer = Math.Max(MinCost, FileMerkle.AnswerLength(request) * Sha256Digest.Size);
        return request.BaseLayer == 0
            ? Math.Max(answer, Math.Min(content.Layout.PieceLength / DiskDiscount, MaxDiskCost))
            : answer;
    }

    private bool MayWait(PeerState peer) =>
        _waiting.Count < MaxWaiting && _waiting.Count(waiting => waiting.Peer == peer) < MaxWaitingOfOne;

    /// <summary>The one piece, which we have, that all the asked-for leaves lie in.</summary>
    private static PieceIndex? PieceOf(ContentState content, in HashRequest request)
    {
        var perPiece = (uint)content.Layout.BlocksPerPiece;
        if (request.Length > perPiece)
        {
            return null;
        }

        foreach (var file in content.Metainfo.Files)
        {
            if (file.PiecesRoot == request.PiecesRoot)
            {
                var index = content.Layout.PieceAt(file.Offset).Value + request.Index / perPiece;
                return content.Layout.TryPiece((uint)index, out var piece) && content.Have[piece] ? piece : null;
            }
        }

        return null;
    }

    private void Answer(PeerState peer, in HashRequest request, byte[] hashes)
    {
        var payload = new byte[HashRequest.Size + hashes.Length];
        request.Write(payload);
        hashes.CopyTo(payload, HashRequest.Size);
        state.Send(peer, MessageId.Hashes, payload: payload);
    }

    private void Reject(PeerState peer, in HashRequest request)
    {
        peer.Noise++;
        state.Send(peer, MessageId.HashReject, payload: request.ToArray());
    }
}
