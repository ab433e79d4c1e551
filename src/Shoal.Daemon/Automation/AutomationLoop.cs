using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Runs what the daemon does by itself, each in a task of its own, until it is disposed.</summary>
internal sealed class AutomationLoop : IAsyncDisposable
{
    /// <summary>How long what is being done may take to end, before the daemon ends without it.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly List<Task> _tasks = [];
    private readonly TorrentLibrary _library;
    private readonly TimeProvider _time;

    public AutomationLoop(TorrentLibrary library, TimeProvider time)
    {
        _library = library;
        _time = time;
    }

    /// <summary>Begins something that goes on until the end.</summary>
    public void Run(Func<CancellationToken, Task> work) => _tasks.Add(Task.Run(() => GuardAsync(work)));

    /// <summary>Begins something that is done again and again; what fails is told and tried again.</summary>
    /// <param name="interval">Asked each time.</param>
    public void Repeat(Func<TimeSpan> interval, Func<CancellationToken, Task> work) =>
        Run(async stop =>
        {
            while (true)
            {
                await GuardAsync(work).ConfigureAwait(false);
                await Task.Delay(interval(), _time, stop).ConfigureAwait(false);
            }
        });

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await Task.WhenAll(_tasks).WaitAsync(EndTime, _time).ConfigureAwait(false);
            _stopping.Dispose();
        }
        catch (TimeoutException)
        {
            // A disk that hangs. What is not finished is nothing that was promised to anybody.
        }
    }

    private async Task GuardAsync(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
        catch (Exception error)
        {
            _library.Warn("internal-error", $"this is a bug in Shoal: {error.GetType().Name}: {error.Message}");
        }
    }
}
