using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>Plays trackers against a schedule in virtual time, and writes down who was asked what.</summary>
internal sealed class AnnounceScript
{
    public static readonly InfoHash V1 = new("11111111111111111111"u8);

    public static readonly AnnounceAnswer Good = new()
    {
        Interval = TimeSpan.FromMinutes(30),
        MinInterval = TimeSpan.FromMinutes(5),
    };

    private readonly AnnounceSchedule _schedule;
    private readonly List<AnnounceJob> _jobs = [];

    public AnnounceScript(string tiers, Func<AnnounceScheduleOptions, AnnounceScheduleOptions>? change = null)
    {
        var options = new AnnounceScheduleOptions
        {
            Tiers = [.. tiers.Split('|').Select(tier => (IReadOnlyList<TrackerUrl>)[.. tier.Split(',').Select(Url)])],
            InfoHashes = [V1],
            Origins = [IPAddress.Any],
            Seed = 1,
        };
        _schedule = new AnnounceSchedule(change is null ? options : change(options));
    }

    public AnnounceSchedule Schedule => _schedule;

    public TimeSpan Now { get; set; }

    /// <summary>What a tracker answers, by its host; not listed: unreachable.</summary>
    public Dictionary<string, Func<AnnounceJob, AnnounceAnswer?>> Trackers { get; } = [];

    public List<string> Log { get; } = [];

    /// <summary>Hosts of trackers whose failures a user is told, each time.</summary>
    public List<string> Told { get; } = [];

    public void Works(params string[] hosts)
    {
        foreach (var host in hosts)
        {
            Trackers[host] = _ => Good;
        }
    }

    /// <summary>Runs until the time, answering at once, and gives back what was asked.</summary>
    public string Until(double minutes)
    {
        Log.Clear();
        var end = TimeSpan.FromMinutes(minutes);
        for (var steps = 0; ; steps++)
        {
            Assert.True(steps < 10_000, "the schedule asks without end");
            _jobs.Clear();
            _schedule.Tick(Now, _jobs);
            foreach (var job in _jobs)
            {
                Log.Add(
                    $"{job.Url.Host}{(job.Event == AnnounceEvent.None ? "" : " " + job.Event.ToString().ToLowerInvariant())}"
                );
                Answer(job);
            }

            if (_jobs.Count > 0)
            {
                continue;
            }

            var next = _schedule.NextDue ?? end;
            if (next >= end)
            {
                Now = end;
                return string.Join(", ", Log);
            }

            Now = next > Now ? next : Now;
        }
    }

    public List<AnnounceJob> Tick()
    {
        _jobs.Clear();
        _schedule.Tick(Now, _jobs);
        return [.. _jobs];
    }

    public string Stop()
    {
        _jobs.Clear();
        _schedule.Stop(_jobs);
        Assert.All(_jobs, job => Assert.Equal(AnnounceEvent.Stopped, job.Event));
        return string.Join(", ", _jobs.Select(job => job.Url.Host));
    }

    public void Answer(AnnounceJob job)
    {
        var isTold =
            Trackers.TryGetValue(job.Url.Host, out var tracker) && tracker(job) is { } answer
                ? _schedule.Answered(job.Id, answer, Now)
                : _schedule.Failed(job.Id, TrackerFailure.Unreachable, "unreachable", Now);
        if (isTold)
        {
            Told.Add(job.Url.Host);
        }
    }

    public TrackerStatus[] Status() => _schedule.Status(time => DateTimeOffset.UnixEpoch + time);

    public static TrackerUrl Url(string name)
    {
        Assert.True(TrackerUrl.TryParse(name.Contains(':') ? name : $"http://{name}/announce", out var url));
        return url;
    }
}
