using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>
/// The two requests of OTLP/HTTP that we send, as protocol buffers. Numbers of fields are those of opentelemetry-proto 1.x:
/// collector/metrics/v1, collector/logs/v1, metrics/v1, logs/v1, common/v1, resource/v1.
/// </summary>
internal static class OtlpMessages
{
    private const ulong Cumulative = 2;

    /// <summary>ExportMetricsServiceRequest.</summary>
    /// <param name="instance">Tells this daemon from others of the same collector.</param>
    public static byte[] Metrics(
        IEnumerable<Metric> metrics,
        OtlpResource instance,
        DateTimeOffset startedAt,
        DateTimeOffset now
    )
    {
        var request = new ProtobufWriter();
        request.WriteMessage(
            1,
            resourceMetrics =>
            {
                WriteResource(resourceMetrics, instance);
                resourceMetrics.WriteMessage(
                    2,
                    scopeMetrics =>
                    {
                        WriteScope(scopeMetrics, instance);
                        foreach (var metric in metrics)
                        {
                            scopeMetrics.WriteMessage(2, inner => WriteMetric(inner, metric, startedAt, now));
                        }
                    }
                );
            }
        );
        return request.ToArray();
    }

    /// <summary>ExportLogsServiceRequest.</summary>
    public static byte[] Logs(IEnumerable<LogLine> lines, OtlpResource instance)
    {
        var request = new ProtobufWriter();
        request.WriteMessage(
            1,
            resourceLogs =>
            {
                WriteResource(resourceLogs, instance);
                resourceLogs.WriteMessage(
                    2,
                    scopeLogs =>
                    {
                        WriteScope(scopeLogs, instance);
                        foreach (var line in lines)
                        {
                            scopeLogs.WriteMessage(2, record => WriteRecord(record, line));
                        }
                    }
                );
            }
        );
        return request.ToArray();
    }

    private static void WriteResource(ProtobufWriter parent, OtlpResource instance) =>
        parent.WriteMessage(
            1,
            resource =>
            {
                WriteAttribute(resource, 1, "service.name", "shoal");
                WriteAttribute(resource, 1, "service.version", instance.Version);
                WriteAttribute(resource, 1, "service.instance.id", instance.Id);
                WriteAttribute(resource, 1, "host.name", instance.Host);
            }
        );

    private static void WriteScope(ProtobufWriter parent, OtlpResource instance) =>
        parent.WriteMessage(
            1,
            scope =>
            {
                scope.WriteText(1, "shoal.daemon");
                scope.WriteText(2, instance.Version);
            }
        );

    private static void WriteMetric(ProtobufWriter writer, Metric metric, DateTimeOffset startedAt, DateTimeOffset now)
    {
        const int Gauge = 5;
        const int Sum = 7;
        const int Histogram = 9;
        const int Temporality = 2;
        const int IsMonotonic = 3;
        writer.WriteText(1, metric.Name);
        writer.WriteText(2, metric.Help);
        writer.WriteText(3, metric.Unit);
        writer.WriteMessage(
            metric.Kind switch
            {
                MetricKind.Counter => Sum,
                MetricKind.Histogram => Histogram,
                _ => Gauge,
            },
            data =>
            {
                foreach (var point in metric.Points)
                {
                    data.WriteMessage(1, inner => WritePoint(inner, metric.Kind, point, startedAt, now));
                }

                if (metric.Kind != MetricKind.Gauge)
                {
                    data.WriteVarint(Temporality, Cumulative);
                }

                if (metric.Kind == MetricKind.Counter)
                {
                    data.WriteVarint(IsMonotonic, 1);
                }
            }
        );
    }

    /// <summary>NumberDataPoint or HistogramDataPoint: times stand at the same places in both.</summary>
    private static void WritePoint(
        ProtobufWriter writer,
        MetricKind kind,
        MetricPoint point,
        DateTimeOffset startedAt,
        DateTimeOffset now
    )
    {
        if (kind != MetricKind.Gauge)
        {
            writer.WriteFixed64(2, Nanoseconds(startedAt));
        }

        writer.WriteFixed64(3, Nanoseconds(now));
        if (point.Durations is { } durations)
        {
            if (durations.Count > 0)
            {
                writer.WriteFixed64(4, (ulong)durations.Count);
            }

            writer.WriteDouble(5, durations.Sum);
            // "The number of elements in bucket_counts array must be by one greater than the number of elements in explicit_bounds array."
            writer.WriteFixed64s(6, [.. durations.Counts.Select(count => (ulong)count)]);
            writer.WriteFixed64s(7, [.. durations.Bounds.Select(BitConverter.DoubleToUInt64Bits)]);
        }
        else
        {
            writer.WriteDouble(4, point.Value);
        }

        if (point is { Key: { } key, Word: { } word })
        {
            WriteAttribute(writer, point.Durations is null ? 7 : 9, key, word);
        }
    }

    private static void WriteRecord(ProtobufWriter record, LogLine line)
    {
        record.WriteFixed64(1, Nanoseconds(line.At));
        record.WriteVarint(2, SeverityOf(line.Level));
        record.WriteText(3, LogRules.WordOf(line.Level));
        record.WriteMessage(5, body => body.WriteText(1, LogSecrets.Clean(line.Message)));
        WriteAttribute(record, 6, "shoal.part", line.Part);
        foreach (var (name, value) in line.Fields)
        {
            WriteAttribute(record, 6, name, value);
        }

        if (line.Exception is { } fault)
        {
            WriteAttribute(record, 6, "exception.stacktrace", fault);
        }

        record.WriteFixed64(11, Nanoseconds(line.At));
        if (line.Event.Length > 0)
        {
            record.WriteText(12, line.Event);
        }
    }

    // logs/v1: SEVERITY_NUMBER_TRACE is 1, DEBUG 5, INFO 9, WARN 13, ERROR 17.
    internal static ulong SeverityOf(LogLevel level) => 1 + 4 * (ulong)Math.Min((int)level, (int)LogLevel.Error);

    private static void WriteAttribute(ProtobufWriter parent, int field, string key, object? value) =>
        parent.WriteMessage(
            field,
            pair =>
            {
                pair.WriteText(1, key);
                pair.WriteMessage(
                    2,
                    any =>
                    {
                        switch (value)
                        {
                            case null:
                                // An empty value: it is not known.
                                break;
                            case bool flag:
                                any.WriteVarint(2, flag ? 1UL : 0);
                                break;
                            case long whole:
                                any.WriteVarint(3, (ulong)whole);
                                break;
                            case double number:
                                any.WriteDouble(4, number);
                                break;
                            default:
                                any.WriteText(1, LogSecrets.Clean((string)value));
                                break;
                        }
                    }
                );
            }
        );

    private static ulong Nanoseconds(DateTimeOffset date) =>
        (ulong)(date.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * TimeSpan.NanosecondsPerTick;
}

/// <summary>Which daemon it is that tells.</summary>
/// <param name="Id">Stays over restarts, and is nobody else's: made of the state folder's path and the machine's name.</param>
internal sealed record OtlpResource(string Version, string Id, string Host)
{
    public static OtlpResource Of(string version, string stateFolder, string host) =>
        new(
            version,
            Convert.ToHexStringLower(
                System.Security.Cryptography.SHA256.HashData(
                    System.Text.Encoding.UTF8.GetBytes($"{host}\n{stateFolder}")
                )
            )[..32],
            host
        );
}
