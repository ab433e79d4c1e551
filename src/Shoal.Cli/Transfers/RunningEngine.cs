using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Starts the engine for a command and stops it cleanly whatever happens in between.</summary>
internal static class RunningEngine
{
    /// <summary>
    /// How long a clean stop may take: three seconds for trackers, as long for routers, and the disk. Whatever is not
    /// durable then is hashed again by the next run.
    /// </summary>
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);

    /// <summary>The network as an engine with these options sees it.</summary>
    /// <exception cref="UserErrorException">What the options name is not there.</exception>
    public static OutboundNetwork Network(EngineOptions options)
    {
        try
        {
            return OutboundNetwork.Open(options);
        }
        catch (EngineStartException error)
        {
            throw new UserErrorException("cannot-start", error.Message);
        }
    }

    /// <param name="host">Where the command runs.</param>
    /// <param name="options">Of the engine.</param>
    /// <param name="view">Hears all that happens, to the last: peers that leave, trackers that do not hear our goodbye.</param>
    /// <param name="work">What to do while it runs; its result is the exit code.</param>
    /// <param name="stop">Ends the start.</param>
    /// <param name="onFilter">Told of the addresses to have nothing to do with, and again when they were read again.</param>
    /// <exception cref="UserErrorException">The engine could not start, or the disk failed at the end.</exception>
    public static async Task<int> UseAsync(
        CliHost host,
        EngineOptions options,
        ITransferView view,
        Func<EngineNews, Task<int>> work,
        CancellationToken stop,
        Action<IpFilter>? onFilter = null
    )
    {
        TorrentEngine engine;
        try
        {
            engine = await TorrentEngine.StartAsync(options, stop);
        }
        catch (EngineStartException error)
        {
            throw new UserErrorException("cannot-start", error.Message);
        }

        var news = new EngineNews(engine, view);
        int code;
        try
        {
            view.Show(new TransferEvent.Listening(engine.Port, engine.ListenEndPoints));
            onFilter?.Invoke(engine.IpFilter);
            await using var reloading =
                options.IpFilterFiles.Count > 0
                    ? new FilterReloading(host.Reload, cancel => ReloadAsync(engine, onFilter, cancel))
                    : null;
            code = await work(news);
        }
        finally
        {
            await StopAsync(news);
        }

        return code == ExitCode.Done && news.FailedAtLast is { } message
            ? throw new UserErrorException("disk-failed", message)
            : code;
    }

    private static async Task ReloadAsync(TorrentEngine engine, Action<IpFilter>? onFilter, CancellationToken cancel)
    {
        try
        {
            await engine.ReloadIpFilterAsync(cancel);
            onFilter?.Invoke(engine.IpFilter);
        }
        catch (IpFilterException)
        {
            // The engine tells why.
        }
    }

    private static async Task StopAsync(EngineNews news)
    {
        var ending = news.Engine.DisposeAsync().AsTask();
        await Task.WhenAny(ending, Task.Delay(StopTime));
        news.TellLast();
        if (ending.IsCompleted)
        {
            await ending;
            return;
        }

        news.View.Show(
            new TransferEvent.Warning(
                "slow-stop",
                $"stopping takes longer than {Duration.Format(StopTime)}: leaving without it; the next run looks at what is "
                    + "on disk again"
            )
        );
    }
}
