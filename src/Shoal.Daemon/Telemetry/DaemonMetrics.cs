using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>All numbers of the daemon that are collected. docs/service.md lists them, and a test keeps it so.</summary>
internal static class DaemonMetrics
{
    public static IReadOnlyList<Metric> Read(DaemonServices services) =>
        Of(
            StatusEndpoints.Status(services),
            new ProcessFacts(
                Environment.WorkingSet,
                GC.GetTotalMemory(forceFullCollection: false),
                Environment.CpuUsage.TotalTime,
                services.Engine.DhtNodes
            ),
            services.Engine.DiskDurations,
            services.CallTimes
        );

    internal static IReadOnlyList<Metric> Of(
        DaemonStatus status,
        ProcessFacts process,
        DiskDurations disk,
        CallTimes calls
    )
    {
        var metrics = new List<Metric>
        {
            new(
                "shoal.torrents",
                "{torrent}",
                MetricKind.Gauge,
                "Torrents by state.",
                [
                    new(status.Downloading, "state", "downloading"),
                    new(status.Seeding, "state", "seeding"),
                    new(status.Paused, "state", "paused"),
                    new(status.Failed, "state", "failed"),
                ]
            ),
            Metric.Gauge("shoal.peers", "{peer}", "Connected peers.", status.Peers),
            Metric.Gauge("shoal.dht.nodes", "{node}", "Nodes of the DHT that are known.", process.DhtNodes),
            Metric.Counter("shoal.downloaded", "By", "Payload received since the start.", status.Downloaded),
            Metric.Counter("shoal.uploaded", "By", "Payload sent since the start.", status.Uploaded),
            Metric.Gauge("shoal.download.rate", "By/s", "Payload received a second.", status.DownloadRate),
            Metric.Gauge("shoal.upload.rate", "By/s", "Payload sent a second.", status.UploadRate),
            Metric.Gauge("shoal.start.time", "s", "When the daemon started, in seconds since 1970.", status.StartedAt),
            Metric.Gauge(
                "shoal.state.writable",
                "1",
                "Whether the state folder can be written: 1 or 0.",
                status.StateProblem is null ? 1 : 0
            ),
            Metric.Gauge("process.resident.memory", "By", "Memory of the process.", process.Memory),
            Metric.Gauge("process.heap", "By", "Of it what objects take, garbage among them.", process.Heap),
            Metric.Counter("process.cpu", "s", "Processor time of the process.", process.Cpu.TotalSeconds),
            Metric.Histogram(
                "shoal.disk.duration",
                "How long the disk took to read or write a run of blocks, or to make a file durable.",
                "operation",
                ("read", disk.Reads),
                ("write", disk.Writes),
                ("sync", disk.Syncs)
            ),
            Metric.Histogram(
                "shoal.call.duration",
                "How long calls took, by their method; without event streams and files being played.",
                "method",
                [.. calls.Read()]
            ),
        };
        if (status.FreeSpace is { } free)
        {
            metrics.Add(Metric.Gauge("shoal.free", "By", "Free where the download folder is.", free));
        }

        return metrics;
    }
}

/// <summary>What the process itself takes.</summary>
/// <param name="Memory">Bytes.</param>
/// <param name="Heap">Bytes.</param>
internal readonly record struct ProcessFacts(long Memory, long Heap, TimeSpan Cpu, int DhtNodes);
