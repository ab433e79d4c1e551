namespace Shoal.Engine;

/// <summary>Bounds on connections that are not yet peers.</summary>
internal sealed record TcpLimits
{
    public static readonly TcpLimits Default = new();

    /// <summary>
    /// Incoming connections within their handshake, over all torrents. Default 100; each costs a socket and about
    /// 1 KiB for ten seconds at most. Beyond: the oldest from the neighbourhood that has most is closed.
    /// </summary>
    public int MaxHandshakes { get; init; } = 100;

    /// <summary>
    /// The same from one IPv4 address or one IPv6 /64. Default 8. Beyond: closed at once. Does not apply to this
    /// machine itself, on which everybody shares one address.
    /// </summary>
    public int MaxHandshakesPerAddress { get; init; } = 8;

    /// <summary>Connections the system accepts before we do. Default 256.</summary>
    public int Backlog { get; init; } = 256;

    /// <summary>How long an outgoing connection may take. Default 10 s. Beyond: ConnectTimeout.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause after the system refused a new socket (too many open files). Default 1 s.</summary>
    public TimeSpan AcceptPause { get; init; } = TimeSpan.FromSeconds(1);
}
