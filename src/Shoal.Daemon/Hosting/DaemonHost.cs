using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Shoal.Engine;
using Shoal.Tracker;

namespace Shoal.Daemon;

/// <summary>
/// Starts a daemon and ends it: state folder, settings, engine, library, then the doors (socket and HTTP); at the end the
/// doors first, so that nobody is told of something that is not kept.
/// </summary>
public static class DaemonHost
{
    /// <summary>Marks connections that came by the Unix socket: only the owner of the state folder can reach it.</summary>
    internal const string OwnerMark = "shoal-owner";

    /// <summary>Stopping takes at most about so long, whatever trackers do: a goodbye that is not heard is no loss.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Connections over HTTP at once, over all its doors, and as many by the Unix socket. Default 1,024. Beyond: over HTTP the
    /// oldest that has not shown a token ends, of the address with most of them.
    /// </summary>
    private const int MaxConnections = 1024;

    /// <summary>
    /// Of them those that one token or login keeps when others want in. Default 128. Beyond: they end as those of strangers do.
    /// </summary>
    private const int MaxConnectionsOfOne = 128;

    /// <summary>Runs until it is told to stop, by the caller or by a call.</summary>
    /// <param name="ready">Told once, when everything is open.</param>
    /// <param name="stop">Ends it, with everything saved.</param>
    /// <exception cref="DaemonStartException">It could not start.</exception>
    public static async Task RunAsync(DaemonOptions options, Action<DaemonReady> ready, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(ready);
        using var state = StateFolder.Take(options.StateDirectory);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var settings = OpenSettings(state, options);
        var isJournal = LogRules.IsJournal(Environment.GetEnvironmentVariable("JOURNAL_STREAM"), StandardError());
        await using var logs = new LogBook(options.Log, settings.Current.Logging(isJournal), options.Time);
        var log = logs.CreateLogger(LogParts.Daemon);
        var access = OpenState(() => AccessKeys.Open(state.Tokens, options.Time));
        var categories = OpenState(() => CategoryStore.Open(state.Categories));
        await using var journal = OpenState(() => LibraryJournal.Open(state.Journal, options.Time));
        var engineOptions = EngineOptionsOf(settings, state) with { GoodbyeTime = GoodbyeTime, Time = options.Time };
        var lists = OpenState(() => IpFilterLists.Prepare(state.IpFilters, settings.Current.IpFilterUrls));
        engineOptions = engineOptions with { IpFilterFiles = [.. engineOptions.IpFilterFiles, .. lists] };
        await using var engine = await StartEngineAsync(engineOptions, ending.Token).ConfigureAwait(false);
        using var files = new TorrentFiles(state.Torrents);
        var network = OutboundNetwork.Open(engineOptions);
        await using var memberships = new MembershipBook(state.Root, engine, network, options.Time);
        await using var library = new TorrentLibrary(
            engine,
            journal,
            files,
            settings,
            categories,
            memberships,
            LibraryLimits.Default,
            options.Time
        );
        var happenings = new Happenings(logs);
        (library.Events.Heard, library.Told) = (happenings.Write, happenings.Write);
        settings.Changed = next =>
        {
            engine.SetLimits(next.Limits.Download, next.Limits.Upload);
            logs.Rules = next.Logging(isJournal);
        };
        memberships.Warned = library.Warn;
        memberships.TorrentsMayNot = library.EndMembership;
        memberships.TorrentsMay = library.ReopenMembership;
        var feeds = new FeedWatch(
            OpenState(() => FeedStore.Open(state.Feeds, FeedLimits.Default)),
            settings,
            library,
            network,
            FeedLimits.Default,
            options.Time
        );
        await using var creations = new Creations(library, options.Time);
        var services = new DaemonServices
        {
            Engine = engine,
            Library = library,
            Settings = settings,
            Access = access,
            StreamKeys = new StreamKeys(access, options.Time),
            Logs = logs,
            Network = network,
            Feeds = feeds,
            Files = files,
            Memberships = memberships,
            Creations = creations,
            Time = options.Time,
            StartedAt = options.Time.GetUtcNow().ToUnixTimeSeconds(),
            Stop = ending.Cancel,
            Ending = ending.Token,
        };
        using var certificate = ServerCertificate.Load(settings.Current, state.Certificate, options.Time.GetUtcNow());
        await using var web = Build(state, settings.Current, services, certificate);
        await OpenDoorsAsync(web, state, settings.Current).ConfigureAwait(false);
        services.Urls = UrlsOf(web);
        memberships.Start();
        library.Start();
        await using var otlp = new OtlpExporter(
            services,
            OtlpResource.Of(EngineVersion.Number, state.Root, Environment.MachineName)
        );
        logs.Listener = otlp.Take;
        await using var automation = Automate(services, state, network);
        automation.Repeat(() => OtlpExporter.Interval, otlp.LookAsync);
        var code = access.IsEmpty && services.Urls.Count > 0 ? access.CreateCode() : null;
        ready(
            new DaemonReady(
                state.Socket,
                services.Urls,
                code is null ? null : LoginUrl(services, code),
                engine.Port,
                journal.LoadedCount,
                journal.BrokenLines
            )
        );
        Tell(log, services, state, journal);
        using var manager = ServiceNotice.Connect(Environment.GetEnvironmentVariable);
        manager.Ready($"{journal.LoadedCount} torrents, peers reach port {engine.Port}");
        await LiveAsync(manager, library, options.Time, ending.Token).ConfigureAwait(false);
        manager.Stopping();
        Log.Stopping(log);

        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500), options.Time);
        await web.StopAsync(patience.Token).ConfigureAwait(false);
        await services.QBittorrent.Creator.EndAsync().ConfigureAwait(false);
        File.Delete(state.Socket);
    }

    private static void Tell(ILogger log, DaemonServices services, StateFolder state, LibraryJournal journal)
    {
        Log.Started(log, EngineVersion.Number, journal.Entries.Count, services.Engine.Port, state.Root);
        foreach (var url in services.Urls)
        {
            Log.Listening(log, url);
        }

        if (journal.BrokenLines > 0)
        {
            Log.BrokenLines(log, journal.BrokenLines);
        }
    }

    /// <summary>What standard error is, as the system calls it; null: it does not say.</summary>
    private static string? StandardError()
    {
        try
        {
            return OperatingSystem.IsLinux() ? new FileInfo("/proc/self/fd/2").LinkTarget : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A link that logs a browser in.</summary>
    internal static string? LoginUrl(DaemonServices services, string code) =>
        services.Urls.Count == 0
            ? null
            : $"{services.Settings.Current.PublicSite?.Url ?? Reachable(services.Urls[0])}/login?code={code}";

    /// <summary>Where this machine reaches the daemon over HTTP; null: not at all.</summary>
    internal static string? Site(DaemonServices services) =>
        services.Urls.Count == 0 ? null : Reachable(services.Urls[0]);

    // What listens everywhere is reached by this machine at localhost.
    private static string Reachable(string url) =>
        url.Replace("://0.0.0.0:", "://localhost:", StringComparison.Ordinal)
            .Replace("://[::]:", "://localhost:", StringComparison.Ordinal);

    /// <summary>Until it is told to stop. Meanwhile the service manager hears that we live, as long as that is so.</summary>
    private static async Task LiveAsync(
        ServiceNotice manager,
        TorrentLibrary library,
        TimeProvider time,
        CancellationToken stop
    )
    {
        try
        {
            while (true)
            {
                await Task.Delay(manager.WatchdogInterval ?? Timeout.InfiniteTimeSpan, time, stop)
                    .ConfigureAwait(false);
                if (library.SinceLastPass < manager.WatchdogInterval)
                {
                    manager.Alive();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
    }

    /// <summary>Begins what the daemon does by itself.</summary>
    private static AutomationLoop Automate(DaemonServices services, StateFolder state, OutboundNetwork network)
    {
        var (settings, library, time) = (services.Settings, services.Library, services.Time);
        var automation = new AutomationLoop(library, time);
        var programs = new EventPrograms(settings, library, time);
        automation.Run(programs.RunAsync);
        var schedule = new LimitSchedule(settings, library, time);
        automation.Repeat(() => LimitSchedule.Interval, schedule.LookAsync);
        var watch = new WatchFolders(settings, library, network, time);
        automation.Repeat(() => TimeSpan.FromSeconds((long)settings.Current["watch.interval"]), watch.LookAsync);
        var dht = new DhtLog(services.Engine, services.Logs);
        automation.Repeat(() => DhtLog.Interval, dht.LookAsync);
        var guard = new SpaceGuard(settings, library);
        automation.Repeat(() => SpaceGuard.Interval, guard.LookAsync);
        var trim = new MemoryTrim(library, time);
        automation.Repeat(() => MemoryTrim.Interval, trim.LookAsync);
        automation.Repeat(() => FeedWatch.Interval, services.Feeds.LookAsync);
        var lists = new IpFilterLists(state.IpFilters, settings, library, time);
        automation.Repeat(() => IpFilterLists.Interval, stop => lists.LookAsync(services.Engine, network, stop));
        return automation;
    }

    private static SettingsStore OpenSettings(StateFolder state, DaemonOptions options)
    {
        var over = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (key, value) in options.Settings)
        {
            var setting =
                SettingsTable.Find(key) ?? throw new DaemonStartException("bad-setting", SettingsTable.Missing(key));
            over[key] = setting.Take(value, out var taken) is { } fault
                ? throw new DaemonStartException("bad-setting", $"{key}: {fault}")
                : taken;
        }

        try
        {
            return SettingsStore.Open(state.Settings, over);
        }
        catch (SettingsException error)
        {
            throw new DaemonStartException("bad-setting", error.Message, error);
        }
    }

    private static T OpenState<T>(Func<T> open)
    {
        try
        {
            return open();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException("state-folder", $"cannot use the state folder: {error.Message}", error);
        }
    }

    private static EngineOptions EngineOptionsOf(SettingsStore settings, StateFolder state)
    {
        try
        {
            return settings.Current.Engine(state.Root);
        }
        catch (SettingsException error)
        {
            throw new DaemonStartException("bad-setting", error.Message, error);
        }
    }

    private static async Task<TorrentEngine> StartEngineAsync(EngineOptions options, CancellationToken stop)
    {
        try
        {
            return await TorrentEngine.StartAsync(options, stop).ConfigureAwait(false);
        }
        catch (EngineStartException error)
        {
            throw new DaemonStartException("cannot-start", error.Message, error);
        }
    }

    private static WebApplication Build(
        StateFolder state,
        DaemonSettings settings,
        DaemonServices services,
        X509Certificate2? certificate
    )
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = state.Folder });
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(500));
        builder.Services.AddSingleton(services.Logs);
        builder.WebHost.UseKestrelCore();
        if (certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ApiLimits.MaxUpload;
            // For each door; those that are pushed out take a moment to end.
            kestrel.Limits.MaxConcurrentConnections = 2 * MaxConnections;
            var places = new CallerPlaces(MaxConnections, MaxConnectionsOfOne);
            kestrel.Limits.MaxRequestHeadersTotalSize = 32 * 1024;
            kestrel.ListenUnixSocket(
                state.Socket,
                socket =>
                {
                    socket.Protocols = HttpProtocols.Http1;
                    socket.Use(next => connection => MarkOwner(next, connection));
                }
            );
            foreach (var endPoint in settings.HttpListen)
            {
                kestrel.Listen(
                    endPoint,
                    http =>
                    {
                        http.Protocols = HttpProtocols.Http1;
                        CallerGate.Use(http, places);
                        if (certificate is not null)
                        {
                            http.UseHttps(certificate);
                        }
                    }
                );
            }
        });
        var web = builder.Build();
        DoorKeeper.Install(web, services);
        ApiRoutes.Map(web, services);
        return web;
    }

    private static Task MarkOwner(ConnectionDelegate next, ConnectionContext connection)
    {
        connection.Items[OwnerMark] = true;
        return next(connection);
    }

    private static async Task OpenDoorsAsync(WebApplication web, StateFolder state, DaemonSettings settings)
    {
        try
        {
            await web.StartAsync().ConfigureAwait(false);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(state.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            var where = string.Join(", ", settings.HttpListen.Select(end => end.ToString()));
            throw new DaemonStartException(
                "cannot-listen",
                $"cannot listen on {where}: {error.GetBaseException().Message} (http.listen or --http says where)",
                error
            );
        }
    }

    private static IReadOnlyList<string> UrlsOf(WebApplication web) =>
        [
            .. (
                web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? []
            ).Where(address => !address.Contains("://unix:", StringComparison.Ordinal)),
        ];
}
