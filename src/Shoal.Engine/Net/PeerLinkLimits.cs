namespace Shoal.Engine;

/// <summary>Bounds on what one connection may cost.</summary>
internal sealed record PeerLinkLimits
{
    public static readonly PeerLinkLimits Default = new();

    public Protocol.PeerWireLimits Wire { get; init; } = Protocol.PeerWireLimits.Default;

    /// <summary>From the connection to the last byte of the handshake. Default 10 s. Beyond: HandshakeTimeout.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How often a link looks at its clocks, so how much later than due anything below may happen. Default 10 s.
    /// </summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Silence on our side after which we send a keep-alive. Default 95 s: with <see cref="CheckInterval"/> still
    /// before the two minutes of BEP 3.
    /// </summary>
    public TimeSpan KeepAliveAfter { get; init; } = TimeSpan.FromSeconds(95);

    /// <summary>
    /// Silence on the peer's side after which we hang up. Default 140 s. BEP 3: "Keepalives are generally sent once
    /// every two minutes", so those that come on time need some grace. Beyond: IdleTimeout.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(140);

    /// <summary>
    /// How long one batch (at most <see cref="MaxBatchBytes"/>) may wait for the peer to read. Default 120 s: about
    /// 1 KiB/s. Beyond: OutboxFull. A peer that asks and does not read would else keep our read buffers for ever.
    /// </summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// Messages and blocks waiting to be sent, in bytes. Default 16 MiB: 512 requested blocks are 8 MiB, a large
    /// bitfield 256 KiB. Beyond: OutboxFull.
    /// </summary>
    public int MaxOutboxBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>
    /// Payload bytes in one send, from 16 KiB. Default 128 KiB: large enough that the system call's cost does
    /// not show, small enough that control messages queue behind little.
    /// </summary>
    public int MaxBatchBytes { get; init; } = 128 * 1024;

    /// <summary>
    /// Keep-alives and unknown messages within one <see cref="CheckInterval"/>. Default 200. They cost us work and
    /// mean nothing. Beyond: Flood.
    /// </summary>
    public int MaxIdleMessages { get; init; } = 200;

    /// <summary>Receive buffer of a connection that has just become active, in bytes. Default 16 KiB.</summary>
    public int MinReceiveBuffer { get; init; } = 16 * 1024;

    /// <summary>
    /// Receive buffer of a busy connection, in bytes. Default 256 KiB. It grows beyond only while a single longer
    /// message (<see cref="Protocol.PeerWireLimits.MaxLength"/>) is arriving.
    /// </summary>
    public int MaxReceiveBuffer { get; init; } = 256 * 1024;

    /// <summary>Events posted at once. Default 128; a receive with more messages is posted in parts.</summary>
    public int MaxEventsPerBatch { get; init; } = 128;
}
