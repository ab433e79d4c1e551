using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class TelemetryTests
{
    private static readonly DaemonStatus Status = new()
    {
        Version = "1",
        Seeding = 3,
        Peers = 7,
        Downloaded = 5_000_000_000,
        FreeSpace = 42,
        StateProblem = "full",
    };

    private static readonly IReadOnlyList<Metric> Metrics = DaemonMetrics.Of(
        Status,
        new ProcessFacts(1000, 500, TimeSpan.FromSeconds(1.5), 9),
        Disk(),
        new CallTimes()
    );

    private static DiskDurations Disk()
    {
        var writes = new DurationHistogram();
        foreach (var milliseconds in new[] { 0.05, 1, 1.5, 3, 20_000 })
        {
            writes.Add(TimeSpan.FromMilliseconds(milliseconds));
        }

        var none = new DurationHistogram().Read();
        return new DiskDurations(none, writes.Read(), none);
    }

    [Fact]
    public void Prometheus_gets_names_with_their_units()
    {
        var text = PrometheusText.Format(Metrics);
        foreach (
            var line in new[]
            {
                "# TYPE shoal_downloaded_bytes_total counter",
                "shoal_downloaded_bytes_total 5000000000",
                "shoal_torrents{state=\"seeding\"} 3",
                "shoal_peers 7",
                "shoal_state_writable 0",
                "shoal_free_bytes 42",
                "shoal_start_time_seconds 0",
                "process_cpu_seconds_total 1.5",
                "process_resident_memory_bytes 1000",
                "shoal_download_rate_bytes 0",
                "# TYPE shoal_disk_duration_seconds histogram",
                "shoal_disk_duration_seconds_bucket{operation=\"write\",le=\"0.0005\"} 1",
                "shoal_disk_duration_seconds_bucket{operation=\"write\",le=\"0.001\"} 2",
                "shoal_disk_duration_seconds_bucket{operation=\"write\",le=\"0.0025\"} 3",
                "shoal_disk_duration_seconds_bucket{operation=\"write\",le=\"10\"} 4",
                "shoal_disk_duration_seconds_bucket{operation=\"write\",le=\"+Inf\"} 5",
                "shoal_disk_duration_seconds_sum{operation=\"write\"} 20.00555",
                "shoal_disk_duration_seconds_count{operation=\"write\"} 5",
                "shoal_disk_duration_seconds_count{operation=\"read\"} 0",
                "shoal_call_duration_seconds_count{method=\"get\"} 0",
            }
        )
        {
            Assert.Contains("\n" + line + "\n", "\n" + text, StringComparison.Ordinal);
        }

        Assert.All(
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line =>
                Assert.Matches(
                    "^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+({[a-z]+=\"[a-z]+\"(,le=\"([0-9.E-]+|\\+Inf)\")?})? [0-9.E+-]+)$",
                    line
                )
        );
    }

    [Fact]
    public void Every_number_is_in_the_document()
    {
        var document = SourceTree.Read("docs/service.md");
        Assert.All(
            Metrics,
            metric =>
                Assert.Contains(
                    $"| `{PrometheusText.NameOf(metric)}` | `{metric.Name}` | {metric.Help} |",
                    document,
                    StringComparison.Ordinal
                )
        );
    }

    [Fact]
    public void Fields_are_written_as_protocol_buffers_are()
    {
        // The examples of protobuf.dev, "Encoding".
        static string Hex(Action<ProtobufWriter> write)
        {
            var writer = new ProtobufWriter();
            write(writer);
            return Convert.ToHexStringLower(writer.ToArray());
        }

        Assert.Equal("089601", Hex(writer => writer.WriteVarint(1, 150)));
        Assert.Equal("120774657374696e67", Hex(writer => writer.WriteText(2, "testing")));
        Assert.Equal("1a03089601", Hex(writer => writer.WriteMessage(3, inner => inner.WriteVarint(1, 150))));
        Assert.Equal("09000000000000f03f", Hex(writer => writer.WriteDouble(1, 1)));
        Assert.Equal(
            "3210000000000000f03f0500000000000000",
            Hex(writer => writer.WriteFixed64s(6, [BitConverter.DoubleToUInt64Bits(1), 5]))
        );
        Assert.Equal("f80101", Hex(writer => writer.WriteVarint(31, 1)));
        Assert.Equal("08ffffffffffffffffff01", Hex(writer => writer.WriteVarint(1, ulong.MaxValue)));
    }

    [Fact]
    public void Calls_are_counted_by_their_method_and_those_that_last_are_not()
    {
        var calls = new CallTimes();
        void Call(string method, string path, string? type = null)
        {
            var context = new DefaultHttpContext();
            (context.Request.Method, context.Request.Path) = (method, path);
            context.Response.ContentType = type;
            calls.Add(context, TimeSpan.FromMilliseconds(3));
        }

        Call("GET", "/api/v1/status");
        Call("PATCH", "/api/v1/settings");
        Call("BREW", "/");
        Call("GET", "/api/v1/events", "text/event-stream; charset=utf-8");
        Call("GET", "/stream/abc/0/film.mkv");
        Assert.Equal(
            [("get", 1L), ("post", 0), ("patch", 1), ("put", 0), ("delete", 0), ("other", 1)],
            calls.Read().Select(one => (one.Method, one.Durations.Count))
        );
    }

    [Fact]
    public void Severities_are_those_of_the_specification() =>
        Assert.Equal(
            [1UL, 5, 9, 13, 17, 17],
            new[]
            {
                LogLevel.Trace,
                LogLevel.Debug,
                LogLevel.Information,
                LogLevel.Warning,
                LogLevel.Error,
                LogLevel.Critical,
            }.Select(OtlpMessages.SeverityOf)
        );

    [Fact]
    public void What_is_told_of_the_log_has_no_secrets_either()
    {
        var resource = OtlpResource.Of("1", "/state", "nas");
        const string text = "https://t.example/0123456789abcdef/announce is gone";
        var line = new LogLine(
            DateTimeOffset.UnixEpoch,
            LogLevel.Error,
            "tracker",
            "x",
            text,
            [new("url", text)],
            text
        );
        var bytes = Encoding.UTF8.GetString(OtlpMessages.Logs([line], resource));
        Assert.Contains("https://t.example/ is gone", bytes, StringComparison.Ordinal);
        Assert.DoesNotContain("0123456789abcdef/", bytes, StringComparison.Ordinal);
        // The same daemon is the same after a restart, and another one another.
        Assert.Equal(resource, OtlpResource.Of("1", "/state", "nas"));
        Assert.NotEqual(resource.Id, OtlpResource.Of("1", "/other", "nas").Id);
    }

    [Fact]
    public void Headers_for_the_collector_are_shown_to_nobody()
    {
        using var folder = new TempFolder();
        var over = new Dictionary<string, object>
        {
            ["telemetry.otlp-headers"] = new[] { "Authorization: Bearer abc" },
        };
        using var store = SettingsStore.Open(folder["settings.toml"], over);
        Assert.Equal(("Authorization", "Bearer abc"), Assert.Single(store.Current.OtlpHeaders));
        var shown = store.List().Settings.Single(setting => setting.Key == "telemetry.otlp-headers").Value;
        Assert.Equal("Authorization: ***", shown[0].GetString());
        var fault = SettingsTable.Find("telemetry.otlp-url")!.Take("http://me:secret@h/", out _);
        Assert.DoesNotContain("secret", fault, StringComparison.Ordinal);
    }
}
