using System.Diagnostics;
using System.Globalization;

namespace Shoal.HubBench;

/// <summary>How long one kind of request took. Safe from any thread.</summary>
internal sealed class Latencies(string what)
{
    private readonly Lock _lock = new();
    private readonly List<double> _milliseconds = [];

    public int Failures { get; private set; }

    public int Count => _milliseconds.Count;

    /// <summary>Does it, and counts from when it was due: a client that waits for its turn here waits for the hub too.</summary>
    /// <param name="clock">Runs since the beginning.</param>
    /// <param name="due">By that clock.</param>
    /// <param name="work">False: it failed.</param>
    public async Task MeasureAsync(Stopwatch clock, TimeSpan due, Func<Task<bool>> work)
    {
        var isGood = await work();
        lock (_lock)
        {
            _milliseconds.Add((clock.Elapsed - due).TotalMilliseconds);
            Failures += isGood ? 0 : 1;
        }
    }

    /// <summary>Does it so often a second, until the time is over, whether the one before has ended or not.</summary>
    public async Task PaceAsync(double perSecond, TimeSpan length, Func<long, Task<bool>> work)
    {
        var clock = Stopwatch.StartNew();
        var running = new List<Task>();
        for (long sent = 0; sent / perSecond < length.TotalSeconds; sent++)
        {
            var due = TimeSpan.FromSeconds(sent / perSecond);
            if (due > clock.Elapsed)
            {
                await Task.Delay(due - clock.Elapsed);
            }

            var number = sent;
            running.Add(MeasureAsync(clock, due, () => work(number)));
        }

        await Task.WhenAll(running);
    }

    public void Print()
    {
        _milliseconds.Sort();
        if (_milliseconds.Count > 0)
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {what}: {_milliseconds.Count}, failed {Failures}; p50 {At(50):F1} ms, p99 {At(99):F1} ms, "
                        + $"worst {_milliseconds[^1]:F0} ms"
                )
            );
        }
    }

    private double At(int percent) => _milliseconds[_milliseconds.Count * percent / 100];
}
