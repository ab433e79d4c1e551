using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>
/// Shows how far the reading of files has come, in place, where stdout is a terminal; elsewhere it is silent, since
/// the command ends with its result. Reports come from any thread.
/// </summary>
internal sealed class HashingView(CliHost host, bool isSilent) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private readonly Lock _lock = new();
    private readonly long _start = host.Time.GetTimestamp();
    private TimeSpan _next = Interval;
    private bool _isShown;
    private bool _isDisposed;

    /// <param name="verb">"Hashing" or "Checking".</param>
    /// <param name="name">What is read.</param>
    public void Show(string verb, string name, long done, long size)
    {
        if (isSilent || !host.IsTerminal)
        {
            return;
        }

        lock (_lock)
        {
            var elapsed = host.Time.GetElapsedTime(_start);
            if (elapsed < _next || _isDisposed)
            {
                return;
            }

            _next = elapsed + Interval;
            _isShown = true;
            var rate = (long)(done / elapsed.TotalSeconds);
            var left = rate > 0 ? $"  {Duration.Format(TimeSpan.FromSeconds((double)(size - done) / rate))} left" : "";
            var numbers = $"  {TransferViews.Percent(done, size)}  {Rate.Format(rate)}{left}";
            var room = host.TerminalSize().Width - 1 - numbers.Length - verb.Length - 1;
            host.Out.Write($"\r\e[K{verb} {SafeText.Fit(SafeText.Of(name), room)}{numbers}");
            host.Out.Flush();
        }
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            if (_isShown)
            {
                host.Out.Write("\r\e[K");
                host.Out.Flush();
            }
        }
    }
}

/// <summary>Carries the engine's progress into the view, on the thread that reports it.</summary>
internal sealed class HashingProgressView(HashingView view, string verb, string name) : IProgress<HashingProgress>
{
    public void Report(HashingProgress value) => view.Show(verb, name, value.BytesDone, value.BytesTotal);
}
