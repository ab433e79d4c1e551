using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Announces and scrapes over UDP (BEP 15, BEP 41). One socket for each local address, opened when needed.</summary>
internal sealed class UdpTrackerClient(TrackerClientLimits limits, IEgress egress, TimeProvider time)
    : ITrackerClient,
        IAsyncDisposable
{
    private readonly ConcurrentDictionary<(IPAddress Origin, int Generation), Lazy<UdpTrackerSocket>> _sockets = new();
    private readonly ConcurrentBag<Task> _retired = [];

    // Trackers are those of the user's torrents, so their number is bounded by what the user added.
    private readonly ConcurrentDictionary<(IPAddress Origin, ProxyTarget Tracker), ConnectionState> _connections =
        new();

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets.Values)
        {
            await socket.Value.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(_retired).ConfigureAwait(false);
    }

    public async Task<TrackerReply> AskAsync(AnnounceJob job, AnnounceRequest request, CancellationToken cancellation)
    {
        var url = job.Url;
        if (Encoding.ASCII.GetByteCount(url.PathAndQuery) > AnnounceLimits.MaxUdpUrlData)
        {
            return TrackerReply.Failed(TrackerFailure.Forbidden, "the URL is too long for UDP");
        }

        // Without a path there is nothing in the datagram that anything but a tracker would act on.
        var path = url.PathAndQuery.Length == 0 ? TrackerAccess.AnnouncePath : url.Uri.AbsolutePath;
        var host = new HostTarget(url.Host, url.Port)
        {
            Origin = job.Origin,
            WhyNot = reach => TrackerAccess.WhyNot(reach, path, url.HasQuery, null, job.NamedBy),
        };
        var (tracker, failure, message) = await egress.LocateAsync(host, cancellation).ConfigureAwait(false);
        if (failure != HostFailure.None)
        {
            return TrackerReply.Failed(TrackerReply.FailureOf(failure), message);
        }

        try
        {
            var socket = SocketFor(job.Origin);
            return await ExchangeAsync(socket, tracker, job, request, cancellation).ConfigureAwait(false);
        }
        catch (SocketException exception)
        {
            return TrackerReply.Failed(TrackerFailure.Unreachable, exception.Message);
        }
        catch (Exception exception)
            when (exception is ObjectDisposedException or OperationCanceledException
                && !cancellation.IsCancellationRequested
            )
        {
            // Another torrent has noticed first that the socket leads nowhere any more, see SocketFor.
            return TrackerReply.Failed(TrackerFailure.Unreachable, "the network interface went away meanwhile");
        }
    }

    private UdpTrackerSocket SocketFor(IPAddress origin)
    {
        // What was opened before an interface went away leads nowhere when it is back.
        var generation = egress.Local.Generation;
        foreach (var old in _sockets.Keys.Where(key => key.Origin.Equals(origin) && key.Generation != generation))
        {
            if (_sockets.TryRemove(old, out var socket) && socket.IsValueCreated)
            {
                _retired.Add(socket.Value.DisposeAsync().AsTask());
            }
        }

        // One that could not be opened is tried again.
        return _sockets
            .GetOrAdd(
                (origin, generation),
                key => new Lazy<UdpTrackerSocket>(() => Open(key.Origin), LazyThreadSafetyMode.PublicationOnly)
            )
            .Value;
    }

    private UdpTrackerSocket Open(IPAddress origin) =>
        egress.CreateRelay() is { } relay
            ? new UdpTrackerSocket(relay, time)
            : new UdpTrackerSocket(egress.Local.Open(origin.AddressFamily, SocketType.Dgram, origin), time);

    private async Task<TrackerReply> ExchangeAsync(
        UdpTrackerSocket socket,
        ProxyTarget tracker,
        AnnounceJob job,
        AnnounceRequest request,
        CancellationToken cancellation
    )
    {
        var connection = _connections.GetOrAdd((job.Origin, tracker), _ => new ConnectionState());
        var action = job.Kind == AnnounceJobKind.Scrape ? UdpTrackerAction.Scrape : UdpTrackerAction.Announce;
        foreach (var wait in limits.UdpWaits)
        {
            var (id, refusal) = await ConnectAsync(socket, tracker, connection, wait, cancellation)
                .ConfigureAwait(false);
            if (refusal is not null)
            {
                return TrackerReply.From(refusal);
            }

            if (id is not { } connectionId)
            {
                continue;
            }

            var reply = await socket
                .AskAsync(
                    tracker,
                    action,
                    (transaction, to) => Write(transaction, connectionId, job, request, to),
                    wait,
                    cancellation
                )
                .ConfigureAwait(false);
            if (reply is not null)
            {
                return Read(reply, action, job, connection);
            }

            // A tracker that was started anew ignores ids it does not know.
            connection.Forget(connectionId);
        }

        return TrackerReply.Failed(TrackerFailure.Timeout, "the tracker does not answer");
    }

    /// <summary>The connection id to use; null and no refusal: no answer in time.</summary>
    private Task<(long? Id, AnnounceAnswer? Refusal)> ConnectAsync(
        UdpTrackerSocket socket,
        ProxyTarget tracker,
        ConnectionState connection,
        TimeSpan wait,
        CancellationToken cancellation
    ) =>
        connection
            .GetOrAsk(time, limits.ConnectionIdLifetime, () => AskForIdAsync(socket, tracker, connection, wait))
            .WaitAsync(cancellation);

    private async Task<(long? Id, AnnounceAnswer? Refusal)> AskForIdAsync(
        UdpTrackerSocket socket,
        ProxyTarget tracker,
        ConnectionState connection,
        TimeSpan wait
    )
    {
        // Not cancelled with the one torrent that happened to ask first: others wait for it too.
        var reply = await socket
            .AskAsync(tracker, UdpTrackerAction.Connect, UdpTrackerRequest.WriteConnect, wait, default)
            .ConfigureAwait(false);
        if (reply is null)
        {
            return (null, null);
        }

        UdpTrackerAnswer.TryRead(reply.Bytes, UdpTrackerAction.Connect, reply.Transaction, out var answer);
        if (answer.Action == UdpTrackerAction.Error)
        {
            return (null, answer.ToAnnounceAnswer(reply.Family, limits.Announce));
        }

        connection.Set(answer.ConnectionId, time);
        return (answer.ConnectionId, null);
    }

    private static int Write(
        uint transaction,
        long connectionId,
        AnnounceJob job,
        in AnnounceRequest request,
        Span<byte> to
    )
    {
        if (job.Kind == AnnounceJobKind.Scrape)
        {
            return UdpTrackerRequest.WriteScrape(transaction, connectionId, [job.InfoHash], to);
        }

        var path = Encoding.ASCII.GetBytes(job.Url.PathAndQuery);
        return UdpTrackerRequest.WriteAnnounce(transaction, connectionId, request, path, to);
    }

    private TrackerReply Read(
        UdpTrackerReply reply,
        UdpTrackerAction action,
        AnnounceJob job,
        ConnectionState connection
    )
    {
        UdpTrackerAnswer.TryRead(reply.Bytes, action, reply.Transaction, out var answer);
        if (answer.Action == UdpTrackerAction.Error)
        {
            // Perhaps about the id.
            connection.Forget(null);
        }

        if (answer.Action == UdpTrackerAction.Scrape)
        {
            return answer.ToScrapeAnswer(1) is [var counts]
                ? TrackerReply.From(counts)
                : TrackerReply.Failed(TrackerFailure.BadAnswer, "a scrape without counts");
        }

        return TrackerReply.From(answer.ToAnnounceAnswer(reply.Family, limits.Announce));
    }

    /// <summary>The connection id that one tracker gave one of our addresses.</summary>
    private sealed class ConnectionState
    {
        private readonly Lock _lock = new();
        private Task<(long? Id, AnnounceAnswer? Refusal)>? _asking;
        private long? _id;
        private long _received;

        /// <summary>The id if it is fresh, else what asking brings: a thousand torrents of one tracker ask once.</summary>
        public Task<(long? Id, AnnounceAnswer? Refusal)> GetOrAsk(
            TimeProvider time,
            TimeSpan lifetime,
            Func<Task<(long? Id, AnnounceAnswer? Refusal)>> ask
        )
        {
            lock (_lock)
            {
                if (_id is { } id && time.GetElapsedTime(_received) < lifetime)
                {
                    return Task.FromResult<(long?, AnnounceAnswer?)>((id, null));
                }

                if (_asking is null || _asking.IsCompleted)
                {
                    _asking = Task.Run(ask);
                }

                return _asking;
            }
        }

        public void Set(long id, TimeProvider time)
        {
            lock (_lock)
            {
                _id = id;
                _received = time.GetTimestamp();
            }
        }

        /// <summary>Forgets the id if it is that one; null: whichever it is.</summary>
        public void Forget(long? id)
        {
            lock (_lock)
            {
                _id = id is null || _id == id ? null : _id;
            }
        }
    }
}
