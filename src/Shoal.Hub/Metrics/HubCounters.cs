using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Shoal.Hub;

/// <summary>
/// What a hub counts of its requests since its start: how many of which kind, how they ended, how long they took. Never who asked or
/// about what. Safe from any thread.
/// </summary>
internal sealed class HubCounters
{
    /// <summary>Upper bounds in milliseconds; one more bucket holds the rest.</summary>
    private static readonly int[] Bounds = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

    private readonly ConcurrentDictionary<(string Route, int Class), long> _requests = new();
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private long _milliseconds;

    /// <param name="route">As it was mapped, without what a caller wrote into it; null: there is none.</param>
    /// <param name="status">Of the answer.</param>
    /// <param name="took">Null: it waited for something to happen, which says nothing of the hub.</param>
    public void Count(string? route, int status, TimeSpan? took)
    {
        _requests.AddOrUpdate((route ?? "other", status / 100), 1, static (_, count) => count + 1);
        if (took is not { } time)
        {
            return;
        }

        var at = Array.FindIndex(Bounds, bound => time.TotalMilliseconds <= bound);
        Interlocked.Increment(ref _buckets[at < 0 ? Bounds.Length : at]);
        Interlocked.Add(ref _milliseconds, (long)time.TotalMilliseconds);
    }

    /// <summary>In the text format of Prometheus.</summary>
    public string Write(HubStatus status, DateTimeOffset started)
    {
        var text = new StringBuilder();
        Gauge(text, "shoal_hub_members_online", "Members that announced lately.", status.OnlineMembers);
        Gauge(text, "shoal_hub_peers", "Peers over all swarms.", status.Peers);
        Gauge(text, "shoal_hub_catalogue_entries", "Versions in the catalogue.", status.Entries);
        Gauge(text, "shoal_hub_revocation_version", "Number of the revocation list.", status.RevocationVersion);
        Gauge(text, "shoal_hub_waiting_requests", "Requests that wait for the next revocation list.", status.Waiting);
        Gauge(text, "shoal_hub_start_time_seconds", "When the hub started.", started.ToUnixTimeSeconds());
        Gauge(text, "process_resident_memory_bytes", "Memory of the process.", Environment.WorkingSet);
        Head(text, "shoal_hub_announces_total", "counter", "Announces since the start.");
        Line(text, $"shoal_hub_announces_total {status.Announces}");
        Head(text, "shoal_hub_requests_total", "counter", "Requests by what was asked and how it ended.");
        foreach (var ((route, hundred), count) in _requests.OrderBy(one => one.Key))
        {
            Line(text, $"shoal_hub_requests_total{{route=\"{route}\",code=\"{hundred}xx\"}} {count}");
        }

        const string Duration = "shoal_hub_request_duration_seconds";
        Head(text, Duration, "histogram", "Time from a request to its answer, without those that wait.");
        var sum = 0L;
        for (var i = 0; i < Bounds.Length; i++)
        {
            sum += Interlocked.Read(ref _buckets[i]);
            Line(text, $"{Duration}_bucket{{le=\"{Bounds[i] / 1000.0}\"}} {sum}");
        }

        sum += Interlocked.Read(ref _buckets[Bounds.Length]);
        Line(text, $"{Duration}_bucket{{le=\"+Inf\"}} {sum}");
        Line(text, $"{Duration}_sum {Interlocked.Read(ref _milliseconds) / 1000.0}");
        Line(text, $"{Duration}_count {sum}");
        return text.ToString();
    }

    private static void Gauge(StringBuilder text, string name, string help, long value)
    {
        Head(text, name, "gauge", help);
        Line(text, $"{name} {value}");
    }

    private static void Head(StringBuilder text, string name, string type, string help) =>
        Line(text, $"# HELP {name} {help}\n# TYPE {name} {type}");

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
