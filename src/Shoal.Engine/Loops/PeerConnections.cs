using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The connections of one torrent: dials candidates, takes in those who called, and sees every link to its end.
/// </summary>
/// <param name="services">What all torrents share.</param>
/// <param name="host">The torrent.</param>
/// <param name="loop">Its loop.</param>
/// <param name="named">Peers that the user named: the port filter is not for them.</param>
/// <param name="onFault">Told of bugs in a connection; it has ended, the torrent goes on.</param>
internal sealed class PeerConnections(
    EngineServices services,
    ILinkHost host,
    SwarmLoop loop,
    IReadOnlySet<IPEndPoint> named,
    Action<Exception> onFault
) : IAsyncDisposable
{
    private readonly BackgroundTasks _tasks = new(onFault);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<PeerHandle, PeerLink> _links = new();

    // Both addresses of peers with a name, by the first. Names come from the user and from magnet links, so are few.
    private readonly ConcurrentDictionary<IPEndPoint, IPEndPoint[]> _named = new();
    private int _lastHandle;

    /// <summary>
    /// Tries a candidate; the swarm hears PeerJoined, or ConnectFailed.
    /// </summary>
    public void Dial(IPEndPoint endPoint, DialHints hints)
    {
        if (services.Filter.IsBlockedPort(endPoint.Port) && !named.Contains(endPoint))
        {
            ReportFailure(endPoint, DisconnectReason.Filtered);
        }
        else if (!services.Egress.IsProxied && services.Egress.Local.IsDown(endPoint.AddressFamily))
        {
            ReportFailure(endPoint, DisconnectReason.InterfaceLost);
        }
        else if (!services.Slots.TryTake(endPoint.Address, out var refusal))
        {
            ReportFailure(endPoint, refusal);
        }
        else if (!_tasks.TryRun(() => DialAsync(endPoint, hints)))
        {
            services.Slots.Return(endPoint.Address);
        }
    }

    /// <summary>Owns a connection that called and whose handshake is done.</summary>
    public void Accept(ITransport transport, PeerIntroduction introduction)
    {
        var address = introduction.EndPoint.Address;
        if (!services.Slots.TryTake(address, out _))
        {
            transport.Dispose();
        }
        else if (!_tasks.TryRun(() => RunAcceptedAsync(transport, introduction)))
        {
            transport.Dispose();
            services.Slots.Return(address);
        }
    }

    /// <summary>
    /// A candidate that may have a name. BEP 9: "hostname:port, ipv4-literal:port, [ipv6-literal]:port".
    /// </summary>
    public void AddNamed(string name, int port) => _tasks.TryRun(() => AddNamedAsync(name, port));

    /// <summary>The filter is another one: who is in there has to go.</summary>
    public void FilterChanged()
    {
        foreach (var link in _links.Values)
        {
            if (services.Filter.IsBlocked(link.Introduction.EndPoint.Address))
            {
                link.Close(DisconnectReason.Filtered);
            }
        }
    }

    /// <summary>Ends all connections, and waits for their end. No new one starts.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var link in _links.Values)
        {
            link.Close(DisconnectReason.ShuttingDown);
        }

        await _tasks.EndAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task DialAsync(IPEndPoint endPoint, DialHints hints)
    {
        try
        {
            // The first was looked at; a name may also lead to somebody else.
            IPEndPoint[] addresses = _named.TryGetValue(endPoint, out var all)
                ? Array.FindAll(all, one => !services.Filter.IsBlocked(one.Address))
                : [endPoint];
            var dialled = await services
                .Dialer.DialAsync(addresses, host, hints, _stopping.Token)
                .ConfigureAwait(false);
            if (dialled is not { Transport: { } transport, Peer: { } introduction })
            {
                ReportFailure(endPoint, dialled.Failure);
                return;
            }

            await RunLinkAsync(transport, introduction).ConfigureAwait(false);
        }
        finally
        {
            services.Slots.Return(endPoint.Address);
        }
    }

    private async Task RunAcceptedAsync(ITransport transport, PeerIntroduction introduction)
    {
        try
        {
            await RunLinkAsync(transport, introduction).ConfigureAwait(false);
        }
        finally
        {
            services.Slots.Return(introduction.EndPoint.Address);
        }
    }

    private async Task AddNamedAsync(string name, int port)
    {
        try
        {
            var addresses = await services.Egress.ResolveAsync(name, _stopping.Token).ConfigureAwait(false);
            var peers = Pair(addresses, port);
            foreach (var peer in peers.Where(peer => peer.Length > 1))
            {
                _named[peer[0]] = peer;
            }

            var candidates = new CandidateBatch([.. peers.Select(peer => peer[0])], PeerSource.User);
            loop.Post(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: candidates));
        }
        catch (SocketException)
        {
            // A name that nobody knows is no peer; there may be others.
        }
    }

    /// <summary>
    /// A host with an address of each family is one peer, to which two connections would be one too many. A name with
    /// several addresses of a family stands for so many hosts.
    /// </summary>
    internal static List<IPEndPoint[]> Pair(IReadOnlyList<IPAddress> addresses, int port)
    {
        var peers = new List<IPEndPoint[]>();
        foreach (var address in addresses.Distinct())
        {
            var endPoint = new IPEndPoint(address, port);
            var half = peers.FindIndex(peer => peer is [var one] && one.AddressFamily != endPoint.AddressFamily);
            if (half < 0)
            {
                peers.Add([endPoint]);
            }
            else
            {
                peers[half] = [peers[half][0], endPoint];
            }
        }

        return peers;
    }

    private async Task RunLinkAsync(ITransport transport, PeerIntroduction introduction)
    {
        var handle = new PeerHandle(Interlocked.Increment(ref _lastHandle));
        var link = new PeerLink(handle, transport, host, introduction, services.LinkLimits, services.Time);
        _links[handle] = link;
        loop.Attach(handle, link);
        try
        {
            if (services.Filter.IsBlocked(introduction.EndPoint.Address))
            {
                // The filter may have become another one before the link was listed.
                link.Close(DisconnectReason.Filtered);
            }

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
