using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Shoal.Tracker;

namespace Shoal.Hub;

/// <summary>
/// Answers GET /metrics and nothing else, on a port of its own that members never hear of: numbers for who runs the hub.
/// </summary>
internal sealed class MetricsServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private MetricsServer(WebApplication application) => _application = application;

    /// <summary>Where it answers; a port that the system chose is filled in.</summary>
    public IPEndPoint? EndPoint { get; private set; }

    /// <exception cref="IOException">The endpoint is taken or not of this machine.</exception>
    public static async Task<MetricsServer> StartAsync(
        IPEndPoint listen,
        Func<string> text,
        CancellationToken cancellation
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 32;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Listen(listen, options => options.Protocols = HttpProtocols.Http1);
        });
        var application = builder.Build();
        application.Run(context => AnswerAsync(context, text));
        var server = new MetricsServer(application);
        try
        {
            await HttpDoors.OpenAsync(() => application.StartAsync(cancellation), [listen]).ConfigureAwait(false);
            var features = application.Services.GetRequiredService<IServer>().Features;
            var address = features.Get<IServerAddressesFeature>()!.Addresses.First();
            server.EndPoint = IPEndPoint.Parse(new Uri(address).Authority);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>What is asked for, by whichever name it was called.</summary>
    internal static async Task AnswerAsync(HttpContext context, Func<string> text)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsGet(context.Request.Method) || context.Request.Path != "/metrics")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        // A page of another site that has its name lead here (DNS rebinding) calls us by that name.
        var host = context.Request.Host.Host.Trim('[', ']');
        if (!IPAddress.TryParse(host, out _) && !string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase))
        {
            context.Response.StatusCode = StatusCodes.Status421MisdirectedRequest;
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(text());
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }
}
