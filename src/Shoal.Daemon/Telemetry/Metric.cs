namespace Shoal.Daemon;

/// <summary>A number of the daemon, as it is at one moment, for whoever collects such: Prometheus by text, OTLP by messages.</summary>
/// <param name="Name">With dots between words: shoal.upload.rate. Never changed once it was in a release.</param>
/// <param name="Unit">UCUM: By, By/s, s, 1, or a thing in braces such as {peer}.</param>
/// <param name="IsCounter">It only grows until the daemon ends.</param>
/// <param name="Help">One sentence.</param>
internal sealed record Metric(string Name, string Unit, bool IsCounter, string Help, IReadOnlyList<MetricPoint> Points)
{
    public static Metric Gauge(string name, string unit, string help, double value) =>
        new(name, unit, false, help, [new MetricPoint(value)]);

    public static Metric Counter(string name, string unit, string help, double value) =>
        new(name, unit, true, help, [new MetricPoint(value)]);
}

/// <summary>One value of a metric.</summary>
/// <param name="Key">What tells it from others of the same metric, such as state; null: there is one only.</param>
/// <param name="Word">Which.</param>
internal readonly record struct MetricPoint(double Value, string? Key = null, string? Word = null);
