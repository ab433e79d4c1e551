using System.Net.NetworkInformation;
using System.Threading.Channels;

namespace Shoal.Engine;

/// <summary>
/// Sees the addresses and interfaces that the user bound us to go and come back: what is open there ends at once, and
/// sockets are opened again when they can be. The system tells of most changes; a look twice a second finds the rest.
/// </summary>
internal sealed class BindingWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly LocalBinding _local;
    private readonly Func<Task<bool>> _reopen;
    private readonly Action _back;
    private readonly ChannelWriter<EngineEvent> _events;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _changed = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly BackgroundTasks _tasks;

    /// <param name="local">What to watch.</param>
    /// <param name="reopen">Brings listening sockets up to date; false: to be called again.</param>
    /// <param name="back">Called when peers can be reached again; quick.</param>
    /// <param name="events">Told of each change.</param>
    /// <param name="time">The clock.</param>
    public BindingWatch(
        LocalBinding local,
        Func<Task<bool>> reopen,
        Action back,
        ChannelWriter<EngineEvent> events,
        TimeProvider time
    )
    {
        (_local, _reopen, _back, _events, _time) = (local, reopen, back, events, time);
        _tasks = new BackgroundTasks(exception => events.TryWrite(new EngineEvent.EngineFaulted(exception)));
    }

    /// <summary>Begins, once.</summary>
    public void Start()
    {
        NetworkChange.NetworkAddressChanged += OnAddressChanged;
        NetworkChange.NetworkAvailabilityChanged += OnAvailabilityChanged;
        _tasks.TryRun(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        NetworkChange.NetworkAddressChanged -= OnAddressChanged;
        NetworkChange.NetworkAvailabilityChanged -= OnAvailabilityChanged;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _tasks.EndAsync().ConfigureAwait(false);
        _stop.Dispose();
        _changed.Dispose();
    }

    private async Task RunAsync()
    {
        var isWhole = true;
        while (!_stop.IsCancellationRequested)
        {
            await WaitAsync().ConfigureAwait(false);
            var changes = _local.Refresh();
            if (changes.Count == 0 && isWhole)
            {
                continue;
            }

            isWhole = await _reopen().ConfigureAwait(false);
            // A name stands for both families.
            foreach (
                var (name, isUsable) in changes.Select(change => (NameOf(change.Place), change.IsUsable)).Distinct()
            )
            {
                _events.TryWrite(
                    isUsable
                        ? new EngineEvent.Warning("bind-back", $"{name} is there again, going on")
                        : new EngineEvent.Warning("bind-lost", $"{name} is gone: nothing leaves until it is back")
                );
            }

            if (changes.Any(change => change.IsUsable))
            {
                _back();
            }
        }
    }

    private async Task WaitAsync()
    {
        using var timer = new CancellationTokenSource(Interval, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _stop.Token);
        try
        {
            await _changed.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Time to look.
        }
    }

    private static string NameOf(LocalPlace place) => place.Device ?? place.Address.ToString();

    private void OnAddressChanged(object? sender, EventArgs e) => Wake();

    private void OnAvailabilityChanged(object? sender, NetworkAvailabilityEventArgs e) => Wake();

    private void Wake()
    {
        try
        {
            if (_changed.CurrentCount == 0)
            {
                _changed.Release();
            }
        }
        catch (ObjectDisposedException)
        {
            // The system was about to tell when we stopped.
        }
    }
}
