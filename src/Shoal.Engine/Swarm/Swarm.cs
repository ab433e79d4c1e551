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
internal sealed partial class Swarm
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
    private readonly Admission _admission;
    private readonly UserWishes _wishes;
    private readonly ExtensionRegistry _extensions;
    private readonly PeerExchange _exchange;
    private readonly HolePunch _punch;
    private readonly TrackerExchange _trackers;
    private readonly MemberWatch _members;
    private readonly MetadataFetch _metadata;
    private readonly SuperSeeder _superSeeder;
    private readonly Suggester _suggester;
    private readonly HashFetch _hashFetch;
    private readonly HashServer _hashServer;
    private readonly LocalCopies _copies;
    private readonly BlockProofs _proofs;
    private readonly Readers _readers;
    private TimeSpan _lastTick;
    private TimeSpan _nextSecond;

    public Swarm(SwarmOptions options, InfoHashes infoHashes, Metainfo? metainfo)
        : this(new SwarmState(options, infoHashes))
    {
        if (metainfo is not null)
        {
            SetMetainfo(metainfo);
        }
    }

    private Swarm(SwarmState state)
    {
        _state = state;
        _holdings = new Holdings(_state);
        _ledger = new RequestLedger(_state);
        _hints = new PieceHints(_state, _ledger);
        _uploader = new Uploader(_state);
        _choker = new Choker(_state, _uploader);
        _candidates = new CandidatePool(_state);
        _admission = new Admission(_state, _candidates);
        _extensions = new ExtensionRegistry(_state, _candidates);
        _exchange = new PeerExchange(_state, _candidates, _extensions);
        _punch = new HolePunch(_state, _candidates, _extensions);
        _trackers = new TrackerExchange(_state, _extensions);
        _members = new MemberWatch(_state, _extensions);
        _metadata = new MetadataFetch(_state, _extensions) { Condemn = _admission.Condemn };
        _superSeeder = new SuperSeeder(_state);
        _suggester = new Suggester(_state);
        _uploader.IsHidden = _superSeeder.IsHidden;
        _admission.IsSpreading = _suggester.HasMore;
        _choker.IsSpreading = _suggester.HasMore;
        _uploader.BeforeChoke = _suggester.OnChoking;
        _uploader.AfterUnchoke = peer =>
        {
            _suggester.OnUnchoked(peer);
            _superSeeder.OnUnchoked(peer);
        };
        _hashServer = new HashServer(_state);
        _hashFetch = new HashFetch(_state)
        {
            OnTruth = (piece, blocks) => _verification!.OnTruth(piece, blocks),
            OnLayer = () => _verification!.SettleUnproven(),
            OnBlocks = () => _proofs!.OnHashes(),
        };
        _proofs = new BlockProofs(_state, _ledger) { Condemn = _admission.Condemn };
        _readers = new Readers(_state, _ledger, _hashFetch, _proofs);
        _ledger.BeforeUnchokedRefill = _readers.OnUnchoke;
        _copies = new LocalCopies(_state, _ledger);
        _verification = new Verification(_state, _ledger, _holdings, new BlockBlame(), _hashServer)
        {
            Extensions = _extensions,
            Condemn = _admission.Condemn,
            Suspect = _hashFetch.Suspect,
            Copies = _copies,
        };
        _wishes = new UserWishes(_state, _ledger, _holdings, _verification, _admission, _superSeeder)
        {
            DisconnectAll = DisconnectAll,
            Trackers = _trackers,
            Members = _members,
            Readers = _readers,
        };
        RegisterExtensions();
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

        _readers.AfterEvent();
        if (_state.Options.CheckInvariants)
        {
            SwarmInvariants.Check(_state);
        }
    }

    /// <summary>
    /// Nobody is here or called, and nothing of ours is under way: until something happens a tick every few seconds is enough,
    /// for candidates whose time comes and for asking for peers.
    /// </summary>
    public bool IsQuiet =>
        _state.Peers.Count == 0
        && _candidates.Connecting == 0
        && _state.Down.Slow == 0
        && _state.Up.Slow == 0
        && (_state.Content is null || _state.IsChecked)
        && _state.Readers.Count == 0
        && !_copies.IsCopying;

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
                    _uploader.OnSent(receiver, (int)e.Length, (int)e.Begin);
                }

                break;
            case SwarmEventKind.HoldingsReplaced:
                if (_state.Find(e.Peer) is { } webSeed && _holdings.OnReplaced(webSeed, (byte[])e.Payload!))
                {
                    _ledger.TakeBack(webSeed);
                }

                break;
            case SwarmEventKind.BlockRead:
                _uploader.OnRead(_state.Find(e.Peer), e.Piece, e.Begin, e.Length, (BlockBuffer?)e.Payload);
                break;
            case SwarmEventKind.PieceHashed:
                _verification.OnHashed((PieceHashResult)e.Payload!);
                _admission.DropUseless();
                break;
            case SwarmEventKind.BlockHashed:
                _proofs.OnLeaf(e.Piece, e.Begin, (Sha256Digest)e.Payload!);
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
                _candidates.Add(resume.Peers, new CandidateTeller(PeerSource.Resume));
                _verification.OnResume(resume);
                break;
            case SwarmEventKind.LocalFilesFound:
                _state.Content!.AddLocal((IReadOnlyList<FoundFile>)e.Payload!);
                break;
            case SwarmEventKind.MetadataReady:
                SetMetainfo((Metainfo)e.Payload!);
                break;
            case SwarmEventKind.CandidatesFound:
                var batch = (CandidateBatch)e.Payload!;
                _candidates.Add(batch.EndPoints, new CandidateTeller(batch.Source, batch.Teller));
                _admission.ConnectMore();
                break;
            case SwarmEventKind.ConnectFailed:
                _candidates.ConnectFailed((IPEndPoint)e.Payload!, (DisconnectReason)e.Piece);
                if ((DisconnectReason)e.Piece is DisconnectReason.ConnectFailed or DisconnectReason.ConnectTimeout)
                {
                    _punch.CallIsHard((IPEndPoint)e.Payload!);
                }

                break;
            case SwarmEventKind.Tick:
                OnTick();
                break;
            case SwarmEventKind.Command:
                _wishes.Handle((SwarmCommand)e.Payload!);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(e), e.Kind, "not an event of a swarm");
        }
    }

    private void OnJoined(PeerHandle handle, PeerIntroduction introduction)
    {
        var isV2 =
            introduction.WebSeed is null
            && (
                (introduction.Capabilities & PeerCapabilities.V2) != 0
                || (_state.InfoHashes.V2 is { } v2 && introduction.InfoHash == InfoHash.From(v2))
            );
        var peer = new PeerState(handle, introduction, _state.Now) { IsV2 = isV2 };
        if ((_members.Refuse(peer) ?? _admission.Refuse(peer)) is { } refusal)
        {
            if (!peer.IsWebSeed)
            {
                _candidates.Joined(peer);
                _candidates.Left(peer, refusal);
            }

            _state.Effects.Add(new SwarmEffect(SwarmEffectKind.Disconnect, handle, Piece: (uint)refusal));
            return;
        }

        _state.Add(peer);
        _holdings.Join(peer);
        _ledger.Join(peer);
        if (peer.IsWebSeed)
        {
            peer.IsUploadOnly = true;
            return;
        }

        _candidates.Joined(peer);
        _punch.Joined(peer);
        _admission.Greet(peer);
        _extensions.Greet(peer);
        _superSeeder.Join(peer);
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
                _state.TellOf(peer);
                peer.Noise = Math.Max(0, peer.Noise - _state.Limits.NoisePerSecond);
                peer.Asks.TrimIfEmpty();
                peer.Uploads.TrimIfEmpty();
            }

            _ledger.OnSecond();
            _copies.OnSecond();
            _admission.DropUseless();
            _exchange.OnSecond();
            _punch.OnSecond();
            _trackers.OnSecond();
            _members.OnSecond();
            _superSeeder.OnSecond();
            _suggester.OnSecond();
        }

        _metadata.OnTick();
        _readers.OnTick(elapsed);
        _hashFetch.OnTick();
        _superSeeder.OnTick();
        _choker.OnTick();
        _copies.Proceed();
        _ledger.RefillAll();
        _admission.ConnectMore();
    }

    private void SetMetainfo(Metainfo metainfo)
    {
        var options = _state.Options;
        var content = new ContentState(metainfo, options.FilePriority, options.Sequential, options.Random);
        _state.Content = content;
        _holdings.OnMetadata(content);
        if (metainfo.IsPrivate)
        {
            _candidates.KeepPrivateSources();
        }

        foreach (var peer in _state.Peers)
        {
            // Now it is known how large the metadata is: others may want it from us.
            _extensions.Greet(peer);
        }

        _hashFetch.OnTick();
        _state.Tell(SwarmEffectKind.StateChanged);
    }

    private void DisconnectAll()
    {
        foreach (var peer in _state.Peers)
        {
            _state.Doom(peer, DisconnectReason.TorrentPaused);
        }

        DisconnectDoomed();
        _candidates.StopConnecting();
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
        _state.TellOf(peer);
        _state.Tell(SwarmEffectKind.PeerGone, (uint)reason, StatusReport.Create(peer));
        _state.Remove(peer);
        _punch.Leave(peer);
        _ledger.Leave(peer);
        _metadata.Leave(peer);
        _hashFetch.Leave(peer);
        _hashServer.Leave(peer);
        _holdings.Leave(peer);
        _suggester.Leave(peer);
        _superSeeder.Leave(peer);
        if (!peer.IsWebSeed)
        {
            _candidates.Left(peer, reason);
            _choker.FillFreeSlots();
        }
    }
}
