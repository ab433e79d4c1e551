using System.Threading.Channels;

namespace Shoal.Cli;

/// <summary>Reads the lists of <c>--ip-filter</c> again at each SIGHUP; one reading at a time.</summary>
internal sealed class FilterReloading : IAsyncDisposable
{
    // Who asks while it is being read is served by the one reading after that.
    private readonly Channel<bool> _wishes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    private readonly CancellationTokenSource _stop = new();
    private readonly IDisposable _listening;
    private readonly Task _reading;

    /// <param name="signal">Where the wish comes from.</param>
    /// <param name="read">Reads, and tells how it went itself.</param>
    public FilterReloading(ReloadSignal signal, Func<CancellationToken, Task> read)
    {
        _reading = ReadAsync(read);
        _listening = signal.Listen(() => _wishes.Writer.TryWrite(true));
    }

    public async ValueTask DisposeAsync()
    {
        _listening.Dispose();
        await _stop.CancelAsync();
        await _reading;
        _stop.Dispose();
    }

    private async Task ReadAsync(Func<CancellationToken, Task> read)
    {
        try
        {
            await foreach (var _ in _wishes.Reader.ReadAllAsync(_stop.Token))
            {
                await read(_stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The command ends.
        }
    }
}
