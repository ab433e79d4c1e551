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
internal sealed partial class HubAnnouncer : IAsyncDisposable
{
    /// <summary>
    /// How often a hub that is away is tried (members shall learn of a revocation within a minute of its return), and one that
    /// named nobody asked again.
    /// </summary>
    public static readonly TimeSpan Retry = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Torrents announced with one request, which is a handshake of the hub: half of what it takes, since a port that is another now
    /// takes two each.
    /// </summary>
    private static readonly int Together = HubLimits.AnnouncesTogether / 2;

    /// <summary>Such requests at once.</summary>
    private const int AtOnce = 2;

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
            await LeaveAsync([listing]).ConfigureAwait(false);
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

        await LeaveAsync(all).ConfigureAwait(false);
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
                AnnounceDue();
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

    private void AnnounceDue()
    {
        lock (_lock)
        {
            var due = new List<(Listing One, AnnounceEvent What)>();
            foreach (var listing in _listings.Values)
            {
                if (listing.Work.IsCompleted && Due(listing) is { } what)
                {
                    due.Add((listing, what));
                }
            }

            foreach (var some in due.Chunk(Together))
            {
                // One that ends does not cut the others short.
                var work = AnnounceAsync(some, some.Length == 1 ? some[0].One.Ending : _stop.Token);
                foreach (var (listing, _) in some)
                {
                    listing.Work = work;
                }
            }
        }
    }

    private async Task AnnounceAsync((Listing One, AnnounceEvent What)[] all, CancellationToken cancel)
    {
        // Not in the caller's time, who holds the lock.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await _turns.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The goodbye comes next.
            return;
        }

        try
        {
            await AnnounceInTurnAsync([.. all.Where(step => !step.One.Ending.IsCancellationRequested)], cancel)
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The goodbye comes next.
        }
        finally
        {
            _turns.Release();
        }
    }

    private async Task AnnounceInTurnAsync((Listing One, AnnounceEvent What)[] all, CancellationToken cancel)
    {
        var ports = _ports();
        var said = new List<Saying>();
        foreach (var (one, _) in all)
        {
            if (one.Ports != ports && one.Ports != default)
            {
                // The hub knows peers by address and port: the old one would be named to others until it is forgotten.
                said.Add(new Saying(one.Torrent, one.Torrent.Status, one.Ports, AnnounceEvent.Stopped));
            }
        }

        var first = said.Count;
        foreach (var (one, what) in all)
        {
            // Also where the answer is lost: then it lists us.
            one.IsListed = true;
            said.Add(new Saying(one.Torrent, one.Torrent.Status, ports, what));
        }

        var heard = await SayAsync(said, cancel).ConfigureAwait(false);
        HubException? failure = null;
        for (var i = 0; i < all.Length; i++)
        {
            var ((one, what), status, answer) = (all[i], said[first + i].Status, heard[first + i]);
            if (answer.Pause is { } pause)
            {
                // Alone: somebody else may come any moment.
                one.NextAt = Now + (status.PeerCount == 0 && !status.IsComplete && pause > Retry ? Retry : pause);
                (one.IsListed, one.WasComplete, one.Ports) = (what != AnnounceEvent.Stopped, status.IsComplete, ports);
                continue;
            }

            failure ??= answer.Failure;
            // What was cut short may have reached the hub all the same.
            one.IsListed =
                cancel.IsCancellationRequested || what is not (AnnounceEvent.Started or AnnounceEvent.Stopped);
            one.NotBefore = Now + Retry;
        }

        if (failure is not null && !cancel.IsCancellationRequested)
        {
            _meet(failure);
        }
    }

    /// <summary>Says all of it by each way.</summary>
    private async Task<Hearing[]> SayAsync(List<Saying> said, CancellationToken cancel)
    {
        var heard = new Hearing[said.Count];
        foreach (var (connect, isForwarded) in _ways)
        {
            try
            {
                // Where only one family leads to the hub, the other fails at once.
                using var client = _clientOf(connect);
                var requests = said.ConvertAll(one => RequestOf(one, isForwarded ? one.Ports.Outside : one.Ports.Own));
                var answers = await client.AnnounceAsync(requests, cancel).ConfigureAwait(false);
                for (var i = 0; i < heard.Length; i++)
                {
                    heard[i] = heard[i].And(Hear(said[i].Torrent, answers[i]));
                }
            }
            catch (HubException error)
            {
                for (var i = 0; i < heard.Length; i++)
                {
                    heard[i] = heard[i].And(new Hearing(null, error));
                }
            }
        }

        return heard;
    }

    private static Hearing Hear(Torrent torrent, byte[] answer)
    {
        if (!HttpTrackerAnswer.TryReadAnnounce(answer, AnnounceLimits.Default, out var read))
        {
            return new Hearing(
                null,
                new HubException("bad-answer", "the hub's answer to an announce is not understood")
            );
        }

        if (read.Failure is { } failure)
        {
            return new Hearing(null, new HubException("not-announced", $"the hub does not list us: {failure}"));
        }

        torrent.AddPeers(read.Peers);
        return new Hearing(read.Interval ?? TimeSpan.FromMinutes(5), null);
    }

    private static AnnounceRequest RequestOf(in Saying said, int port) =>
        new()
        {
            InfoHash = said.Torrent.InfoHashes.Primary,
            // The hub knows us by our certificate; a name that says nothing.
            PeerId = default,
            Port = (ushort)port,
            Left = said.Status.IsComplete ? 0 : Math.Max(1, said.Status.WantedBytes - said.Status.DoneBytes),
            Event = said.What,
            Wanted = said.What == AnnounceEvent.Stopped ? 0 : 50,
        };

    private async Task LeaveAsync(IReadOnlyCollection<Listing> all)
    {
        using var soon = new CancellationTokenSource(_goodbye, _time);
        try
        {
            foreach (var one in all)
            {
                await one.EndAsync().ConfigureAwait(false);
            }

            await Task.WhenAll(all.Select(one => one.Work)).WaitAsync(soon.Token).ConfigureAwait(false);
            foreach (var some in all.Where(one => one.IsListed).Chunk(Together))
            {
                var said = some.Select(one => new Saying(
                    one.Torrent,
                    one.Torrent.Status,
                    one.Ports == default ? _ports() : one.Ports,
                    AnnounceEvent.Stopped
                ));
                // Where it does not hear it, it forgets us in its time.
                await SayAsync([.. said], soon.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // It forgets us in its time.
        }

        // What is under way has been cut short; where even that did not help its end finds nothing to wait for.
        foreach (var one in all.Where(one => one.Work.IsCompleted))
        {
            one.Dispose();
        }
    }
}
