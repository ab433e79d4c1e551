using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Which part of the swarm takes which message of a peer.</summary>
internal sealed partial class Swarm
{
    private void OnMessage(in SwarmEvent e)
    {
        if (_state.Find(e.Peer) is not { } peer)
        {
            // It was told to leave while this was under way.
            (e.Payload as BlockBuffer)?.Release();
            return;
        }

        var reason = Dispatch(peer, e);
        if (reason is null && peer.Noise > _state.Limits.NoiseBurst)
        {
            reason = DisconnectReason.Flood;
        }

        if (reason is { } why)
        {
            _state.Doom(peer, why);
        }
    }

    private DisconnectReason? Dispatch(PeerState peer, in SwarmEvent e)
    {
        switch (e.MessageId)
        {
            case MessageId.Piece:
                return _ledger.OnBlock(peer, e.Piece, e.Begin, (BlockBuffer)e.Payload!);
            case MessageId.Request:
                _suggester.OnRequest(peer, e.Piece);
                _superSeeder.OnRequest(peer, e.Piece);
                _choker.OnRequest(peer);
                return _uploader.OnRequest(peer, e.Piece, e.Begin, e.Length);
            case MessageId.Have:
                var isNew = peer.Have is { } have && e.Piece < have.Length && !have[(int)e.Piece];
                var reason = _holdings.OnHave(peer, e.Piece);
                _superSeeder.OnHave(peer, e.Piece);
                if (isNew)
                {
                    _suggester.OnHave(peer, e.Piece);
                }

                // What we have already makes nothing more to ask for.
                if (reason is null && _state.Content?.Needed[(int)e.Piece] == true)
                {
                    _ledger.Refill(peer);
                }

                return reason;
            case MessageId.Bitfield:
                return AfterHoldings(peer, _holdings.OnBitfield(peer, (byte[])e.Payload!));
            case MessageId.HaveAll:
                return AfterHoldings(peer, _holdings.OnHaveAllOrNone(peer, all: true));
            case MessageId.HaveNone:
                return AfterHoldings(peer, _holdings.OnHaveAllOrNone(peer, all: false));
            case MessageId.Cancel:
                return _uploader.OnCancel(peer, e.Piece, e.Begin, e.Length);
            case MessageId.Reject:
                return _ledger.OnReject(peer, e.Piece, e.Begin, e.Length);
            case MessageId.AllowedFast:
                return _hints.OnAllowedFast(peer, e.Piece);
            case MessageId.Suggest:
                return _hints.OnSuggest(peer, e.Piece);
            case MessageId.Choke:
                peer.Noise++;
                _ledger.OnChoke(peer);
                return null;
            case MessageId.Unchoke:
                peer.Noise++;
                _ledger.OnUnchoke(peer);
                return null;
            case MessageId.Interested:
            case MessageId.NotInterested:
                peer.Noise++;
                peer.IsInterested = e.MessageId == MessageId.Interested;
                _choker.OnInterest(peer);
                return null;
            case MessageId.Extended:
                return _extensions.OnMessage(peer, e.Piece, (byte[])e.Payload!);
            case MessageId.HashRequest:
                return _hashServer.OnRequest(peer, (byte[])e.Payload!);
            case MessageId.Hashes:
                return _hashFetch.OnHashes(peer, (byte[])e.Payload!);
            case MessageId.HashReject:
                return _hashFetch.OnReject(peer, (byte[])e.Payload!);
            case MessageId.Port:
                return _admission.OnPort(peer, e.Piece);
            default:
                // Unknown ones may come from the future.
                peer.Noise++;
                return null;
        }
    }

    /// <summary>There may be somebody who has hashes that we lack, or lacks what we have: now, not at the next tick.</summary>
    private DisconnectReason? AfterHoldings(PeerState peer, DisconnectReason? reason)
    {
        if (reason is null)
        {
            _choker.OnHoldings(peer);
            _readers.AskForHashes();
            _hashFetch.OnTick();
        }

        return reason;
    }

    private void RegisterExtensions()
    {
        _extensions.Register(UtMetadata.Name, _metadata.OnMessage);
        _extensions.Register(
            LtDontHave.Name,
            (peer, payload) =>
                LtDontHave.TryRead(payload, out var piece)
                    ? _holdings.OnDontHave(peer, piece)
                    : DisconnectReason.MalformedMessage
        );
        _extensions.Register(
            Verification.UploadOnlyName,
            (peer, payload) =>
            {
                peer.IsUploadOnly = payload is [not 0, ..];
                return null;
            }
        );
        _extensions.Register(UtPex.Name, _exchange.OnMessage, () => _exchange.IsOn);
        _extensions.Register(UtHolepunch.Name, _punch.OnMessage, () => _punch.IsOn);
        _extensions.Register(LtTrackers.Name, _trackers.OnMessage, () => _trackers.IsOn);
        _extensions.Register(ShoalRevoked.Name, _members.OnMessage, () => _members.IsOn);
        _extensions.OnHandshake = (peer, handshake) =>
        {
            _state.TellOf(peer);
            _exchange.OnHandshake(peer);
            _trackers.OnHandshake(peer);
            _members.OnHandshake(peer);
            if (_metadata.OnSize(peer, handshake.MetadataSize) is { } reason)
            {
                _state.Doom(peer, reason);
            }
        };
    }
}
