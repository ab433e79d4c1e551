using System.Net;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>A tracker: HTTP (BEP 3, 7, 21, 23, 24, 31, 48) and UDP (BEP 15, 41), IPv4 and IPv6. Safe to use from any thread.</summary>
public sealed class TrackerServer : IAsyncDisposable
{
    private static readonly TimeSpan ExpiryPeriod = TimeSpan.FromSeconds(1);

    private readonly ShardedRegistry _registry;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<UdpTrackerLoop> _udp = [];
    private HttpTrackerServer? _http;
    private Task _expiry = Task.CompletedTask;

    private TrackerServer(TrackerOptions options) => _registry = new ShardedRegistry(options);

    /// <summary>Where HTTP is answered; ports that the system chose are filled in.</summary>
    public IReadOnlyList<IPEndPoint> HttpEndPoints => _http?.EndPoints ?? [];

    /// <summary>Where UDP is answered; ports that the system chose are filled in.</summary>
    public IReadOnlyList<IPEndPoint> UdpEndPoints => [.. _udp.Select(loop => loop.EndPoint)];

    public TrackerCounters Counters => _registry.Counters;

    /// <summary>Binds all endpoints and answers from then on.</summary>
    /// <exception cref="IOException">An endpoint is taken or not of this machine.</exception>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static async Task<TrackerServer> StartAsync(
        TrackerOptions options,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        var server = new TrackerServer(options);
        try
        {
            server.StartUdp();
            if (options.HttpEndPoints.Count > 0)
            {
                server._http = await HttpTrackerServer
                    .StartAsync(new HttpTrackerHandler(server._registry), options.HttpEndPoints, cancellationToken)
                    .ConfigureAwait(false);
            }

            server._expiry = server.ExpireAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>With <see cref="TrackerOptions.AllowOnlyListed"/>: serve this infohash from now on.</summary>
    public void Allow(InfoHash infoHash) => _registry.Allow(infoHash);

    /// <summary>Takes <see cref="Allow"/> back; peers already listed are forgotten in their time.</summary>
    public void Disallow(InfoHash infoHash) => _registry.Disallow(infoHash);

    /// <summary>
    /// Has nothing to do from now on with who is in the filter, and forgets those of them that are listed: about a
    /// microsecond for each peer that is.
    /// </summary>
    public void SetFilter(IpFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        _registry.SetFilter(filter);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        if (_http is not null)
        {
            await _http.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var loop in _udp)
        {
            loop.Dispose();
        }

        await _expiry.ConfigureAwait(false);
        _stop.Dispose();
    }

    private static void Check(TrackerOptions options)
    {
        if (options.Interval < TimeSpan.FromSeconds(1) || options.MinInterval < TimeSpan.FromSeconds(1))
        {
            throw new ArgumentException("intervals are at least one second", nameof(options));
        }

        if (options.MaxWanted is < 0 or > Registry.MaxWanted || options.DefaultWanted < 0)
        {
            throw new ArgumentException($"peers wanted are from 0 to {Registry.MaxWanted}", nameof(options));
        }

        if (
            !options.Path.StartsWith('/')
            || options.Path.Length < 2
            || !options.Path.All(c => c is > ' ' and < '\x7f' and not '?')
        )
        {
            throw new ArgumentException("the path begins with / and has no query", nameof(options));
        }
    }

    private void StartUdp()
    {
        var handler = new UdpTrackerHandler(_registry);
        var endPoints = _registry.Options.UdpEndPoints;
        foreach (var endPoint in endPoints)
        {
            try
            {
                _udp.Add(
                    UdpTrackerLoop.Start(endPoint, DualStack.TakesIpv4Too(endPoint, endPoints), _registry, handler)
                );
            }
            catch (System.Net.Sockets.SocketException exception)
            {
                throw new IOException($"cannot listen on UDP {endPoint}: {exception.Message}", exception);
            }
        }
    }

    private async Task ExpireAsync()
    {
        using var timer = new PeriodicTimer(ExpiryPeriod, _registry.Options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                _registry.Expire();
            }
        }
        catch (OperationCanceledException)
        {
            // The tracker stops.
        }
    }
}
