using Microsoft.Extensions.Logging;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>What the endpoints work with. One for each daemon.</summary>
internal sealed record DaemonServices
{
    public required TorrentEngine Engine { get; init; }
    public required TorrentLibrary Library { get; init; }
    public required SettingsStore Settings { get; init; }
    public required AccessKeys Access { get; init; }
    public required OutboundNetwork Network { get; init; }
    public required TorrentFiles Files { get; init; }
    public required FeedWatch Feeds { get; init; }
    public required MembershipBook Memberships { get; init; }
    public required Creations Creations { get; init; }
    public required TimeProvider Time { get; init; }
    public required long StartedAt { get; init; }
    public required StreamKeys StreamKeys { get; init; }
    public LongCalls Streams { get; } = StreamLimits.CreatePlaces();
    public LongCalls EventReaders { get; } = new("event streams are open", ApiLimits.MaxEventStreamsOfOne);
    public StreamRoom StreamRoom => field ??= new StreamRoom(Streams, Time, Ending);
    public CallTimes CallTimes { get; } = new();
    public required ILoggerFactory Logs { get; init; }
    public ILogger AccessLog => field ??= Logs.CreateLogger(LogParts.Access);
    public LoginThrottle Throttle => field ??= new LoginThrottle(Time, AccessLog);

    /// <summary>
    /// Of links: the page of another site can make a browser ask with wrong ones, which must not lock its user out of the rest.
    /// </summary>
    public LoginThrottle LinkThrottle => field ??= new LoginThrottle(Time);

    public QBittorrentServices QBittorrent =>
        field ??= new QBittorrentServices(new QBittorrentSessions(Access, Time), new QBittorrentCreator(this));

    /// <summary>Where it listens; known when it does.</summary>
    public IReadOnlyList<string> Urls { get; set; } = [];

    /// <summary>Begins the end of the daemon.</summary>
    public required Action Stop { get; init; }

    /// <summary>It has begun: what waits without end gives up.</summary>
    public required CancellationToken Ending { get; init; }
}
