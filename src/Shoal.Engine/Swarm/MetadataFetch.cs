using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 9: gets the info dictionary from several peers at once, proves it against every infohash we know, and serves it
/// to others. Its size is a claim until then: capped, and fixed for each peer once it said it.
/// </summary>
internal sealed class MetadataFetch(SwarmState state, ExtensionRegistry extensions)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RejectPause = TimeSpan.FromSeconds(10);
    private const int MaxDoublings = 6;

    private sealed record Pending(PeerState Peer, int Piece, TimeSpan At);

    private readonly List<Pending> _pending = [];

    // Null until a size is chosen; pieces that are not here are null.
    private byte[]?[]? _pieces;
    private PeerState?[] _senders = [];
    private int _size;
    private TimeSpan _progressAt;

    // After a mixture failed: only this peer is asked, so that it stands for what it sends.
    private bool _isSolo;
    private PeerState? _solo;
    private bool _isDone;

    /// <summary>Set by <see cref="Swarm"/>.</summary>
    public required Action<PeerState> Condemn { get; init; }

    public DisconnectReason? OnSize(PeerState peer, int? size)
    {
        if (size is not { } bytes || state.Content is not null)
        {
            return null;
        }

        if (bytes > state.Limits.MaxMetadataSize || (peer.MetadataSize != 0 && peer.MetadataSize != bytes))
        {
            return DisconnectReason.BadMetadata;
        }

        peer.MetadataSize = bytes;
        Pump();
        return null;
    }

    public void Leave(PeerState peer)
    {
        _pending.RemoveAll(pending => pending.Peer == peer);
        if (_solo == peer)
        {
            _solo = null;
            Reset();
        }
    }

    public DisconnectReason? OnMessage(PeerState peer, byte[] payload)
    {
        if (!UtMetadata.TryRead(payload, out var message))
        {
            return DisconnectReason.MalformedMessage;
        }

        switch (message.Kind)
        {
            case UtMetadataKind.Request:
                Serve(peer, message.Piece);
                return null;
            case UtMetadataKind.Data:
                return OnData(peer, message);
            case UtMetadataKind.Reject:
                if (_pending.RemoveAll(pending => pending.Peer == peer && pending.Piece == message.Piece) > 0)
                {
                    Postpone(peer, RejectPause);
                }

                return null;
            default:
                return null;
        }
    }

    public void OnTick()
    {
        if (state.Content is not null || _isDone || state.IsPaused)
        {
            return;
        }

        for (var i = _pending.Count - 1; i >= 0; i--)
        {
            if (state.Now - _pending[i].At > Timeout)
            {
                Postpone(_pending[i].Peer, FirstPause);
                _pending.RemoveAt(i);
            }
        }

        // The size may have been a lie that nobody can fulfil.
        if (_pieces is not null && _pending.Count == 0 && state.Now - _progressAt > Timeout * 2)
        {
            _solo = null;
            Reset();
        }

        Pump();
    }

    private DisconnectReason? OnData(PeerState peer, in UtMetadata message)
    {
        var piece = message.Piece;
        var at = _pending.FindIndex(pending => pending.Peer == peer && pending.Piece == piece);
        if (at < 0)
        {
            // Perhaps an answer that came late; harmless, but not for free.
            peer.Noise += 10;
            return null;
        }

        _pending.RemoveAt(at);
        if (
            message.Data.Length != UtMetadata.SizeOf(piece, _size)
            || (message.TotalSize != 0 && message.TotalSize != _size)
        )
        {
            return DisconnectReason.BadMetadata;
        }

        peer.MetadataFailures = 0;
        if (_pieces![piece] is null)
        {
            _pieces[piece] = message.Data.ToArray();
            _senders[piece] = peer;
            _progressAt = state.Now;
        }

        if (Array.TrueForAll(_pieces, part => part is not null))
        {
            Finish();
        }
        else
        {
            Pump();
        }

        return null;
    }

    /// <summary>
    /// Each failure doubles the pause, so that a few peers that name a size and then keep silent cannot be asked in
    /// turns for ever while an honest one waits.
    /// </summary>
    private void Postpone(PeerState peer, TimeSpan pause)
    {
        if (state.Now < peer.NoMetadataBefore)
        {
            // One failure, however many requests it was.
            return;
        }

        peer.NoMetadataBefore = state.Now + pause * (1 << Math.Min(peer.MetadataFailures, MaxDoublings));
        peer.MetadataFailures++;
    }

    private void Finish()
    {
        var info = new byte[_size];
        for (var i = 0; i < _pieces!.Length; i++)
        {
            _pieces[i]!.CopyTo(info, i * UtMetadata.PieceSize);
        }

        // Every name we were given must fit: one that does not would be another torrent under our name.
        var isGood =
            (state.InfoHashes.V1 is not { } v1 || v1.Span.SequenceEqual(SHA1.HashData(info)))
            && (state.InfoHashes.V2 is not { } v2 || v2.Span.SequenceEqual(SHA256.HashData(info)));
        if (isGood)
        {
            _isDone = true;
            _pending.Clear();
            _pieces = null;
            state.Tell(SwarmEffectKind.MetadataFetched, payload: info);
            return;
        }

        var sender = _senders[0];
        var isOnly = Array.TrueForAll(_senders, other => other == sender);
        _isSolo = true;
        _solo = null;
        Reset();
        if (isOnly && sender is not null)
        {
            Condemn(sender);
        }
    }

    private void Reset()
    {
        _pieces = null;
        _senders = [];
        _pending.Clear();
    }

    /// <summary>Keeps requests under way.</summary>
    private void Pump()
    {
        if (state.Content is not null || _isDone || state.IsPaused)
        {
            return;
        }

        if (_pieces is null && !Choose())
        {
            return;
        }

        // Who has not failed yet comes first.
        foreach (var peer in state.Peers.OrderBy(peer => peer.MetadataFailures))
        {
            if (!CanAsk(peer) || peer.MetadataSize != _size || (_isSolo && peer != _solo))
            {
                continue;
            }

            var load = _pending.Count(pending => pending.Peer == peer);
            for (var piece = 0; piece < _pieces!.Length && load < state.Limits.MaxMetadataRequests; piece++)
            {
                if (_pieces[piece] is null && !_pending.Exists(pending => pending.Piece == piece))
                {
                    _pending.Add(new Pending(peer, piece, state.Now));
                    extensions.TrySend(peer, UtMetadata.Name, new UtMetadata(UtMetadataKind.Request, piece).Write());
                    load++;
                }
            }
        }
    }

    /// <summary>Takes the size that most peers name; a random peer's if it must be one alone.</summary>
    private bool Choose()
    {
        var able = state.Peers.Where(CanAsk).ToList();
        if (able.Count == 0)
        {
            return false;
        }

        if (_isSolo)
        {
            var fewest = able.Min(peer => peer.MetadataFailures);
            able.RemoveAll(peer => peer.MetadataFailures > fewest);
            _solo = able[state.Random.Next(able.Count)];
            _size = _solo.MetadataSize;
        }
        else
        {
            _size = able.GroupBy(peer => peer.MetadataSize)
                .OrderBy(group => group.Min(peer => peer.MetadataFailures))
                .ThenByDescending(group => group.Count())
                .First()
                .Key;
        }

        _pieces = new byte[UtMetadata.PieceCount(_size)][];
        _senders = new PeerState?[_pieces.Length];
        _progressAt = state.Now;
        return true;
    }

    private bool CanAsk(PeerState peer) =>
        !peer.IsGone
        && peer.MetadataSize > 0
        && state.Now >= peer.NoMetadataBefore
        && extensions.Speaks(peer, UtMetadata.Name);

    private void Serve(PeerState peer, int piece)
    {
        var info = state.Content?.Metainfo.InfoBytes ?? default;
        var isThere = piece < UtMetadata.PieceCount(info.Length);
        if (!isThere || !ServeBudget.Take(peer, UtMetadata.PieceSize, state))
        {
            // BEP 9: "Peers that do not have the entire metadata MUST respond with a reject message". "Clients MAY
            // implement flood protection by rejecting request messages after a certain number of them".
            extensions.TrySend(peer, UtMetadata.Name, new UtMetadata(UtMetadataKind.Reject, piece).Write());
            return;
        }

        var data = info.Slice(piece * UtMetadata.PieceSize, UtMetadata.SizeOf(piece, info.Length));
        extensions.TrySend(
            peer,
            UtMetadata.Name,
            new UtMetadata(UtMetadataKind.Data, piece, info.Length, data).Write()
        );
    }
}
