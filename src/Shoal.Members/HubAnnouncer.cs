using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Protocol;

namespace Shoal.Members;

/// <summary>Where others reach us.</summary>
/// <param name="Own">The port we listen on.</param>
/// <param name="Outside">That of a router which forwards it; by IPv4. The same where there is none.</param>
internal readonly record struct AnnouncedPorts(int Own, int Outside);

/// <summary>
/// Tells the hub which torrents we take part in, and brings the peers that it names. One for each membership; a timer for all
/// its torrents.
/// </summary>
internal sealed class HubAnnouncer : IAsyncDisposable
{
    /// <summary>
    /// How often a hub that is away is tried (members shall learn of a revocation within a minute of its return), and one that
    /// named nobody asked again.
    /// </summary>
    public static readonly TimeSpan Retry = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>Torrents announced at once: each is a handshake or two of the hub.</summary>
    private const int AtOnce = 8;

    private readonly Func<HubConnect, HubClient> _clientOf;
    private readonly Func<AnnouncedPorts> _ports;
    private readonly Action<HubException> _meet;
    private readonly TimeProvider _time;
    private readonly TimeSpan _goodbye;

    /// <summary>How the hub is announced to: once by each family, since it lists the address that a call comes from.</summary>
    private readonly IReadOnlyList<(HubConnect Connect, bool IsForwarded)> _ways;
    private readonly Lock _lock = new();
    private readonly Dictionary<Torrent, Listing> _listings = [];
    private readonly SemaphoreSlim _turns = new(AtOnce);
    private readonly CancellationTokenSource _stop = new();
    private readonly long _start;
    private Task _running = Task.CompletedTask;

    /// <param name="clientOf">Speaks with the hub as we are known now.</param>
    /// <param name="ports">Where we are reached now.</param>
    /// <param name="network">The way out.</param>
    /// <param name="meet">Told what the hub refuses, or why it does not answer.</param>
    /// <param name="goodbye">How long the hub is told that we leave.</param>
    /// <param name="time">The clock.</param>
    public HubAnnouncer(
        Func<HubConnect, HubClient> clientOf,
        Func<AnnouncedPorts> ports,
        OutboundNetwork network,
        Action<HubException> meet,
        TimeSpan goodbye,
        TimeProvider time
    )
    {
        (_clientOf, _ports, _meet, _goodbye, _time) = (clientOf, ports, meet, goodbye, time);
        _start = time.GetTimestamp();
        // What a router forwards is a port of IPv4; by IPv6 we are reached at our own.
        _ways = network.IsProxied
            ? [(HubWay.By(network), true)]
            :
            [
                (HubWay.By(network, AddressFamily.InterNetwork), true),
                (HubWay.By(network, AddressFamily.InterNetworkV6), false),
            ];
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    public void Start() => _running = RunAsync();

    /// <summary>Announces it from now on.</summary>
    public void Add(Torrent torrent)
    {
        lock (_lock)
        {
            _listings.TryAdd(torrent, new Listing(torrent));
        }
    }

    /// <summary>Announces it no more, and says goodbye to the hub if it answers soon.</summary>
    public async Task RemoveAsync(Torrent torrent)
    {
        Listing? listing;
        lock (_lock)
        {
            _listings.Remove(torrent, out listing);
        }

        if (listing is not null)
        {
            await LeaveAsync(listing).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        Listing[] all;
        lock (_lock)
        {
            all = [.. _listings.Values];
            _listings.Clear();
        }

        await Task.WhenAll(all.Select(LeaveAsync)).ConfigureAwait(false);
        _stop.Dispose();
        _turns.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Second, _time);
        try
        {
            do
            {
                lock (_lock)
                {
                    foreach (var listing in _listings.Values)
                    {
                        if (listing.Work.IsCompleted && Due(listing) is { } what)
                        {
                            listing.Work = AnnounceAsync(listing, what, listing.Ending);
                        }
                    }
                }
            } while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The membership is not followed any more.
        }
    }

    /// <summary>What the hub is to be told of a torrent now; null: nothing.</summary>
    private AnnounceEvent? Due(Listing one)
    {
        var status = one.Torrent.Status;
        if (Now < one.NotBefore)
        {
            return null;
        }

        if (status.State is TorrentState.Paused or TorrentState.Failed)
        {
            return one.IsListed ? AnnounceEvent.Stopped : null;
        }

        return !one.IsListed ? AnnounceEvent.Started
            // Completion is told soon: others count copies.
            : status.IsComplete && !one.WasComplete ? AnnounceEvent.Completed
            : Now >= one.NextAt || _ports() != one.Ports ? AnnounceEvent.None
            : null;
    }

    private async Task AnnounceAsync(Listing one, AnnounceEvent what, CancellationToken cancel)
    {
        // Not in the caller's time, who holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var status = one.Torrent.Status;
        var ports = _ports();
        try
        {
            await _turns.WaitAsync(cancel).ConfigureAwait(false);
            try
            {
                // Also where the answer is lost: then it lists us.
                one.IsListed = true;
                if (one.Ports != ports && one.Ports != default)
                {
                    // The hub knows peers by address and port: the old one would be named to others until it is forgotten.
                    await AnnounceOnceAsync(one.Torrent, status, one.Ports, AnnounceEvent.Stopped, cancel)
                        .ConfigureAwait(false);
                }

                var pause = await AnnounceOnceAsync(one.Torrent, status, ports, what, cancel).ConfigureAwait(false);
                // Alone: somebody else may come any moment.
                one.NextAt = Now + (status.PeerCount == 0 && !status.IsComplete && pause > Retry ? Retry : pause);
                (one.IsListed, one.WasComplete, one.Ports) = (what != AnnounceEvent.Stopped, status.IsComplete, ports);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (HubException error)
        {
            // What was cut short may have reached the hub all the same.
            one.IsListed =
                cancel.IsCancellationRequested || what is not (AnnounceEvent.Started or AnnounceEvent.Stopped);
            one.NotBefore = Now + Retry;
            if (!cancel.IsCancellationRequested)
            {
                _meet(error);
            }
        }
        catch (OperationCanceledException)
        {
            // The goodbye comes next.
        }
    }

    /// <returns>When to announce again.</returns>
    private async Task<TimeSpan> AnnounceOnceAsync(
        Torrent torrent,
        TorrentStatus status,
        AnnouncedPorts ports,
        AnnounceEvent what,
        CancellationToken cancel
    )
    {
        HubException? failure = null;
        TimeSpan? interval = null;
        foreach (var (connect, isForwarded) in _ways)
        {
            try
            {
                // Where only one family leads to the hub, the other fails at once.
                var request = RequestOf(torrent, status, isForwarded ? ports.Outside : ports.Own, what);
                var given = await AnnounceByAsync(connect, torrent, request, cancel).ConfigureAwait(false);
                interval = interval is null || given < interval ? given : interval;
            }
            catch (HubException error)
            {
                failure ??= error;
            }
        }

        return interval ?? throw failure!;
    }

    private async Task<TimeSpan> AnnounceByAsync(
        HubConnect connect,
        Torrent torrent,
        AnnounceRequest request,
        CancellationToken cancel
    )
    {
        using var client = _clientOf(connect);
        var answer = await client.AnnounceAsync(request, cancel).ConfigureAwait(false);
        if (!HttpTrackerAnswer.TryReadAnnounce(answer, AnnounceLimits.Default, out var read))
        {
            throw new HubException("bad-answer", "the hub's answer to an announce is not understood");
        }

        if (read.Failure is { } failure)
        {
            throw new HubException("not-announced", $"the hub does not list us: {failure}");
        }

        torrent.AddPeers(read.Peers);
        return read.Interval ?? TimeSpan.FromMinutes(5);
    }

    private static AnnounceRequest RequestOf(Torrent torrent, TorrentStatus status, int port, AnnounceEvent what) =>
        new()
        {
            InfoHash = torrent.InfoHashes.Primary,
            // The hub knows us by our certificate; a name that says nothing.
            PeerId = default,
            Port = (ushort)port,
            Left = status.IsComplete ? 0 : Math.Max(1, status.WantedBytes - status.DoneBytes),
            Event = what,
            Wanted = what == AnnounceEvent.Stopped ? 0 : 50,
        };

    private async Task LeaveAsync(Listing one)
    {
        using var soon = new CancellationTokenSource(_goodbye, _time);
        try
        {
            await one.EndAsync().ConfigureAwait(false);
            await one.Work.WaitAsync(soon.Token).ConfigureAwait(false);
            if (one.IsListed)
            {
                var ports = one.Ports == default ? _ports() : one.Ports;
                await AnnounceOnceAsync(one.Torrent, one.Torrent.Status, ports, AnnounceEvent.Stopped, soon.Token)
                    .ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is HubException or OperationCanceledException)
        {
            // It forgets us in its time.
        }

        // What is under way has been cut short; where even that did not help its end finds nothing to wait for.
        if (one.Work.IsCompleted)
        {
            one.Dispose();
        }
    }

    /// <summary>A torrent, and what the hub knows of it. Changed by its work alone.</summary>
    private sealed class Listing(Torrent torrent) : IDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public Torrent Torrent { get; } = torrent;

        public CancellationToken Ending => _end.Token;

        /// <summary>The announce that is under way; none begins before it has ended.</summary>
        public Task Work { get; set; } = Task.CompletedTask;

        /// <summary>The hub may name us to others.</summary>
        public bool IsListed { get; set; }
        public bool WasComplete { get; set; }

        /// <summary>Where it says that we are reached.</summary>
        public AnnouncedPorts Ports { get; set; }
        public TimeSpan NextAt { get; set; }

        /// <summary>The hub did not answer, or said no.</summary>
        public TimeSpan NotBefore { get; set; }

        /// <summary>Cuts short what is under way.</summary>
        public Task EndAsync() => _end.CancelAsync();

        public void Dispose() => _end.Dispose();
    }
}
