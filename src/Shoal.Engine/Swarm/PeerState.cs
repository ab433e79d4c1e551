using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Whether a request we sent still counts as the way its block will come.</summary>
internal enum AskPhase : byte
{
    Active,

    /// <summary>The peer is slow: the block may come from others; an answer is still welcome.</summary>
    Abandoned,

    /// <summary>We took it back; with the fast extension one answer still comes.</summary>
    Cancelled,
}

/// <summary>A request we sent.</summary>
internal struct Ask
{
    public PartialPiece Piece;
    public int Block;
    public TimeSpan At;

    /// <summary>Requests that waited before it. At most <see cref="SwarmLimits.MaxRequestsOut"/>.</summary>
    public ushort Ahead;
    public AskPhase Phase;
}

/// <summary>A request a peer sent, not yet handed to the disk.</summary>
internal readonly record struct UploadRequest(PieceIndex Piece, int Begin, int Length);

/// <summary>
/// Everything the swarm knows of one connected peer. Changed by the parts of the swarm, each its own fields as
/// the groups below say; all may read all.
/// </summary>
/// <remarks>
/// The groups that messages touch come before those that matter now and then: that is how they lie in memory, and in large
/// swarms, of which the cache holds little, fetching them is much of what a message costs.
/// </remarks>
internal sealed class PeerState
{
    public PeerState(PeerHandle handle, PeerIntroduction introduction, TimeSpan now)
    {
        Handle = handle;
        Introduction = introduction;
        IsWebSeed = introduction.WebSeed is not null;
        IsFast = (introduction.Capabilities & PeerCapabilities.Fast) != 0;
        JoinedAt = now;
        LastBlockAt = now;
        LookedAt = now;
        EndPoint = introduction.EndPoint;
        KnownAs = introduction.DialledAs ?? introduction.EndPoint;
        Source = introduction.Source;
    }

    public PeerHandle Handle { get; }

    /// <summary>Left, or told to leave: nothing is sent any more.</summary>
    public bool IsGone { get; set; }

    /// <summary>
    /// A web seed (BEP 19). It is asked for blocks and blamed for them as a peer is, and is nothing else of what a peer is:
    /// it has no address, takes no place, wants nothing, and says nothing of others.
    /// </summary>
    public bool IsWebSeed { get; }
    public bool IsFast { get; }

    // What the peer has: Holdings.

    /// <summary>Null while the metadata is unknown.</summary>
    public Bitfield? Have { get; set; }

    /// <summary>Counted in Availability.Seeds instead of piece by piece.</summary>
    public bool IsCountedAsSeed { get; set; }

    /// <summary>A bitfield, have all or have none came, or the time for it is over.</summary>
    public bool SaidWhatItHas { get; set; }

    /// <summary>BEP 21: takes nothing more.</summary>
    public bool IsUploadOnly { get; set; }

    public bool IsSeed => Have is { IsFull: true, Length: > 0 };

    /// <summary>Pieces it has that we need. We are interested exactly while this is not zero.</summary>
    public int Offers { get; set; }

    // Choke and interest.

    public bool IsChokingUs { get; set; } = true;
    public bool IsInterested { get; set; }
    public bool AreWeChoking { get; set; } = true;
    public bool AreWeInterested { get; set; }
    public TimeSpan UnchokedAt { get; set; }
    public bool HasBeenUnchoked { get; set; }

    /// <summary>It may ask, and has said nothing yet of what it wants (<see cref="Choker"/>).</summary>
    public bool IsNewcomer { get; set; }
    public bool IsOptimistic { get; set; }
    public long UploadedAtUnchoke { get; set; }

    // Requests we sent: RequestLedger.

    public Deque<Ask> Asks = new();

    /// <summary>Asks in phase Active: what the queue length is about.</summary>
    public int ActiveAsks { get; set; }
    public int QueueTarget { get; set; }
    public bool IsSlowStart { get; set; } = true;
    public TimeSpan LookedAt { get; set; }
    public long TotalAtLook { get; set; }
    public double RateAtLook { get; set; }
    public int PeerQueueLimit { get; set; }
    public TimeSpan RoundTrip { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>From asking for a block to having it, at best.</summary>
    public TimeSpan LeastAnswer { get; set; } = TimeSpan.MaxValue;

    /// <summary>
    /// Seconds between two blocks that it was asked for, each weighed by itself: blocks that come one by one make it their distance,
    /// those that come all at once twice a second half a second. And the sum of the squares since the last look.
    /// </summary>
    public double Silence { get; set; }
    public double Silences { get; set; }
    public TimeSpan LastBlockAt { get; set; }
    public TimeSpan WaitingSince { get; set; }
    public bool IsSnubbed { get; set; }
    public bool IsTimedOut { get; set; }
    public int RejectsInRow { get; set; }
    public TimeSpan NoAskBefore { get; set; }

    /// <summary>Blocks that may still come though we forgot asking for them (choked without the fast extension).</summary>
    public int LateBlocks { get; set; }
    public int Unsolicited { get; set; }
    public PartialPiece? Current { get; set; }

    /// <summary>Of a web seed: the piece it began last, whose successor it begins next; -1: none.</summary>
    public int LastBegun { get; set; } = -1;
    public List<PieceIndex> AllowedToUs { get; } = [];
    public List<PieceIndex> Suggested { get; } = [];

    // Requests the peer sent: Uploader.

    public Deque<UploadRequest> Uploads = new();

    /// <summary>It has asked for so much that its link does not read on.</summary>
    public bool IsHeld { get; set; }

    /// <summary>Bytes being read from disk or waiting in the link.</summary>
    public int SendAhead { get; set; }
    public int ChokedRequests { get; set; }
    public int[]? AllowedToPeer { get; set; }

    // Rates and conduct.

    /// <summary>Blocks it sent of pieces that were proven: Verification.</summary>
    public int ProvenBlocks { get; set; }

    public RateMeter Down;
    public RateMeter Up;
    public long DownloadedAtRound { get; set; }
    public long UploadedAtRound { get; set; }
    public double Noise { get; set; }
    public double ServeSavings { get; set; } = double.MaxValue;
    public TimeSpan ServedAt { get; set; }

    // Suggester: pieces suggested that it has not asked for, and those it asked for and has not got yet.

    public List<int>? SuggestedToPeer { get; set; }
    public HashSet<int>? TakenFromUs { get; set; }
    public uint LastAsked { get; set; } = uint.MaxValue;
    public int LastServed { get; set; } = -1;

    /// <summary>A piece that it alone had from us has come to another.</summary>
    public bool HasPassedOn { get; set; }

    /// <summary>What it had had of us when it first took what nobody else has; and for how long it could have passed that on.</summary>
    public long? UploadedAtFirst { get; set; }
    public int KeptSeconds { get; set; }

    /// <summary>It had pieces from us that nobody else has, and has passed on none of them (<see cref="Suggester"/>).</summary>
    public bool IsKeeping { get; set; }

    /// <summary>The piece it was getting when it was choked: half a piece is of no use to anybody.</summary>
    public PieceIndex? MayFinish { get; set; }

    public QueueTrial Trial;

    // Who it is.

    private (PeerNetwork.Neighbourhood Neighbourhood, bool IsGlobal)? _place;

    public PeerIntroduction Introduction { get; }
    public TimeSpan JoinedAt { get; }
    public IPAddress Address => Introduction.EndPoint.Address;

    /// <summary>Whoever is there as well may well be the same; asked for often.</summary>
    public PeerNetwork.Neighbourhood Neighbourhood => Place.Neighbourhood;

    /// <summary>Of the internet.</summary>
    public bool IsGlobal => Place.IsGlobal;

    private (PeerNetwork.Neighbourhood Neighbourhood, bool IsGlobal) Place =>
        _place ??= (PeerNetwork.NeighbourhoodOf(Address), NetworkReaches.Of(Address) == NetworkReach.Global);

    /// <summary>Where the peer listens, as far as known.</summary>
    public IPEndPoint EndPoint { get; set; }

    /// <summary>The same, but for a peer that was called by another of its addresses: the candidate pool's key.</summary>
    public IPEndPoint KnownAs { get; set; }
    public bool SaidWhereItListens { get; set; }

    /// <summary>Others can connect to <see cref="EndPoint"/>, as far as we can know: we did, or it says so.</summary>
    public bool IsReachableAgain =>
        Introduction.IsOutgoing || SaidWhereItListens || Introduction.Transport == TransportKind.Utp;

    /// <summary>Who told us of it.</summary>
    public PeerSource Source { get; set; }

    /// <summary>The user has been told of it.</summary>
    public bool IsTold { get; set; }

    /// <summary>Speaks v2 for this torrent: said so, or called it by its v2 name.</summary>
    public bool IsV2 { get; init; }
    public bool HasExtensions => (Introduction.Capabilities & PeerCapabilities.Extensions) != 0;

    // What it said before the metadata was known, kept for that day: Holdings.

    public byte[]? EarlyBitfield { get; set; }
    public bool EarlyHaveAll { get; set; }
    public List<uint>? EarlyHaves { get; set; }

    // Extensions: ExtensionRegistry.

    public string Client { get; set; } = "";

    /// <summary>The ids under which the peer wants messages of extensions we speak, in the order of ours; 0: none.</summary>
    public byte[]? ExtensionIds { get; set; }

    /// <summary>Our own extension handshake has been sent; another one only changes what it said.</summary>
    public bool WasGreeted { get; set; }

    /// <summary>Our address, as the peer says it sees it.</summary>
    public IPAddress? OurAddress { get; set; }

    /// <summary>BEP 11: "prefers encryption, as indicated by e field in extension handshake".</summary>
    public bool PrefersEncryption { get; set; }

    // Peer exchange: PeerExchange; null before its handshake.

    public PeerExchange.Exchange? Pex { get; set; }

    // Lists of who is no member any more, by number: MemberWatch. What it has, was told that we have, and got of us.

    public long RevocationsThere { get; set; }
    public long RevocationsTold { get; set; }
    public long RevocationsSent { get; set; }

    // Tracker exchange: TrackerExchange; null before its handshake.

    public TrackerExchange.Exchange? Trackers { get; set; }

    // Metadata: MetadataFetch.

    /// <summary>The size the peer named; 0: none.</summary>
    public int MetadataSize { get; set; }
    public TimeSpan NoMetadataBefore { get; set; }

    /// <summary>Requests in a row that it left unanswered or refused.</summary>
    public int MetadataFailures { get; set; }

    // Super-seeding: the pieces we let it know of, still only there and passed on. Nobody else asks for the sets.

    /// <summary>When it last told of a piece it has got.</summary>
    public TimeSpan LastPieceAt { get; set; }

    public HashSet<int> Shown => field ??= [];
    public HashSet<int> WasShown => field ??= [];

    /// <summary>Place in <see cref="Asks"/> of the first request for the block, or -1.</summary>
    public int FindAsk(BlockRef block)
    {
        for (var i = 0; i < Asks.Count; i++)
        {
            ref var ask = ref Asks[i];
            if (ask.Block == block.Block && ask.Piece.Piece == block.Piece)
            {
                return i;
            }
        }

        return -1;
    }

    public override string ToString() => $"{Handle} {Introduction.WebSeed?.Display ?? $"{Introduction.EndPoint}"}";
}
