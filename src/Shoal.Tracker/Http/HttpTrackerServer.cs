using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Shoal.Tracker;

/// <summary>
/// The HTTP side of a tracker: Kestrel's server itself, without host, configuration, routing and logging, of which
/// two paths need nothing and which would take most of the time to start.
/// </summary>
internal sealed class HttpTrackerServer : IHttpApplication<IFeatureCollection>, IAsyncDisposable
{
    /// <summary>Connections at once, over all doors. Beyond: the oldest of the address with most ends.</summary>
    private const int MaxConnections = 10_000;

    private readonly HttpTrackerHandler _handler;
    private readonly KestrelServer _server;

    private HttpTrackerServer(HttpTrackerHandler handler, IReadOnlyList<IPEndPoint> endPoints)
    {
        _handler = handler;
        var options = new KestrelServerOptions { AddServerHeader = false, ApplicationServices = NoServices.Instance };
        // An announce needs one short line: who sends more, or slowly, is no client. 74 infohashes to scrape are
        // 5.4 KiB.
        options.Limits.MaxRequestLineSize = 8 * 1024;
        options.Limits.MaxRequestBufferSize = 16 * 1024;
        options.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        options.Limits.MaxRequestHeaderCount = 40;
        options.Limits.MaxRequestBodySize = 0;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(30);
        // Those that are pushed out take a moment to end.
        options.Limits.MaxConcurrentConnections = 2 * MaxConnections;
        var places = new CallerPlaces(MaxConnections, MaxConnections);
        foreach (var endPoint in endPoints)
        {
            options.Listen(
                endPoint,
                listen =>
                {
                    listen.Protocols = HttpProtocols.Http1;
                    CallerGate.Use(listen, places);
                }
            );
        }

        var transport = new SocketTransportOptions
        {
            CreateBoundListenSocket = endPoint => Bind((IPEndPoint)endPoint, endPoints),
        };
        _server = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(transport), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance
        );
    }

    /// <summary>Where the server listens; ports that the system chose are filled in.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; private set; } = [];

    /// <exception cref="IOException">An endpoint is taken or not of this machine.</exception>
    public static async Task<HttpTrackerServer> StartAsync(
        HttpTrackerHandler handler,
        IReadOnlyList<IPEndPoint> endPoints,
        CancellationToken cancellationToken
    )
    {
        var server = new HttpTrackerServer(handler, endPoints);
        try
        {
            await HttpDoors
                .OpenAsync(() => server._server.StartAsync(server, cancellationToken), endPoints)
                .ConfigureAwait(false);
        }
        catch
        {
            server._server.Dispose();
            throw;
        }

        var addresses = server._server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses;
        server.EndPoints = [.. addresses.Select(address => IPEndPoint.Parse(new Uri(address).Authority))];
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // Answers take microseconds: nothing is worth waiting for.
        await _server.StopAsync(new CancellationToken(true)).ConfigureAwait(false);
        _server.Dispose();
    }

    public IFeatureCollection CreateContext(IFeatureCollection contextFeatures) => contextFeatures;

    public void DisposeContext(IFeatureCollection context, Exception? exception) { }

    public async Task ProcessRequestAsync(IFeatureCollection context)
    {
        var request = context.GetRequiredFeature<IHttpRequestFeature>();
        var response = context.GetRequiredFeature<IHttpResponseFeature>();
        var body = context.GetRequiredFeature<IHttpResponseBodyFeature>();
        var connection = context.GetRequiredFeature<IHttpConnectionFeature>();
        var output = new ArrayBufferWriter<byte>(512);
        response.StatusCode = (int)
            _handler.Handle(
                request.Method,
                request.RawTarget,
                connection.RemoteIpAddress ?? IPAddress.None,
                connection.LocalIpAddress ?? IPAddress.None,
                output
            );
        response.Headers.ContentType = "text/plain";
        response.Headers.ContentLength = output.WrittenCount;
        if (output.WrittenCount > 0)
        {
            await body.Writer.WriteAsync(output.WrittenMemory).ConfigureAwait(false);
        }

        await body.CompleteAsync().ConfigureAwait(false);
    }

    private static Socket Bind(IPEndPoint endPoint, IReadOnlyList<IPEndPoint> all)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = DualStack.TakesIpv4Too(endPoint, all);
            }

            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class NoServices : IServiceProvider
    {
        public static readonly NoServices Instance = new();

        public object? GetService(Type serviceType) => null;
    }
}

/// <summary>Whether an IPv6 socket also takes IPv4.</summary>
internal static class DualStack
{
    /// <summary>[::] does, unless IPv4 has a socket of its own at that port.</summary>
    public static bool TakesIpv4Too(IPEndPoint endPoint, IReadOnlyList<IPEndPoint> all) =>
        endPoint.Address.Equals(IPAddress.IPv6Any)
        && !all.Any(other => other.AddressFamily == AddressFamily.InterNetwork && other.Port == endPoint.Port);
}
