using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>A number of the daemon, as it is at one moment, for whoever collects such: Prometheus by text, OTLP by messages.</summary>
/// <param name="Name">With dots between words: shoal.upload.rate. Never changed once it was in a release.</param>
/// <param name="Unit">UCUM: By, By/s, s, 1, or a thing in braces such as {peer}.</param>
/// <param name="Kind">How it behaves.</param>
/// <param name="Help">One sentence.</param>
internal sealed record Metric(string Name, string Unit, MetricKind Kind, string Help, IReadOnlyList<MetricPoint> Points)
{
    public static Metric Gauge(string name, string unit, string help, double value) =>
        new(name, unit, MetricKind.Gauge, help, [new MetricPoint(value)]);

    /// <param name="key">What tells the histograms apart.</param>
    public static Metric Histogram(
        string name,
        string help,
        string key,
        params ReadOnlySpan<(string Word, DurationCounts Durations)> points
    )
    {
        var all = new List<MetricPoint>();
        foreach (var (word, durations) in points)
        {
            all.Add(new MetricPoint(0, key, word) { Durations = durations });
        }

        return new Metric(name, "s", MetricKind.Histogram, help, all);
    }

    public static Metric Counter(string name, string unit, string help, double value) =>
        new(name, unit, MetricKind.Counter, help, [new MetricPoint(value)]);
}

internal enum MetricKind
{
    /// <summary>It goes up and down.</summary>
    Gauge,

    /// <summary>It only grows until the daemon ends.</summary>
    Counter,

    /// <summary>Durations in classes, each count only growing.</summary>
    Histogram,
}

/// <summary>One value of a metric.</summary>
/// <param name="Value">Of a gauge or counter.</param>
/// <param name="Key">What tells it from others of the same metric, such as state; null: there is one only.</param>
/// <param name="Word">Which.</param>
internal readonly record struct MetricPoint(double Value, string? Key = null, string? Word = null)
{
    /// <summary>Of a histogram.</summary>
    public DurationCounts? Durations { get; init; }
}
