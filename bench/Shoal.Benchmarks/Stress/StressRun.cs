using System.Diagnostics;
using System.Globalization;

namespace Shoal.Benchmarks;

/// <summary>
/// Real engines on loopback whose users do everything at random moments, while threads that only burn time disturb the
/// scheduler, and engines end in the middle of it. A race shows as a fault, as something that never ends, or as a wrong byte.
/// Not a measurement: how far it comes in a time says nothing. A seed repeats what the users want, not when they come to it.
/// </summary>
internal sealed class StressRun
{
    private const int HostCount = 4;
    private const int NoiseThreads = 2;
    private static readonly TimeSpan s_untilStopped = TimeSpan.FromSeconds(60);

    private readonly List<string> _faults = [];
    private readonly Lock _lock = new();
    private int _rounds;
    private int _actions;
    private int _refusals;
    private int _restarts;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var seconds = arguments.Length > 0 ? int.Parse(arguments[0], CultureInfo.InvariantCulture) : 60;
        var seed = arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : Environment.TickCount;
        Console.WriteLine($"seed {seed}, {seconds} s");
        var run = new StressRun();
        // What nobody awaited has failed somewhere all the same.
        TaskScheduler.UnobservedTaskException += (_, e) => run.Fail($"nobody awaited it: {e.Exception}");
        await run.GoAsync(seed, TimeSpan.FromSeconds(seconds));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.WriteLine(
            $"{run._rounds} rounds, {run._actions} actions ({run._refusals} refused), {run._restarts} lives of engines"
        );
        foreach (var fault in run._faults)
        {
            Console.WriteLine($"FAULT {fault}");
        }

        return run._faults.Count == 0 ? 0 : 1;
    }

    public void Fail(string fault)
    {
        lock (_lock)
        {
            _faults.Add(fault);
        }
    }

    public bool HasFailed
    {
        get
        {
            lock (_lock)
            {
                return _faults.Count > 0;
            }
        }
    }

    public void CountRound() => Interlocked.Increment(ref _rounds);

    public void CountAction() => Interlocked.Increment(ref _actions);

    public void CountRefusal() => Interlocked.Increment(ref _refusals);

    public void CountRestart() => Interlocked.Increment(ref _restarts);

    private async Task GoAsync(int seed, TimeSpan duration)
    {
        var folder = Directory.CreateTempSubdirectory("shoal-stress-").FullName;
        using var end = new CancellationTokenSource(duration);
        using var quiet = new CancellationTokenSource();
        try
        {
            var contents = StressContent.MakeAll(seed);
            var hosts = new List<StressHost>();
            for (var i = 0; i < HostCount; i++)
            {
                hosts.Add(new StressHost(this, i, Path.Combine(folder, $"{i}"), contents, hosts, new Random(seed + i)));
            }

            hosts[0].PutContents();
            var noise = Enumerable
                .Range(0, NoiseThreads)
                .Select(i =>
                    Task.Factory.StartNew(
                        () => Disturb(new Random(seed - 1 - i), quiet.Token),
                        TaskCreationOptions.LongRunning
                    )
                )
                .ToArray();
            var running = Task.WhenAll(hosts.Select(host => Task.Run(() => host.RunAsync(end.Token))));
            await Task.WhenAny(running, Task.Delay(duration + s_untilStopped));
            if (running.IsCompleted)
            {
                await running;
            }
            else
            {
                Fail("it did not come to an end");
            }

            await quiet.CancelAsync();
            await Task.WhenAll(noise);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Takes the processor from whoever has it, at moments and for times that nobody expects.</summary>
    private static void Disturb(Random random, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var spinning = TimeSpan.FromMilliseconds(random.NextDouble() * 4);
            var clock = Stopwatch.StartNew();
            while (clock.Elapsed < spinning)
            {
                Thread.SpinWait(50);
            }

            stop.WaitHandle.WaitOne(random.Next(5));
        }
    }
}
