using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// One torrent as a state machine: events in, decisions, effects out. Synchronous, without clock, sockets, disk or
/// locks; one caller at a time. Given the same options, seed and events it gives the same effects.
/// </summary>
/// <remarks>
/// This class only directs: which part hears of which event, and what all parts must do when a peer leaves. The state
/// they share is <see cref="SwarmState"/>; what a part alone knows it keeps for itself.
/// </remarks>
internal sealed class Swarm
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly SwarmState _state;
    private readonly Holdings _holdings;
    private readonly RequestLedger _ledger;
    private readonly PieceHints _hints;
    private readonly Uploader _uploader;
    private readonly Choker _choker;
    private readonly CandidatePool _candidates;
    private readonly Verification _verification;
    private readonly Membership _membership;
    private TimeSpan _lastTick;
    private TimeSpan _nextSecond;

    public Swarm(SwarmOptions options, InfoHashes infoHashes, Metainfo? metainfo)
    {
        _state = new SwarmState(options, infoHashes);
        _holdings = new Holdings(_state);
        _ledger = new RequestLedger(_state);
        _hints = new PieceHints(_state, _ledger);
        _uploader = new Uploader(_state);
        _choker = new Choker(_state, _uploader);
        _candidates = new CandidatePool(_state);
        _membership = new Membership(_state, _candidates);
        _verification = new Verification(_state, _ledger, _holdings, new BlockBlame()) { Condemn = Condemn };
        if (metainfo is not null)
        {
            SetMetainfo(metainfo);
        }
    }

    /// <summary>For tests: what the parts share.</summary>
    internal SwarmState State => _state;

    /// <summary>
    /// Takes one event at a time that never goes back, and adds what follows from it to <paramref name="effects"/>.
    /// Owns the event's buffer.
    /// </summary>
    public void Handle(in SwarmEvent e, TimeSpan now, SwarmEffects effects)
    {
        _state.Now = now;
        _state.Effects = effects;
        if (e.Kind == SwarmEventKind.Message)
        {
            OnMessage(e);
        }
        else
        {
            OnOther(e);
        }

        if (_state.Doomed.Count > 0)
        {
            DisconnectDoomed();
        }

        if (_state.Options.CheckInvariants)
        {
            SwarmInvariants.Check(_state);
        }
    }

    /// <summary>A snapshot of everything but the trackers.</summary>
    public TorrentStatus CreateStatus(TimeSpan now)
    {
        _state.Now = now;
        return StatusReport.Create(_state, _verification.LeftToCheck, _candidates.Count);
    }

    private void OnOther(in SwarmEvent e)
    {
        switch (e.Kind)
        {
            case SwarmEventKind.PeerJoined:
                OnJoined(e.Peer, (PeerIntroduction)e.Payload!);
                break;
            case SwarmEventKind.PeerLeft:
                if (_state.Find(e.Peer) is { } leaver)
                {
                    Remove(leaver, (DisconnectReason)e.Payload!);
                }

                break;
            case SwarmEventKind.PayloadSent:
                if (_state.Find(e.Peer) is { } receiver)
                {
                    _uploader.OnSent(receiver, (int)e.Length);
                }

                break;
            case SwarmEventKind.BlockRead:
                _uploader.OnRead(_state.Find(e.Peer), e.Piece, e.Begin, e.Length, (BlockBuffer?)e.Payload);
                break;
            case SwarmEventKind.PieceHashed:
                _verification.OnHashed((PieceHashResult)e.Payload!);
                _membership.DropUseless();
                break;
            case SwarmEventKind.DiskFailed:
                _state.DiskFailure = (DiskFailure)e.Payload!;
                _state.Tell(SwarmEffectKind.StateChanged);
                break;
            case SwarmEventKind.DiskRecovered:
                _state.DiskFailure = null;
                _state.Tell(SwarmEffectKind.StateChanged);
                _ledger.RefillAll();
                break;
            case SwarmEventKind.ResumeLoaded:
                var resume = (ResumeState)e.Payload!;
                _candidates.Add(resume.Peers, PeerSource.Resume);
                _verification.OnResume(resume);
                break;
            case SwarmEventKind.MetadataReady:
                SetMetainfo((Metainfo)e.Payload!);
                break;
            case SwarmEventKind.CandidatesFound:
                var batch = (CandidateBatch)e.Payload!;
                _candidates.Add(batch.EndPoints, batch.Source);
                _membership.ConnectMore();
                break;
            case SwarmEventKind.ConnectFailed:
                _candidates.ConnectFailed((IPEndPoint)e.Payload!, (DisconnectReason)e.Piece);
                break;
            case SwarmEventKind.Tick:
                OnTick();
                break;
            case SwarmEventKind.Command:
                OnCommand((SwarmCommand)e.Payload!);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(e), e.Kind, "not an event of a swarm");
        }
    }

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
                return _uploader.OnRequest(peer, e.Piece, e.Begin, e.Length);
            case MessageId.Have:
                var reason = _holdings.OnHave(peer, e.Piece);
                _ledger.Refill(peer);
                return reason;
            case MessageId.Bitfield:
                return _holdings.OnBitfield(peer, (byte[])e.Payload!);
            case MessageId.HaveAll:
                return _holdings.OnHaveAllOrNone(peer, all: true);
            case MessageId.HaveNone:
                return _holdings.OnHaveAllOrNone(peer, all: false);
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
            default:
                // Port is the DHT's; unknown ones may come from the future.
                peer.Noise++;
                return null;
        }
    }

    private void OnJoined(PeerHandle handle, PeerIntroduction introduction)
    {
        var peer = new PeerState(handle, introduction, _state.Now);
        if (_membership.Refuse(peer) is { } refusal)
        {
            _candidates.Joined(peer);
            _candidates.Left(peer, refusal);
            _state.Effects.Add(new SwarmEffect(SwarmEffectKind.Disconnect, handle, Piece: (uint)refusal));
            return;
        }

        _state.Add(peer);
        _candidates.Joined(peer);
        _holdings.Join(peer);
        _ledger.Join(peer);
        _membership.Greet(peer);
    }

    private void OnTick()
    {
        var elapsed = _state.Now - _lastTick;
        _lastTick = _state.Now;
        _state.Down.Tick(elapsed);
        _state.Up.Tick(elapsed);
        foreach (var peer in _state.Peers)
        {
            peer.Down.Tick(elapsed);
            peer.Up.Tick(elapsed);
        }

        if (_state.Now >= _nextSecond)
        {
            _nextSecond = _state.Now + Second;
            foreach (var peer in _state.Peers)
            {
                peer.Noise = Math.Max(0, peer.Noise - _state.Limits.NoisePerSecond);
            }

            _ledger.OnSecond();
            _membership.DropUseless();
        }

        _choker.OnTick();
        _ledger.RefillAll();
        _membership.ConnectMore();
    }

    private void OnCommand(SwarmCommand command)
    {
        switch (command)
        {
            case SwarmCommand.Pause:
                _state.IsPaused = true;
                DisconnectAll();
                _candidates.StopConnecting();
                _state.Tell(SwarmEffectKind.StateChanged);
                break;
            case SwarmCommand.Resume:
                _state.IsPaused = false;
                _state.Tell(SwarmEffectKind.StateChanged);
                _membership.ConnectMore();
                break;
            case SwarmCommand.Recheck:
                // What we told peers may prove wrong: they come back to what is true.
                DisconnectAll();
                _verification.Recheck();
                break;
            case SwarmCommand.SetFilePriorities set:
                SetPriorities(set.Priorities);
                break;
            case SwarmCommand.SetSequential set when _state.Content is { } content:
                content.IsSequential = set.IsSequential;
                break;
            case SwarmCommand.SetDeadline set when _state.Content is { } content:
                content.SetDeadline(set.Piece, set.Deadline);
                _ledger.RefillAll();
                break;
            case SwarmCommand.SetSuperSeeding set:
                _state.IsSuperSeeding = set.IsSuperSeeding;
                break;
        }
    }

    private void SetPriorities(IReadOnlyList<FilePriority> priorities)
    {
        if (_state.Content is not { } content)
        {
            return;
        }

        content.SetPriorities(priorities);
        for (var i = content.PartialOrder.Count - 1; i >= 0; i--)
        {
            var partial = content.PartialOrder[i];
            if (partial.Level == 0)
            {
                _ledger.CancelAll(partial);
                if (partial.IsUntouched)
                {
                    content.Drop(partial);
                }
            }
        }

        _holdings.Recount();
        _verification.Settle();
        _ledger.RefillAll();
    }

    private void SetMetainfo(Metainfo metainfo)
    {
        var options = _state.Options;
        var content = new ContentState(metainfo, options.FilePriority, options.Sequential, options.Random);
        _state.Content = content;
        _holdings.OnMetadata(content);
        _state.Tell(SwarmEffectKind.StateChanged);
    }

    private void Condemn(PeerState guilty)
    {
        _candidates.Ban(guilty.Address);
        _state.Tell(SwarmEffectKind.Ban, payload: guilty.Address);
        foreach (var peer in _state.Peers)
        {
            if (peer.Address.Equals(guilty.Address))
            {
                _state.Doom(peer, peer == guilty ? DisconnectReason.SentBadData : DisconnectReason.Banned);
            }
        }
    }

    private void DisconnectAll()
    {
        foreach (var peer in _state.Peers)
        {
            _state.Doom(peer, DisconnectReason.TorrentPaused);
        }

        DisconnectDoomed();
    }

    private void DisconnectDoomed()
    {
        // Leaving can doom nobody else, but the list may name a peer twice.
        foreach (var (peer, reason) in _state.Doomed)
        {
            if (!peer.IsGone)
            {
                _state.Effects.Add(new SwarmEffect(SwarmEffectKind.Disconnect, peer.Handle, Piece: (uint)reason));
                Remove(peer, reason);
            }
        }

        _state.Doomed.Clear();
        _ledger.RefillAll();
    }

    private void Remove(PeerState peer, DisconnectReason reason)
    {
        _state.Remove(peer);
        _ledger.Leave(peer);
        _holdings.Leave(peer);
        _candidates.Left(peer, reason);
        _choker.FillFreeSlots();
    }
}
