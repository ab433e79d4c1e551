using System.Diagnostics;
using System.Globalization;
using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>
/// How well real swarms distribute, in virtual time: one origin and N receivers that all begin at once, all links
/// alike. Prints the last finisher against the bound max(F/u_origin, F/d_min, N·F/(u_origin + Σu)) and how many copies
/// the origin uploaded. The same seed gives the same figures on any machine.
/// </summary>
internal static class SwarmBenchmark
{
    public static int Run(ReadOnlySpan<string> arguments)
    {
        var receivers = Number(arguments, 0, 16);
        var mebibytes = Number(arguments, 1, 64);
        var pieceKibibytes = Number(arguments, 2, 256);
        var megabits = Number(arguments, 3, 20);
        var seeds = Number(arguments, 4, 3);
        var superSeeding = arguments.Length > 5 && arguments[5] == "super";
        var results = new List<(double Time, double Copies)>();
        for (var seed = 1; seed <= seeds; seed++)
        {
            results.Add(
                RunOnce(seed, receivers, mebibytes << 20, pieceKibibytes << 10, megabits * 125_000L, superSeeding)
            );
        }

        var time = results.Select(result => result.Time).Order().ElementAt(results.Count / 2);
        var copies = results.Select(result => result.Copies).Order().ElementAt(results.Count / 2);
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"median: last / bound {time:f3}, copies {copies:f3}")
        );
        return 0;
    }

    private static (double Time, double Copies) RunOnce(
        int seed,
        int receivers,
        int size,
        int pieceLength,
        long rate,
        bool superSeeding
    )
    {
        var watch = Stopwatch.StartNew();
        var world = new SimWorld(seed);
        var torrent = SimTorrent.V1(seed, size, pieceLength);
        // Which blocks have left the origin, and how many left again before and after all had.
        var sent = new HashSet<(uint, uint)>();
        var duplicatesBefore = 0L;
        var duplicatesAfter = 0L;
        var blocks = size / 16384;
        var spreadAt = TimeSpan.Zero;
        var origin = world.Add(
            new SimNodeOptions
            {
                Torrent = torrent,
                IsSeed = true,
                Up = rate,
                Down = rate,
                SuperSeeding = superSeeding,
                // Nothing is changed; it is the place where every block leaves.
                Corrupt = (piece, begin, _) =>
                {
                    if (sent.Add((piece, begin)))
                    {
                        spreadAt = world.Now;
                    }
                    else if (sent.Count < blocks)
                    {
                        duplicatesBefore++;
                    }
                    else
                    {
                        duplicatesAfter++;
                    }
                },
            }
        );
        for (var i = 0; i < receivers; i++)
        {
            world.Add(
                new SimNodeOptions
                {
                    Torrent = torrent,
                    Up = rate,
                    Down = rate,
                }
            );
        }

        foreach (var node in world.Nodes)
        {
            node.Start();
        }

        foreach (var node in world.Nodes)
        {
            node.Introduce([.. world.Nodes.Where(other => other != node)]);
        }

        var leeches = world.Nodes.Where(node => node != origin).ToArray();
        var ideal = (double)size / rate;
        var bound = Math.Max(ideal, receivers * (double)size / (rate * (receivers + 1.0)));
        if (!world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromSeconds(bound * 20)))
        {
            throw new InvalidOperationException($"seed {seed}: the swarm did not finish");
        }

        var first = leeches.Min(node => node.CompletedAt!.Value).TotalSeconds / bound;
        var last = leeches.Max(node => node.CompletedAt!.Value).TotalSeconds / bound;
        var copies = (double)origin.Status.Uploaded / size;
        var wasted = leeches.Sum(node => node.Status.Wasted) / (double)size / receivers;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"seed {seed}: first {first:f3}, last {last:f3} x bound; copies {copies:f3}; spread at {spreadAt.TotalSeconds / bound:f3} with {(double)duplicatesBefore / blocks:f3} twice, later {(double)duplicatesAfter / blocks:f3}; wasted {wasted:p1}; {world.EventCount} events in {watch.Elapsed.TotalSeconds:f1} s"
            )
        );
        world.Stop();
        return (last, copies);
    }

    private static int Number(ReadOnlySpan<string> arguments, int index, int otherwise) =>
        arguments.Length > index ? int.Parse(arguments[index], CultureInfo.InvariantCulture) : otherwise;
}
