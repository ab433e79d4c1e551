using System.Diagnostics;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Numbers and logs reach a collector that takes nothing but what the specification of OTLP says.</summary>
public sealed class DaemonTelemetryTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_collector_gets_numbers_and_the_log_and_its_token_is_shown_to_nobody()
    {
        Tools.Require("protoc");
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        await using var collector = new ClientProcess(
            "collector",
            new ProcessStartInfo(Tools.Python, [Tools.Script("otlp_receiver.py"), folder.Path])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        );
        var opened = await collector.WaitForLineAsync(
            line => line.StartsWith("{\"port\"", StringComparison.Ordinal),
            Patience
        );
        var port = JsonElement.Parse(opened).GetProperty("port").GetInt32();
        await using var daemon = await DaemonProcess.StartAsync(
            folder.State,
            "--set",
            $"folders.download={sample.Parent}",
            "--set",
            $"telemetry.otlp-url=http://127.0.0.1:{port}",
            "--set",
            "telemetry.otlp-headers=Authorization: Bearer c0llector-secret",
            "--set",
            "telemetry.interval=1",
            "--set",
            "telemetry.logs=true"
        );
        var wish = new AddTorrent { Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)) };
        var id = (await daemon.Client.AddAsync(wish, None)).Id;
        await daemon.WaitCompleteAsync(id);

        // The first attempt with logs was refused: they came again.
        var logs = await NextAsync(
            collector,
            "/v1/logs",
            line => line.Contains("torrent-added", StringComparison.Ordinal)
        );
        var record = logs.GetProperty("resourceLogs")[0]
            .GetProperty("scopeLogs")[0]
            .GetProperty("logRecords")
            .EnumerateArray()
            .Single(record => record.GetProperty("eventName").GetString() == "torrent-added");
        Assert.Equal(9, record.GetProperty("severityNumber").GetInt32());
        Assert.Equal($"{sample.Name}: added", record.GetProperty("body").GetProperty("stringValue").GetString());
        Assert.Equal(id, Attribute(record, "torrent"));
        Assert.Equal("torrent", Attribute(record, "shoal.part"));

        var metrics = await NextAsync(
            collector,
            "/v1/metrics",
            line => line.Contains("shoal.torrents", StringComparison.Ordinal)
        );
        var resource = metrics.GetProperty("resourceMetrics")[0].GetProperty("resource");
        Assert.Equal("shoal", Attribute(resource, "service.name"));
        Assert.Equal(32, Attribute(resource, "service.instance.id").Length);
        JsonElement Metric(JsonElement message, string name) =>
            message
                .GetProperty("resourceMetrics")[0]
                .GetProperty("scopeMetrics")[0]
                .GetProperty("metrics")
                .EnumerateArray()
                .Single(metric => metric.GetProperty("name").GetString() == name);
        var cpu = Metric(metrics, "process.cpu");
        Assert.Equal("s", cpu.GetProperty("unit").GetString());
        Assert.Equal(
            "AGGREGATION_TEMPORALITY_CUMULATIVE",
            cpu.GetProperty("sum").GetProperty("aggregationTemporality").GetString()
        );
        Assert.True(cpu.GetProperty("sum").GetProperty("isMonotonic").GetBoolean());
        var point = cpu.GetProperty("sum").GetProperty("dataPoints")[0];
        Assert.True(point.GetProperty("asDouble").GetDouble() > 0);
        var (start, now) = (Time(point, "startTimeUnixNano"), Time(point, "timeUnixNano"));
        Assert.True(start <= now && DateTimeOffset.UtcNow - now < TimeSpan.FromMinutes(2), $"{start} {now}");

        var disk = Metric(metrics, "shoal.disk.duration").GetProperty("histogram");
        Assert.Equal("AGGREGATION_TEMPORALITY_CUMULATIVE", disk.GetProperty("aggregationTemporality").GetString());
        var reads = disk.GetProperty("dataPoints")
            .EnumerateArray()
            .Single(point => Attribute(point, "operation") == "read");
        Assert.Equal(
            reads.GetProperty("explicitBounds").GetArrayLength() + 1,
            reads.GetProperty("bucketCounts").GetArrayLength()
        );
        // Numbers are those of now, a second later.
        var read = 0;
        var latest = metrics;
        for (double seeding = 0; seeding != 1; )
        {
            Assert.True(read++ < 30, "the number of seeding torrents never became 1");
            await Task.Delay(500);
            var last = collector.Lines.Last(line => line.Contains("/v1/metrics", StringComparison.Ordinal));
            latest = JsonElement.Parse(last).GetProperty("message");
            seeding = Metric(latest, "shoal.torrents")
                .GetProperty("gauge")
                .GetProperty("dataPoints")
                .EnumerateArray()
                .Single(point => Attribute(point, "state") == "seeding")
                .GetProperty("asDouble")
                .GetDouble();
        }

        var calls = Metric(latest, "shoal.call.duration").GetProperty("histogram").GetProperty("dataPoints");
        Assert.Contains(
            calls.EnumerateArray(),
            point =>
                Attribute(point, "method") == "post"
                && Number(point, "count") > 0
                && point.GetProperty("sum").GetDouble() > 0
        );

        Assert.DoesNotContain(collector.Lines, line => line.Contains("fault", StringComparison.Ordinal));
        Assert.DoesNotContain(daemon.Process.Lines, line => line.Contains("c0llector", StringComparison.Ordinal));
        var shown = (await daemon.Client.SettingsAsync(None)).Settings.Single(setting =>
            setting.Key == "telemetry.otlp-headers"
        );
        Assert.Equal("Authorization: ***", shown.Value[0].GetString());

        // A collector that is gone costs nothing but a line.
        await collector.KillAsync();
        await daemon.Process.WaitForLineAsync(
            line => line.Contains("cannot be told", StringComparison.Ordinal),
            TimeSpan.FromSeconds(30)
        );
        Assert.True((await daemon.StopAsync()) < TimeSpan.FromSeconds(3));
    }

    private static async Task<JsonElement> NextAsync(ClientProcess collector, string path, Func<string, bool> wanted)
    {
        var line = await collector.WaitForLineAsync(
            line => line.Contains($"\"path\": \"{path}\"", StringComparison.Ordinal) && wanted(line),
            Patience
        );
        var request = JsonElement.Parse(line);
        Assert.Equal("Bearer c0llector-secret", request.GetProperty("token").GetString());
        return request.GetProperty("message");
    }

    private static string Attribute(JsonElement owner, string key) =>
        owner
            .GetProperty("attributes")
            .EnumerateArray()
            .Single(pair => pair.GetProperty("key").GetString() == key)
            .GetProperty("value")
            .GetProperty("stringValue")
            .GetString()!;

    private static long Number(JsonElement point, string name) =>
        point.TryGetProperty(name, out var number)
            ? long.Parse(number.GetString()!, System.Globalization.CultureInfo.InvariantCulture)
            : 0;

    private static DateTimeOffset Time(JsonElement point, string name) =>
        DateTimeOffset.FromUnixTimeMilliseconds(
            long.Parse(point.GetProperty(name).GetString()!, System.Globalization.CultureInfo.InvariantCulture)
                / 1_000_000
        );
}
