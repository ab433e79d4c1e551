using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>How the DHT is to run.</summary>
internal sealed record DhtLoopOptions
{
    /// <summary>Where the state is kept.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>The file in there.</summary>
    public string StateFile { get; init; } = "dht.state";

    /// <summary>Where to begin when we know nobody. Names are looked up again until one has answered.</summary>
    public IReadOnlyList<DnsEndPoint> Bootstrap { get; init; } = [];

    /// <summary>Null: mutable items are neither stored nor looked for.</summary>
    public Ed25519? Ed25519 { get; init; }

    /// <summary>BEP 43: answer no queries, and say so.</summary>
    public bool IsReadOnly { get; init; }

    public DhtLimits Limits { get; init; } = new();

    /// <summary>Looks up the names.</summary>
    public required IEgress Egress { get; init; }
    public required TimeProvider Time { get; init; }

    /// <summary>Told at which address a socket of ours is seen, when its vote has decided; quick.</summary>
    public Action<int, IPAddress>? OnAddress { get; init; }

    /// <summary>Told when somebody is known after nobody was; quick.</summary>
    public Action? OnJoined { get; init; }

    /// <summary>Told of exceptions in the loop, which are bugs.</summary>
    public required Action<Exception> OnFault { get; init; }
}

/// <summary>
/// Runs the <see cref="Dht"/> of an engine: brings it datagrams, time and wishes, one at a time, and carries out what it
/// decides. Safe to use from any thread; whoever posts while it is idle runs it.
/// </summary>
internal sealed partial class DhtLoop : IDatagramProtocol, IPeerSearch, IAsyncDisposable
{
    /// <summary>Datagrams that wait; beyond it they are dropped, as a full socket would do.</summary>
    private const int MailboxSize = 1024;

    /// <summary>Nodes taken from one torrent file.</summary>
    private const int MaxNamed = 16;

    /// <summary>Nodes taken from the state of another process.</summary>
    private const int MaxBorrowed = 32;

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan SaveInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan ResolveAgain = TimeSpan.FromSeconds(30);

    private readonly DhtLoopOptions _options;
    private readonly IDatagramPort _port;
    private readonly Dht _dht;
    private readonly DhtEffects _effects = new();
    private readonly EventMailbox<Post> _mailbox = new(MailboxSize);
    private readonly Dictionary<int, Action<DhtResult>> _listeners = [];
    private readonly BackgroundTasks _tasks;
    private readonly CancellationTokenSource _stop = new();
    private readonly string _statePath;

    // Null: another process has the state file.
    private readonly FileLock? _lock;
    private readonly long _epoch;
    private readonly IPAddress?[] _told;
    private TimeSpan _nextIdleTick;
    private volatile int _nodeCount;
    private volatile int _joins;

    private readonly record struct Post(int Socket, IPEndPoint? Source, byte[]? Datagram, Action<TimeSpan>? Command);

    /// <param name="options">What was decided.</param>
    /// <param name="port">Not started yet; the caller starts it with this as one of its protocols.</param>
    public DhtLoop(DhtLoopOptions options, IDatagramPort port)
    {
        _options = options;
        _port = port;
        _epoch = options.Time.GetTimestamp();
        _tasks = new BackgroundTasks(options.OnFault);
        _statePath = Path.Combine(options.StateDirectory, options.StateFile);
        _lock = TryLock();
        _dht = new Dht(
            options.Limits,
            RandomNumberGenerator.GetBytes(DhtRandom.SeedSize),
            [.. port.LocalEndPoints.Select(endPoint => endPoint.AddressFamily)],
            options.Ed25519 is { } ed25519 ? ed25519.Verify : null,
            options.IsReadOnly,
            _lock is null ? [] : LoadState(),
            Now
        );
        _told = new IPAddress?[_dht.Nodes.Count];
        if (_lock is null)
        {
            // Another process is the node that the file speaks of. We are a second one, and ask the same nodes.
            foreach (var node in LoadState().SelectMany(state => state.Nodes).Take(MaxBorrowed))
            {
                _dht.AddBootstrap(node.EndPoint);
            }
        }
    }

    /// <summary>Nodes in the routing tables.</summary>
    public int NodeCount => _nodeCount;

    public int Joins => _joins;

    /// <summary>The UDP port of the DHT, for PORT messages (BEP 5).</summary>
    public int Port => _port.Port;

    private TimeSpan Now => _options.Time.GetElapsedTime(_epoch);

    public void Start()
    {
        _tasks.TryRun(TickAsync);
        if (_options.Bootstrap.Count > 0)
        {
            _tasks.TryRun(ResolveUntilJoinedAsync);
        }
    }

    /// <summary>Where to begin, besides what the options name: a torrent's <c>nodes</c>, names or addresses.</summary>
    public void AddBootstrap(IReadOnlyList<(string Host, int Port)> nodes)
    {
        if (nodes.Count > 0)
        {
            var some = nodes.Take(MaxNamed).Select(node => new DnsEndPoint(node.Host, node.Port)).ToList();
            _tasks.TryRun(() => ResolveAsync(some));
        }
    }

    /// <summary>At which address we are seen, by others' word than the DHT's: ids are made of it (BEP 42).</summary>
    public void TakeExternalAddress(IPAddress address) => Do(now => _dht.TakeExternalAddress(address, now));

    /// <summary>Somebody said that a node is there (PORT message of a peer).</summary>
    public void AddNode(IPEndPoint endPoint) => Do(now => _dht.AddNode(endPoint, now, _effects));

    public void FindPeers(PeerQuery query, Action<IReadOnlyList<IPEndPoint>> found, Action<DhtResult.PeersDone> done) =>
        Do(now =>
            _listeners[_dht.FindPeers(query, now, _effects)] = result =>
            {
                if (result is DhtResult.PeersFound some)
                {
                    found(some.Peers);
                }
                else if (result is DhtResult.PeersDone end)
                {
                    done(end);
                }
            }
        );

    bool IDatagramProtocol.Claims(ReadOnlySpan<byte> datagram) => datagram.Length > 0 && datagram[0] == (byte)'d';

    void IDatagramProtocol.Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch)
    {
        var posts = new Post[batch.Length];
        for (var i = 0; i < batch.Length; i++)
        {
            posts[i] = new Post(socket, batch[i].Source, batch[i].Bytes.ToArray(), null);
        }

        // Full: the datagrams are lost, as datagrams may be.
        _ = _mailbox.TryWriteOrWait(posts, out _, out var mustRun);
        RunIf(mustRun);
    }

    /// <summary>Ends all searches and saves the state.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        var saved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Do(_ => Finish(saved)))
        {
            await saved.Task.ConfigureAwait(false);
        }

        _mailbox.Close();
        _stop.Dispose();
    }

    private void Finish(TaskCompletionSource saved)
    {
        SaveState();
        _lock?.Dispose();
        saved.SetResult();
    }

    private bool Do(Action<TimeSpan> command)
    {
        var isOpen = _mailbox.Write([new Post(0, null, null, command)], out var mustRun);
        RunIf(mustRun);
        return isOpen;
    }

    private void RunIf(bool mustRun)
    {
        if (!mustRun)
        {
            return;
        }

        while (_mailbox.Take() is { } batch)
        {
            var now = Now;
            foreach (var post in batch)
            {
                Handle(post, now);
            }

            Try(CarryOut);
        }
    }

    private void Handle(in Post post, TimeSpan now)
    {
        // One that brings a bug to light takes nothing with it: the others are somebody else's.
        try
        {
            if (post.Command is not null)
            {
                post.Command(now);
            }
            else
            {
                _dht.Receive(post.Socket, post.Source!, post.Datagram!, now, _effects);
            }
        }
        catch (Exception exception)
        {
            _options.OnFault(exception);
        }
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            _options.OnFault(exception);
        }
    }

    private void CarryOut()
    {
        try
        {
            SendAndTell();
        }
        finally
        {
            // Whatever became of it, it is not done twice.
            _effects.Clear();
        }

        var isJoined = _nodeCount == 0 && _dht.NodeCount > 0;
        _nodeCount = _dht.NodeCount;
        if (isJoined)
        {
            // Only this strand writes it.
            _joins = _joins + 1;
            Try(() => _options.OnJoined?.Invoke());
        }

        foreach (var node in _dht.Nodes)
        {
            if (node.VotedAddress is { } address && !address.Equals(_told[node.Number]))
            {
                _told[node.Number] = address;
                Try(() => _options.OnAddress?.Invoke(node.Number, address));
            }
        }
    }

    private void SendAndTell()
    {
        foreach (var datagram in _effects.Datagrams)
        {
            _port.TrySend(datagram.Via, datagram.To, datagram.Bytes);
        }

        // Listeners post, and what they post comes later: nobody changes the lists meanwhile.
        foreach (var result in _effects.Results)
        {
            var isEnd = result is DhtResult.PeersDone or DhtResult.ItemDone or DhtResult.SamplesDone;
            if (_listeners.TryGetValue(result.Number, out var listener))
            {
                if (isEnd)
                {
                    _listeners.Remove(result.Number);
                }

                Try(() => listener(result));
            }
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TickInterval, _options.Time);
        var nextSave = Now + SaveInterval;
        while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
        {
            Do(Tick);
            if (Now >= nextSave)
            {
                nextSave = Now + SaveInterval;
                Do(_ => SaveState());
            }
        }
    }

    private void Tick(TimeSpan now)
    {
        // Idle, once a second is enough.
        if (_dht.IsBusy || now >= _nextIdleTick)
        {
            _nextIdleTick = now + TimeSpan.FromSeconds(1);
            _dht.Tick(now, _effects);
        }
    }

    private async Task ResolveUntilJoinedAsync()
    {
        while (true)
        {
            await ResolveAsync(_options.Bootstrap).ConfigureAwait(false);
            await Task.Delay(ResolveAgain, _options.Time, _stop.Token).ConfigureAwait(false);
            if (NodeCount > 0)
            {
                return;
            }
        }
    }

    private async Task ResolveAsync(IReadOnlyList<DnsEndPoint> names)
    {
        foreach (var name in names)
        {
            try
            {
                var found = await _options.Egress.ResolveAsync(name.Host, _stop.Token).ConfigureAwait(false);
                Do(_ =>
                {
                    foreach (var address in found)
                    {
                        _dht.AddBootstrap(new IPEndPoint(address, name.Port));
                    }
                });
            }
            catch (SocketException)
            {
                // The name may be known later, when there is a network.
            }
        }
    }
}
