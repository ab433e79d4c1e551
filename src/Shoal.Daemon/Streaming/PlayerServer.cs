using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// Serves the files of one torrent to players on this machine, for a command that fetches it without a daemon: on loopback only, below
/// a path that nobody can guess and that ends with the command.
/// </summary>
public sealed class PlayerServer : IAsyncDisposable
{
    /// <summary>Connections at once. Default 128: a player has two or three.</summary>
    private const int MaxConnections = 128;

    private readonly Torrent _torrent;
    private readonly Metainfo _metainfo;
    private readonly Func<MetainfoFile, bool> _wants;
    private readonly PlayerPresence _presence;
    private readonly StreamRoom _room;
    private readonly CancellationTokenSource _ending = new();
    private readonly TimeProvider _time;
    private readonly WebApplication _web;

    // 128 bits: whoever sees no processes and no screen of ours does not find it.
    private readonly string _key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private PlayerServer(Torrent torrent, int file, Func<MetainfoFile, bool> wants, TimeProvider time)
    {
        _torrent = torrent;
        _metainfo = torrent.Metainfo ?? throw new InvalidOperationException("the files are not known yet");
        _wants = wants;
        _time = time;
        _presence = new PlayerPresence(time);
        _room = new StreamRoom(StreamLimits.CreatePlaces(), time, _ending.Token);
        File = _metainfo.Files[file];
        Index = file;
        _web = Build();
    }

    /// <summary>What <see cref="Url"/> leads to.</summary>
    public MetainfoFile File { get; }

    /// <summary>Its place in the torrent.</summary>
    public int Index { get; }

    /// <summary>As what it is served.</summary>
    public string MediaType => MediaTypes.Of(File.Path);

    /// <summary>For players.</summary>
    public string Url { get; private set; } = "";

    /// <summary>No player has come yet, or one is there or was within the last minute.</summary>
    public bool IsNeeded => !_presence.IsOver;

    /// <summary>The file that is played when none is named: the largest film, else music, else anything; null: there is none.</summary>
    /// <param name="wants">Which of the files are fetched.</param>
    public static int? FileToPlay(Metainfo metainfo, Func<MetainfoFile, bool> wants)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(wants);
        return StreamLinks.MainFile(metainfo, wants);
    }

    /// <param name="torrent">Its files known.</param>
    /// <param name="file">Of <see cref="Url"/>; others of the torrent are served beside, for subtitles.</param>
    /// <param name="wants">Which of the files are fetched.</param>
    /// <exception cref="IOException">There is no port to listen on.</exception>
    public static async Task<PlayerServer> StartAsync(
        Torrent torrent,
        int file,
        Func<MetainfoFile, bool> wants,
        TimeProvider time
    )
    {
        ArgumentNullException.ThrowIfNull(torrent);
        var server = new PlayerServer(torrent, file, wants, time);
        try
        {
            await server._web.StartAsync().ConfigureAwait(false);
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        var site = server
            ._web.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        // The name at the end is for players, which show it and tell types by it.
        var name = StreamLinks.NameOf(FileNames.PathOf(torrent.Metainfo!, torrent.RenamedFiles, file));
        server.Url = $"{site}/{server._key}/{file}/{Uri.EscapeDataString(name)}";
        return server;
    }

    /// <summary>Ends whatever is being sent.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500), _time);
        await _web.StopAsync(patience.Token).ConfigureAwait(false);
        await _web.DisposeAsync().ConfigureAwait(false);
        _ending.Dispose();
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory }
        );
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.Listen(IPAddress.Loopback, 0, http => http.Protocols = HttpProtocols.Http1);
        });
        var web = builder.Build();
        web.Use(AnswerAsync);
        web.UseRouting();
        web.MapMethods("/{key}/{file}/{**name}", ["GET", "HEAD"], SendAsync);
        return web;
    }

    private static async Task AnswerAsync(HttpContext context, RequestDelegate next)
    {
        DoorKeeper.Harden(context.Response.Headers);
        // The key stands in the path: a page that is made of a file must not tell it on.
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        try
        {
            // A name of another that leads here is a page's way around the browser's rules.
            if (context.Request.Host.Host is not ("127.0.0.1" or "localhost"))
            {
                throw new ApiException(421, "bad-host", "this is for players on this machine");
            }

            await next(context).ConfigureAwait(false);
        }
        catch (ApiException error)
        {
            await Problems.WriteAsync(context, error).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The player is gone.
        }
    }

    private async Task SendAsync(HttpContext context)
    {
        var route = context.Request.RouteValues;
        if (
            !CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes((string)route["key"]!),
                Encoding.UTF8.GetBytes(_key)
            )
        )
        {
            throw new ApiException(404, "no-such-file", "there is nothing here");
        }

        var index = StreamEndpoints.FileNumber((string)route["file"]!);
        StreamEndpoints.Check(_metainfo, index);
        var id = _torrent.InfoHashes.Primary.ToString();
        var file = new StreamedFile(_torrent, _metainfo, id, index, _wants(_metainfo.Files[index]));
        if (HttpMethods.IsHead(context.Request.Method))
        {
            await FileAnswer.SendAsync(context, _room, file).ConfigureAwait(false);
            return;
        }

        _presence.Enter();
        try
        {
            await FileAnswer.SendAsync(context, _room, file).ConfigureAwait(false);
        }
        finally
        {
            _presence.Leave();
        }
    }
}
