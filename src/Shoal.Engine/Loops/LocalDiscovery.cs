using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 14: tells the local network of our torrents, and torrents of those that others in it have. Shared by all
/// torrents; those that are private are never added. Safe to use from any thread.
/// </summary>
internal sealed class LocalDiscovery : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly ILocalMulticast _network;
    private readonly ushort _port;
    private readonly LocalAnnounceLimits _limits;
    private readonly LocalAnnounceSchedule _schedule;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly BackgroundTasks _tasks;
    private readonly Dictionary<InfoHash, Action<CandidateBatch>> _torrents = [];

    /// <summary>BEP 14: "allowing the sending client to filter out its own announces".</summary>
    private readonly string _cookie;

    /// <param name="network">Owned from now on.</param>
    /// <param name="port">Where we listen.</param>
    /// <param name="random">For the cookie and the times.</param>
    /// <param name="time">The clock.</param>
    /// <param name="onFault">Told of bugs.</param>
    public LocalDiscovery(
        ILocalMulticast network,
        int port,
        Random random,
        TimeProvider time,
        Action<Exception> onFault
    )
    {
        _network = network;
        _port = (ushort)port;
        _time = time;
        _epoch = time.GetTimestamp();
        _limits = LocalAnnounceLimits.Default;
        _schedule = new LocalAnnounceSchedule(_limits, random.NextDouble);
        _cookie = random.NextInt64().ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
        _tasks = new BackgroundTasks(onFault);
        _network.Start(Hear);
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>Begins to announce a torrent that is not private, and to listen for others that have it.</summary>
    public void Add(IEnumerable<InfoHash> names, Action<CandidateBatch> found)
    {
        lock (_lock)
        {
            foreach (var name in names)
            {
                if (_torrents.Count < _limits.MaxTorrents && _torrents.TryAdd(name, found))
                {
                    _schedule.Add(name, Now);
                }
            }
        }
    }

    public void Remove(IEnumerable<InfoHash> names)
    {
        lock (_lock)
        {
            foreach (var name in names)
            {
                _torrents.Remove(name);
                _schedule.Remove(name);
            }
        }
    }

    /// <summary>Sends the announce that is due, if one is. Called a few times a second.</summary>
    public void Tick()
    {
        IReadOnlyList<InfoHash> due;
        lock (_lock)
        {
            due = _schedule.Next(Now);
        }

        if (due.Count > 0)
        {
            // Looking up interfaces takes its time, and whoever ticks has others to tick.
            var announce = new LocalAnnounce(_port, due, _cookie);
            _tasks.TryRun(() =>
            {
                _network.Send(announce.Write);
                return Task.CompletedTask;
            });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _tasks.EndAsync().ConfigureAwait(false);
        await _network.DisposeAsync().ConfigureAwait(false);
    }

    private void Hear(IPAddress source, ReadOnlyMemory<byte> datagram)
    {
        lock (_lock)
        {
            if (!_schedule.MayHear(source, Now))
            {
                return;
            }
        }

        if (!LocalAnnounce.TryRead(datagram.Span, out var announce) || announce.Cookie == _cookie)
        {
            return;
        }

        foreach (var name in announce.InfoHashes)
        {
            Action<CandidateBatch>? found;
            lock (_lock)
            {
                found = _torrents.GetValueOrDefault(name);
            }

            // BEP 14: "determine the IP address on which the remote client can be contacted based on the UDP source
            // address".
            found?.Invoke(new CandidateBatch([new IPEndPoint(source, announce.Port)], PeerSource.LocalDiscovery));
        }
    }
}
