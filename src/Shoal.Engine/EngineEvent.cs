using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Something worth telling the user. Read from <c>TorrentEngine.Events</c>.</summary>
public abstract record EngineEvent
{
    private EngineEvent() { }

    /// <summary>The metadata of a magnet link arrived, or was known from the start.</summary>
    public sealed record MetadataKnown(Torrent Torrent, Metainfo Metainfo) : EngineEvent;

    public sealed record CheckingDone(Torrent Torrent) : EngineEvent;

    public sealed record PieceCompleted(Torrent Torrent, int Piece) : EngineEvent;

    /// <summary>A peer is connected. Comes once it has said its name, or within about a second.</summary>
    public sealed record PeerSeen(Torrent Torrent, PeerStatus Peer) : EngineEvent;

    /// <summary>A peer that was seen is not connected any more.</summary>
    public sealed record PeerGone(Torrent Torrent, PeerStatus Peer, DisconnectReason Reason) : EngineEvent;

    /// <summary>Everything wanted is proven and on disk.</summary>
    public sealed record Completed(Torrent Torrent) : EngineEvent;

    /// <summary>The disk failed; the torrent goes on by itself when it recovers (<see cref="Recovered"/>).</summary>
    public sealed record Failed(Torrent Torrent, string Message) : EngineEvent;

    public sealed record Recovered(Torrent Torrent) : EngineEvent;

    /// <summary>A bug: the torrent has stopped.</summary>
    public sealed record Faulted(Torrent Torrent, Exception Exception) : EngineEvent;

    /// <summary>A bug outside of any torrent, for example while a stranger called; the engine goes on.</summary>
    public sealed record EngineFaulted(Exception Exception) : EngineEvent;

    /// <summary>Something outside of any torrent that the user should know: the proxy failed, an interface is gone.</summary>
    /// <param name="Code">Stable, for programs.</param>
    /// <param name="Message">For people.</param>
    public sealed record Warning(string Code, string Message) : EngineEvent;

    /// <summary>
    /// We are no member of the torrent's publication any more: its authority's list names us. Members refuse us from now on.
    /// </summary>
    public sealed record MembershipEnded(Torrent Torrent) : EngineEvent;

    /// <summary>The user's lists of addresses were read again.</summary>
    /// <param name="Ranges">In use from now on.</param>
    public sealed record IpFilterRead(int Ranges) : EngineEvent;

    /// <summary>A tracker answered with an error or could not be reached.</summary>
    public sealed record TrackerFailed(Torrent Torrent, string Url, string Message) : EngineEvent;

    /// <summary>A tracker answered an announce.</summary>
    public sealed record TrackerAnswered(Torrent Torrent, string Url) : EngineEvent;

    /// <summary>A web seed failed and rests for a while, or is not used any more.</summary>
    public sealed record WebSeedFailed(Torrent Torrent, string Url, string Message) : EngineEvent;

    /// <summary>A router forwards a port to us, or another one than before.</summary>
    /// <param name="Port">Ours.</param>
    /// <param name="ExternalPort">Where the world reaches it.</param>
    /// <param name="ExternalAddress">Null where the router knows none that the world could reach.</param>
    /// <param name="Method">"pcp", "nat-pmp" or "upnp".</param>
    public sealed record PortMapped(
        MappedProtocol Protocol,
        int Port,
        int ExternalPort,
        IPAddress? ExternalAddress,
        string Method
    ) : EngineEvent;

    /// <summary>No router forwards the port any more.</summary>
    public sealed record PortUnmapped(MappedProtocol Protocol, int Port) : EngineEvent;

    /// <summary>
    /// It is agreed, or agreed anew, at which address the world sees us: by the vote of peers, trackers, the DHT and routers.
    /// </summary>
    public sealed record ExternalAddressKnown(IPAddress Address) : EngineEvent;
}
