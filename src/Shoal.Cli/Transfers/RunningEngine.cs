using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>Starts the engine for a command and stops it cleanly whatever happens in between.</summary>
internal static class RunningEngine
{
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

    /// <param name="work">What to do while it runs; its result is the exit code.</param>
    /// <exception cref="UserErrorException">The engine could not start.</exception>
    public static async Task<int> UseAsync(
        EngineOptions options,
        ITransferView view,
        Func<TorrentEngine, Task<int>> work,
        CancellationToken stop
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

        await using (engine)
        {
            view.Show(new TransferEvent.Listening(engine.Port, engine.ListenEndPoints));
            return await work(engine);
        }
    }
}
