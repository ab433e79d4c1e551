using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The connections of one torrent: dials candidates, takes in those who called, and sees every link to its end.
/// </summary>
internal sealed class PeerConnections : IAsyncDisposable
{
    private readonly EngineServices _services;
    private readonly ILinkHost _host;
    private readonly SwarmLoop _loop;
    private readonly BackgroundTasks _tasks;
    private readonly TorrentShare _share;
    private readonly Action<IReadOnlyList<IPEndPoint>> _onNamed;

    // Peers that the user named: the port filter is not for them.
    private readonly ConcurrentDictionary<IPEndPoint, bool> _ofUser = SmallMap.Create<IPEndPoint, bool>();
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<PeerHandle, PeerLink> _links = SmallMap.Create<PeerHandle, PeerLink>();

    // Both addresses of peers with a name, by the first. Names come from the user and from magnet links, so are few.
    private readonly ConcurrentDictionary<IPEndPoint, IPEndPoint[]> _named = SmallMap.Create<
        IPEndPoint,
        IPEndPoint[]
    >();
    private int _lastHandle;

    /// <param name="services">What all torrents share.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="loop">Its loop.</param>
    /// <param name="named">Peers that the user named: the port filter is not for them.</param>
    /// <param name="onNamed">Told of addresses of peers that the user named by a host's name.</param>
    /// <param name="onFault">Told of bugs in a connection; it has ended, the torrent goes on.</param>
    public PeerConnections(
        EngineServices services,
        ILinkHost host,
        SwarmLoop loop,
        IReadOnlySet<IPEndPoint> named,
        Action<IReadOnlyList<IPEndPoint>> onNamed,
        Action<Exception> onFault
    )
    {
        foreach (var peer in named)
        {
            _ofUser[peer] = true;
        }

        _services = services;
        _host = host;
        _loop = loop;
        _onNamed = onNamed;
        _tasks = new BackgroundTasks(onFault);
        _share = services.Slots.Join(() =>
            loop.Post(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.GiveUpPeer()))
        );
        services.Dialling.Join(_share, TryCall);
    }

    /// <summary>Tries a candidate when its turn comes; the swarm hears PeerJoined, or ConnectFailed.</summary>
    public void Dial(IPEndPoint endPoint, DialHints hints) =>
        _services.Dialling.Ask(_share, new DialWish(endPoint, hints));

    /// <summary>What the torrent does now, so what it needs connections for. Where it needs none its calls are not begun.</summary>
    public void SetState(TorrentState state)
    {
        var kind = state switch
        {
            TorrentState.Downloading or TorrentState.FetchingMetadata => ShareKind.Downloading,
            TorrentState.Seeding => ShareKind.Seeding,
            _ => ShareKind.Idle,
        };
        _services.Slots.SetKind(_share, kind);
        if (kind == ShareKind.Idle)
        {
            _services.Dialling.Drop(_share);
        }
    }

    /// <summary>Owns a connection that called and whose handshake is done.</summary>
    public void Accept(ITransport transport, PeerIntroduction introduction)
    {
        var address = introduction.EndPoint.Address;
        if (!_services.Slots.TryTake(_share, address, out _))
        {
            transport.Dispose();
        }
        else if (!_tasks.TryRun(() => RunAcceptedAsync(transport, introduction)))
        {
            transport.Dispose();
            _services.Slots.Return(_share, address);
        }
    }

    /// <summary>
    /// A candidate that may have a name. BEP 9: "hostname:port, ipv4-literal:port, [ipv6-literal]:port".
    /// </summary>
    /// <param name="name">Of the host.</param>
    /// <param name="port">Not 0.</param>
    /// <param name="isOfUser">The user named it, not a link.</param>
    public void AddNamed(string name, int port, bool isOfUser) =>
        _tasks.TryRun(() => AddNamedAsync(name, port, isOfUser));

    /// <summary>The filter is another one, or somebody was banned: who must not be here has to go.</summary>
    public void FilterChanged()
    {
        foreach (var link in _links.Values)
        {
            var address = link.Introduction.EndPoint.Address;
            if (_services.Filter.IsBlocked(address))
            {
                link.Close(DisconnectReason.Filtered);
            }
            else if (_services.Slots.IsBanned(address))
            {
                link.Close(DisconnectReason.Banned);
            }
        }
    }

    /// <summary>Ends all connections, and waits for their end. No new one starts.</summary>
    public async ValueTask DisposeAsync()
    {
        _services.Dialling.Leave(_share);
        await _stopping.CancelAsync().ConfigureAwait(false);
        foreach (var link in _links.Values)
        {
            link.Close(DisconnectReason.ShuttingDown);
        }

        await _tasks.EndAsync().ConfigureAwait(false);
        _services.Slots.Leave(_share);
        _stopping.Dispose();
    }

    /// <summary>Its turn has come. False: it came to nothing at once.</summary>
    private bool TryCall(DialWish wish)
    {
        if (WhyNot(wish.EndPoint) is { } reason)
        {
            ReportFailure(wish.EndPoint, reason);
            return false;
        }

        if (!_services.Slots.TryTake(_share, wish.EndPoint.Address, out var refusal))
        {
            ReportFailure(wish.EndPoint, refusal);
            return false;
        }

        if (_tasks.TryRun(() => CallAsync(wish)))
        {
            return true;
        }

        _services.Slots.Return(_share, wish.EndPoint.Address);
        return false;
    }

    private DisconnectReason? WhyNot(IPEndPoint endPoint) =>
        _services.Filter.IsBlockedPort(endPoint.Port) && !_ofUser.ContainsKey(endPoint) ? DisconnectReason.Filtered
        : !_services.Egress.IsProxied && _services.Egress.Local.IsDown(endPoint.AddressFamily)
            ? DisconnectReason.InterfaceLost
        : null;

    private async Task CallAsync(DialWish wish)
    {
        try
        {
            var dialled = await DialAsync(wish).ConfigureAwait(false);
            if (dialled is not { Transport: { } transport, Peer: { } introduction })
            {
                ReportFailure(wish.EndPoint, dialled.Failure);
                return;
            }

            await RunLinkAsync(transport, introduction).ConfigureAwait(false);
        }
        finally
        {
            _services.Slots.Return(_share, wish.EndPoint.Address);
        }
    }

    private async Task<DialOutcome> DialAsync(DialWish wish)
    {
        try
        {
            // The first was looked at; a name may also lead to somebody else.
            IPEndPoint[] addresses =
            [
                wish.EndPoint,
                .. (_named.GetValueOrDefault(wish.EndPoint) ?? [])
                    .Skip(1)
                    .Where(other => !_services.Filter.IsBlocked(other.Address)),
            ];
            return await _services
                .Dialer.DialAsync(addresses, _host, wish.Hints, _stopping.Token)
                .ConfigureAwait(false);
        }
        finally
        {
            _services.Dialling.Ended(wish);
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
            _services.Slots.Return(_share, introduction.EndPoint.Address);
        }
    }

    private async Task AddNamedAsync(string name, int port, bool isOfUser)
    {
        try
        {
            var addresses = await _services.Egress.ResolveAsync(name, _stopping.Token).ConfigureAwait(false);
            var peers = Pair(addresses, port);
            foreach (var peer in peers)
            {
                _named[peer[0]] = peer;
                if (isOfUser)
                {
                    _ofUser[peer[0]] = true;
                }
            }

            var candidates = new CandidateBatch([.. peers.Select(peer => peer[0])], PeerSource.User);
            _loop.Post(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: candidates));
            if (isOfUser)
            {
                _onNamed(candidates.EndPoints);
            }
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
        var link = new PeerLink(handle, transport, _host, introduction, _services.LinkLimits, _services.Time);
        _links[handle] = link;
        _loop.Attach(handle, link);
        try
        {
            if (_services.Filter.IsBlocked(introduction.EndPoint.Address))
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
        _loop.Post(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: (uint)reason, Payload: endPoint));
}
