using System.Globalization;
using System.Text;

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
                $"# HELP {name} {metric.Help}\n# TYPE {name} {(metric.IsCounter ? "counter" : "gauge")}\n"
            );
            foreach (var point in metric.Points)
            {
                var labels = point.Key is null ? "" : $"{{{point.Key}=\"{point.Word}\"}}";
                text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {point.Value}\n");
            }
        }

        return text.ToString();
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
        + (metric.IsCounter ? "_total" : "");
}
