using System.Collections.Concurrent;
using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The connections of one torrent: dials candidates, takes in those who called, and sees every link to its end.
/// </summary>
internal sealed class PeerConnections(EngineServices services, ILinkHost host, SwarmLoop loop, BackgroundTasks tasks)
    : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<PeerHandle, PeerLink> _links = new();
    private int _lastHandle;

    /// <summary>
    /// Tries a candidate; the swarm hears PeerJoined, or ConnectFailed. The name is that of v1 where there is one:
    /// a v2 peer of a hybrid torrent upgrades the connection. Where the address is from the swarm knows itself.
    /// </summary>
    public void Dial(IPEndPoint endPoint)
    {
        if (!services.Slots.TryTake(endPoint.Address, out var refusal))
        {
            ReportFailure(endPoint, refusal);
        }
        else if (!tasks.TryRun(() => DialAsync(endPoint)))
        {
            services.Slots.Return(endPoint.Address);
        }
    }

    /// <summary>Owns a connection that called and whose handshake is done. The place in the slots is the caller's.</summary>
    public Task RunIncomingAsync(ITransport transport, PeerIntroduction introduction) =>
        RunLinkAsync(transport, introduction);

    /// <summary>Ends all connections and lets no new one start.</summary>
    public void Close(DisconnectReason reason)
    {
        _stopping.Cancel();
        foreach (var link in _links.Values)
        {
            link.Close(reason);
        }
    }

    /// <summary>After the tasks have ended.</summary>
    public void Dispose() => _stopping.Dispose();

    private async Task DialAsync(IPEndPoint endPoint)
    {
        try
        {
            var connected = await services.Connector.ConnectAsync(endPoint, _stopping.Token).ConfigureAwait(false);
            if (connected.Transport is not { } transport)
            {
                ReportFailure(endPoint, connected.Failure);
                return;
            }

            var outcome = await services
                .Handshake.InitiateAsync(
                    transport,
                    endPoint,
                    host,
                    host.InfoHashes.Primary,
                    PeerSource.None,
                    _stopping.Token
                )
                .ConfigureAwait(false);
            if (outcome.Peer is not { } introduction)
            {
                ReportFailure(endPoint, outcome.Failure);
                return;
            }

            await RunLinkAsync(transport, introduction).ConfigureAwait(false);
        }
        finally
        {
            services.Slots.Return(endPoint.Address);
        }
    }

    private async Task RunLinkAsync(ITransport transport, PeerIntroduction introduction)
    {
        var handle = new PeerHandle(Interlocked.Increment(ref _lastHandle));
        var link = new PeerLink(handle, transport, host, introduction, services.LinkLimits, services.Time);
        _links[handle] = link;
        loop.Attach(handle, link);
        try
        {
            if (_stopping.IsCancellationRequested)
            {
                // Close may have come before the link was listed.
                link.Close(DisconnectReason.ShuttingDown);
            }

            await link.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _links.TryRemove(handle, out _);
        }
    }

    private void ReportFailure(IPEndPoint endPoint, DisconnectReason reason) =>
        loop.Post(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: (uint)reason, Payload: endPoint));
}
