using System.Globalization;
using System.Text;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Metrics in the text format of Prometheus, version 0.0.4.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Format(IEnumerable<Metric> metrics)
    {
        var text = new StringBuilder();
        foreach (var metric in metrics)
        {
            var name = NameOf(metric);
            text.Append(
                CultureInfo.InvariantCulture,
                $"# HELP {name} {metric.Help}\n# TYPE {name} {metric.Kind.ToString().ToLowerInvariant()}\n"
            );
            foreach (var point in metric.Points)
            {
                if (point.Durations is { } durations)
                {
                    Append(text, name, point, durations);
                    continue;
                }

                var labels = point.Key is null ? "" : $"{{{point.Key}=\"{point.Word}\"}}";
                text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {point.Value}\n");
            }
        }

        return text.ToString();
    }

    /// <summary>The buckets of a histogram: each with all that took no longer, and the last, +Inf, with everything.</summary>
    private static void Append(StringBuilder text, string name, MetricPoint point, DurationCounts durations)
    {
        var count = 0L;
        for (var i = 0; i < durations.Counts.Count; i++)
        {
            count += durations.Counts[i];
            var bound =
                i < durations.Bounds.Count ? durations.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            text.Append(
                CultureInfo.InvariantCulture,
                $"{name}_bucket{{{point.Key}=\"{point.Word}\",le=\"{bound}\"}} {count}\n"
            );
        }

        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{point.Key}=\"{point.Word}\"}} {durations.Sum}\n");
        text.Append(CultureInfo.InvariantCulture, $"{name}_count{{{point.Key}=\"{point.Word}\"}} {count}\n");
    }

    /// <summary>With its unit and, of counters, "_total": as Prometheus and the rules of OpenTelemetry for it want names.</summary>
    public static string NameOf(Metric metric) =>
        metric.Name.Replace('.', '_')
        + metric.Unit switch
        {
            "By" or "By/s" => "_bytes",
            "s" => "_seconds",
            _ => "",
        }
        + (metric.Kind == MetricKind.Counter ? "_total" : "");
}
