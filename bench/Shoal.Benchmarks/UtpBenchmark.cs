using System.Globalization;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>
/// uTP on simulated paths in virtual time: how much of the bottleneck it fills, and how much delay its queue adds. The
/// same seed gives the same figures on any machine.
/// </summary>
internal static class UtpBenchmark
{
    private static readonly TimeSpan Forever = TimeSpan.FromSeconds(10);

    public static int Run(ReadOnlySpan<string> arguments)
    {
        var what = arguments.Length > 0 ? arguments[0] : "all";
        Console.WriteLine(
            "| path | buffer | loss | goodput Mbit/s | of the link | delay added, mean ms | 95 % below ms | sent again |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        if (what is "all" or "paths")
        {
            foreach (var megabits in (double[])[1, 10, 100, 1000])
            {
                foreach (var trip in (int[])[1, 20, 100, 200])
                {
                    Print(
                        new UtpSimPath(megabits * 1e6, TimeSpan.FromMilliseconds(trip / 2.0)),
                        megabits >= 1000 ? 10 : 30
                    );
                }
            }
        }

        if (what is "all" or "buffer")
        {
            foreach (var megabits in (double[])[1, 10, 100])
            {
                Print(new UtpSimPath(megabits * 1e6, TimeSpan.FromMilliseconds(15)) { Buffer = Forever }, 60);
                Print(
                    new UtpSimPath(megabits * 1e6, TimeSpan.FromMilliseconds(15))
                    {
                        Buffer = TimeSpan.FromMilliseconds(20),
                    },
                    60
                );
            }
        }

        if (what is "all" or "loss")
        {
            foreach (var loss in (double[])[0.0001, 0.001, 0.01, 0.02, 0.05])
            {
                Print(new UtpSimPath(10e6, TimeSpan.FromMilliseconds(10)) { Loss = loss }, 60);
                Print(new UtpSimPath(100e6, TimeSpan.FromMilliseconds(10)) { Loss = loss }, 30);
            }
        }

        if (what is "all" or "order")
        {
            Console.WriteLine();
            Console.WriteLine("5 % of packets late by up to 20 ms:");
            Print(
                new UtpSimPath(10e6, TimeSpan.FromMilliseconds(20))
                {
                    Reordering = 0.05,
                    ReorderingDelay = TimeSpan.FromMilliseconds(20),
                },
                60
            );
            Print(
                new UtpSimPath(100e6, TimeSpan.FromMilliseconds(20))
                {
                    Reordering = 0.05,
                    ReorderingDelay = TimeSpan.FromMilliseconds(20),
                },
                30
            );
            foreach (var drift in (double[])[-200e-6, 200e-6])
            {
                Console.WriteLine($"clock drift {drift * 1e6} ppm, 20 minutes:");
                Print(new UtpSimPath(2e6, TimeSpan.FromMilliseconds(20)), 1200, drift);
            }
        }

        if (what is "all" or "shared")
        {
            Shared();
        }

        return 0;
    }

    private static void Print(UtpSimPath path, int seconds, double drift = 0)
    {
        var figures = UtpSimPair.Measure(1, path, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(seconds), drift);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {path.BitsPerSecond / 1e6} Mbit/s, {2 * path.Delay.TotalMilliseconds} ms | {path.Buffer.TotalMilliseconds} ms | {path.Loss * 100} % | {figures.Goodput / 1e6:f2} | {figures.Share * 100:f0} % | {figures.MeanDelay.TotalMilliseconds:f0} | {figures.HighDelay.TotalMilliseconds:f0} | {figures.Retransmitted} |"
            )
        );
    }

    private static void Shared()
    {
        foreach (var buffer in (double[])[30, 100, 500, 10_000])
        {
            var (utp, reno, after) = UtpSimSharing.WithTcp(1, 10e6, TimeSpan.FromMilliseconds(buffer));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"with TCP, 10 Mbit/s, 30 ms, buffer {buffer} ms: uTP {utp / 1e6:f2}, TCP {reno / 1e6:f2}, uTP after TCP has left {after / 1e6:f2} Mbit/s"
                )
            );
        }

        foreach (var late in (int[])[0, 30])
        {
            var (first, second, delay) = UtpSimSharing.TwoFlows(1, 10e6, TimeSpan.FromSeconds(late));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"two flows, 10 Mbit/s, 30 ms, second {late} s later: {first / 1e6:f2} and {second / 1e6:f2} Mbit/s, delay {delay.TotalMilliseconds:f0} ms"
                )
            );
        }
    }
}
