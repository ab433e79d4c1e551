using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// What the parts of one swarm share: the peers, the content, the time of the present event, and the way out.
/// Owned by <see cref="Swarm"/>; the parts keep a reference and hold what is only theirs themselves.
/// </summary>
internal sealed class SwarmState
{
    private readonly PeerTable _byHandle = new();

    public SwarmState(SwarmOptions options, InfoHashes infoHashes)
    {
        Options = options;
        InfoHashes = infoHashes;
        IsPaused = options.Paused;
        Own.Port = options.ListenPort;
        UploadSlots = options.Limits.UploadSlots;
        IsSuperSeeding = options.SuperSeeding;
        foreach (var address in options.ExternalAddresses)
        {
            Own.SetExternal(address);
        }
    }

    public SwarmOptions Options { get; }
    public SwarmLimits Limits => Options.Limits;
    public Random Random => Options.Random;
    public InfoHashes InfoHashes { get; }

    /// <summary>The time of the event being handled.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Until then snapshots say how many peers have each piece.</summary>
    public TimeSpan CopiesShownUntil { get; set; }

    /// <summary>Where the effects of the event being handled go.</summary>
    public SwarmEffects Effects { get; set; } = new();

    /// <summary>Null while the metadata is unknown.</summary>
    public ContentState? Content { get; set; }

    /// <summary>What is on disk is known: resume data came and what it left open was hashed.</summary>
    public bool IsChecked { get; set; }
    public bool IsPaused { get; set; }
    public bool IsSuperSeeding { get; set; }

    public OwnAddresses Own { get; set; } = new();

    /// <summary>Peers that may be unchoked at once.</summary>
    public int UploadSlots { get; set; }
    public DiskFailure? DiskFailure { get; set; }

    /// <summary>Why nothing can be fetched any more, apart from the disk; for example halves that contradict.</summary>
    public string? Fault { get; set; }

    /// <summary>In the order they joined; web seeds too.</summary>
    public List<PeerState> Peers { get; } = [];

    /// <summary>In the order they came.</summary>
    public List<ReaderState> Readers { get; } = [];

    /// <summary>How many of <see cref="Peers"/> are web seeds.</summary>
    public int WebSeedCount { get; private set; }

    /// <summary>Connections to peers, which take places.</summary>
    public int PeerCount => Peers.Count - WebSeedCount;

    public long Downloaded { get; set; }
    public long Uploaded { get; set; }
    public long Wasted { get; set; }
    public int HashFailures { get; set; }

    /// <summary>Who has given us what; without members nobody has.</summary>
    public MemberCredits Credits { get; } = new();
    public RateMeter Down;
    public RateMeter Up;

    /// <summary>Blocks may be asked for.</summary>
    public bool CanFetch =>
        Content is { IsDone: false } && IsChecked && !IsPaused && DiskFailure is null && Fault is null;

    /// <summary>Everything wanted is here.</summary>
    public bool IsSeeding => Content is { IsDone: true } && IsChecked;

    /// <summary>We have all we want, and the peer wants nothing either: it only takes up a place.</summary>
    public bool IsOfNoUse(PeerState peer) => IsSeeding && (peer.IsSeed || (peer.IsUploadOnly && peer.SaidWhatItHas));

    /// <summary>Peers to be told to leave once the present event is handled, and why.</summary>
    public List<(PeerState Peer, DisconnectReason Reason)> Doomed { get; } = [];

    public PeerState? Find(PeerHandle handle) => _byHandle.Find(handle);

    public void Add(PeerState peer)
    {
        Peers.Add(peer);
        WebSeedCount += peer.IsWebSeed ? 1 : 0;
        _byHandle.Add(peer);
    }

    public void Remove(PeerState peer)
    {
        peer.IsGone = true;
        Peers.Remove(peer);
        WebSeedCount -= peer.IsWebSeed ? 1 : 0;
        _byHandle.Remove(peer);
    }

    /// <summary>Disconnects the peer when the present event is handled; nothing more is sent to it.</summary>
    public void Doom(PeerState peer, DisconnectReason reason)
    {
        if (!peer.IsGone)
        {
            Doomed.Add((peer, reason));
        }
    }

    /// <summary>Everybody hears that we have a piece, unless each is shown a few only.</summary>
    public void TellPeersOf(int piece)
    {
        if (IsSuperSeeding)
        {
            return;
        }

        foreach (var peer in Peers)
        {
            Send(peer, MessageId.Have, (uint)piece);
        }
    }

    public void Send(
        PeerState peer,
        MessageId id,
        uint piece = 0,
        uint begin = 0,
        uint length = 0,
        object? payload = null
    ) => Effects.Add(new SwarmEffect(SwarmEffectKind.Send, peer.Handle, id, piece, begin, length, payload));

    public void Disk(in DiskRequest request) => Effects.Add(new SwarmEffect(SwarmEffectKind.Disk, Disk: request));

    public void Tell(SwarmEffectKind kind, uint piece = 0, object? payload = null) =>
        Effects.Add(new SwarmEffect(kind, Piece: piece, Payload: payload));

    /// <summary>Once, as soon as the peer has named itself or had the time for it.</summary>
    public void TellOf(PeerState peer)
    {
        if (!peer.IsTold)
        {
            peer.IsTold = true;
            Tell(SwarmEffectKind.PeerSeen, payload: StatusReport.Create(peer));
        }
    }

    /// <summary>Everything wanted is here. Whoever brought it is known before that.</summary>
    public void TellCompleted()
    {
        Peers.ForEach(TellOf);
        Tell(SwarmEffectKind.Completed);
        Tell(SwarmEffectKind.StateChanged);
    }
}
