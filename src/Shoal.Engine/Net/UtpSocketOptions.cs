using System.Net;

namespace Shoal.Engine;

/// <summary>How uTP is to run.</summary>
internal sealed record UtpSocketOptions
{
    public UtpLimits Limits { get; init; } = UtpLimits.Default;

    public UtpSynLimits SynLimits { get; init; } = UtpSynLimits.Default;

    /// <summary>
    /// Memory that windows of all connections may grow by, in bytes. Default 128 MiB: eight connections that each fill
    /// 1 Gbit/s over 100 ms. Beyond: they stay as they are.
    /// </summary>
    public long WindowBytes { get; init; } = 128L * 1024 * 1024;

    /// <summary>Bounds on those who call.</summary>
    public required TcpLimits HandshakeLimits { get; init; }

    /// <summary>
    /// Called for each connection whose caller has proven its address; owns the transport; completes when its handshake is
    /// over. Null: nobody may call.
    /// </summary>
    public Func<ITransport, IPEndPoint, CancellationToken, Task>? Accept { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Told of exceptions, which are bugs.</summary>
    public required Action<Exception> OnFault { get; init; }
}
