using System.Diagnostics;
using System.Globalization;
using Shoal.Testing;

namespace Shoal.Benchmarks;

/// <summary>How a swarm went over time, sampled twice a second; printed as it goes, if asked for.</summary>
internal sealed class SwarmHistory(CrowdOptions options, bool isVerbose)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _next;
    private long _sentBefore;
    private TimeSpan _before;
    private CrowdNode.UplinkSamples _samplesBefore;

    /// <summary>Share of its pieces that a receiver has: the first, those at each tenth of the ranking, and the last.</summary>
    public List<(double Seconds, double[] Progress)> Progress { get; } = [];

    /// <summary>Share of the receivers' uplinks in use.</summary>
    public List<(double Seconds, double Share)> Uplinks { get; } = [];

    /// <summary>What the uplinks were found doing since the sample before.</summary>
    public List<CrowdNode.UplinkSamples> Samples { get; } = [];

    /// <summary>The line of the last sample.</summary>
    private void Print()
    {
        var (samples, progress) = (Samples[^1], Progress[^1].Progress);
        var all = Math.Max(1.0, samples.Busy + samples.Choking + samples.Unasked + samples.Unwanted);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Progress[^1].Seconds, 6:f1} s: {progress[0], 4:p0} {progress[5], 4:p0} {progress[10], 4:p0} received; uplinks {Uplinks[^1].Share, 4:p0}, idle: choking {samples.Choking / all, 4:p0} unasked {samples.Unasked / all, 4:p0} unwanted {samples.Unwanted / all, 4:p0}; computed in {_watch.Elapsed.TotalSeconds:f0} s"
            )
        );
    }

    public void Sample(CrowdWorld world)
    {
        if (world.Now < _next && !world.IsOver)
        {
            return;
        }

        _next = world.Now + Interval;
        var alive = world.Nodes.Where(node => !node.IsOrigin && !node.IsDead && !node.IsFreeRider).ToArray();
        var count = (double)world.Metainfo.Layout.PieceCount;
        var progress = alive.Select(node => node.PiecesDone / count).Order().ToArray();
        var seconds = world.Now.TotalSeconds;
        if (progress.Length > 0)
        {
            Progress.Add((seconds, [.. Enumerable.Range(0, 11).Select(i => progress[(progress.Length - 1) * i / 10])]));
        }

        var sent = world.Nodes.Where(node => !node.IsOrigin).Sum(node => node.Sent);
        var up = (double)Enumerable.Range(0, options.Receivers).Sum(i => options.Links[i % options.Links.Count].Up);
        Uplinks.Add((seconds, (sent - _sentBefore) / (up * (world.Now - _before).TotalSeconds)));
        (_sentBefore, _before) = (sent, world.Now);
        var samples = new CrowdNode.UplinkSamples();
        foreach (var node in alive)
        {
            samples.Add(node.Samples);
        }

        Samples.Add(samples.Since(_samplesBefore));
        _samplesBefore = samples;
        if (isVerbose && Progress.Count > 0)
        {
            Print();
        }
    }
}

/// <summary>The figures of one run.</summary>
internal sealed record SwarmResult
{
    public required int Seed { get; init; }
    public required CrowdOptions Options { get; init; }
    public required SwarmHistory History { get; init; }
    public required bool IsOver { get; init; }

    /// <summary>When each receiver had everything, by the bound, in order.</summary>
    public required double[] Finished { get; init; }

    /// <summary>Bytes the origin uploaded, by the size of the content.</summary>
    public required double Copies { get; init; }

    /// <summary>When every block had left the origin, by the bound; and blocks that left it twice before that.</summary>
    public required double SpreadAt { get; init; }
    public required double SentTwice { get; init; }

    /// <summary>Jain's index of what the receivers uploaded per bit of their uplink: 1 is all alike.</summary>
    public required double Fairness { get; init; }
    public required double Wasted { get; init; }
    public required CrowdNode.UplinkSamples Uplinks { get; init; }
    public required double Peers { get; init; }

    /// <summary>How much of the content the free riders had at the end, on average.</summary>
    public required double FreeRiders { get; init; }
    public required long Events { get; init; }
    public double WallSeconds { get; init; }
    public double CpuSeconds { get; init; }
    public long PeakMebibytes { get; init; }

    public double Last => IsOver ? Finished[^1] : double.PositiveInfinity;
    public double Middle => Finished.Length == 0 ? double.NaN : Finished[Finished.Length / 2];

    public static SwarmResult Of(CrowdWorld world, SwarmHistory history, bool isOver)
    {
        var options = world.Options;
        var origin = world.Nodes[0];
        var riders = world.Nodes.Where(node => node.IsFreeRider).ToArray();
        var receivers = world.Nodes.Where(node => !node.IsOrigin && !node.IsDead && !node.IsFreeRider).ToArray();
        var pieces = (double)world.Metainfo.Layout.PieceCount;
        var samples = new CrowdNode.UplinkSamples();
        foreach (var node in receivers)
        {
            samples.Add(node.Samples);
        }

        var given = receivers
            .Select(node => (double)node.Sent / options.Links[(node.Index - 1) % options.Links.Count].Up)
            .ToArray();
        return new SwarmResult
        {
            Seed = options.Seed,
            Options = options,
            History = history,
            IsOver = isOver,
            Finished =
            [
                .. world
                    .Nodes.Where(node => !node.IsOrigin && !node.IsFreeRider && node.CompletedAt > 0)
                    .Select(node => new TimeSpan(node.CompletedAt - node.JoinsAt).TotalSeconds / options.Bound)
                    .Order(),
            ],
            Copies = (double)origin.Sent / options.Size,
            SpreadAt = new TimeSpan(origin.SpreadAt).TotalSeconds / options.Bound,
            SentTwice = origin.SentTwice * 16384.0 / options.Size,
            Fairness = given.Sum() * given.Sum() / (given.Length * given.Sum(x => x * x)),
            Wasted = receivers.Sum(node => (double)node.Wasted) / options.Size / Math.Max(1, receivers.Length),
            Uplinks = samples,
            Peers = world.Nodes.Average(node => node.Peers),
            FreeRiders = riders.Length == 0 ? double.NaN : riders.Average(node => node.PiecesDone / pieces),
            Events = world.Nodes.Sum(node => node.EventCount),
        };
    }

    public static string Median(List<SwarmResult> results)
    {
        double Of(Func<SwarmResult, double> figure) => results.Select(figure).Order().ElementAt(results.Count / 2);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"median of {results.Count}: last / bound {Of(r => r.Last):f3}, middle {Of(r => r.Middle):f3}, copies {Of(r => r.Copies):f3}, fairness {Of(r => r.Fairness):f3}"
        );
    }

    public override string ToString()
    {
        var all = (double)(Uplinks.Busy + Uplinks.Choking + Uplinks.Unasked + Uplinks.Unwanted);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"seed {Seed}: first {(Finished.Length > 0 ? Finished[0] : double.NaN):f3}, middle {Middle:f3}, last {Last:f3} x {Options.Bound:f1} s; copies {Copies:f3}, spread at {SpreadAt:f3} with {SentTwice:f3} twice; fairness {Fairness:f3}; wasted {Wasted:p1}; uplinks busy {Uplinks.Busy / all:p1}, idle: choking {Uplinks.Choking / all:p1} unasked {Uplinks.Unasked / all:p1} unwanted {Uplinks.Unwanted / all:p1}; peers {Peers:f0}{(double.IsNaN(FreeRiders) ? "" : $"; free riders had {FreeRiders:p0}")}; {Events} events, {WallSeconds:f1} s, {CpuSeconds:f1} CPU-s, {PeakMebibytes} MiB"
        );
    }
}
