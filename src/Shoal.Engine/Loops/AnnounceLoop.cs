using System.Net;
using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What announces say about a torrent at this moment.</summary>
/// <param name="Port">Where peers reach us; 0: nowhere.</param>
/// <param name="Uploaded">Bytes since the start.</param>
/// <param name="Downloaded">Bytes since the start.</param>
/// <param name="Left">Bytes to fetch; 16,384 while unknown, since 0 would make us a seed.</param>
/// <param name="Key">The same over all addresses and trackers (BEP 7).</param>
/// <param name="Wanted">Peers wanted; negative: as many as the tracker thinks right.</param>
internal readonly record struct AnnounceFacts(
    PeerId PeerId,
    ushort Port,
    long Uploaded,
    long Downloaded,
    long Left,
    uint Key,
    int Wanted = -1
);

/// <summary>Who wants to hear of a torrent's announces. Called by the loop, one call at a time.</summary>
/// <param name="Facts">Asked just before each announce; quick.</param>
/// <param name="Found">Peers a tracker named.</param>
/// <param name="SeenAs">The tracker's host, and where it sees us (BEP 24).</param>
/// <param name="Failed">URL and text, each time a tracker fails or refuses, once for all names of the torrent; printable.</param>
/// <param name="Worked">A tracker has answered an announce; null: nobody wants to know.</param>
internal sealed record AnnounceListener(
    Func<AnnounceFacts> Facts,
    Action<CandidateBatch> Found,
    Action<string, IPAddress> SeenAs,
    Action<string, string> Failed,
    Action<TrackerUrl>? Worked = null
);

/// <summary>
/// Drives the <see cref="AnnounceSchedule"/> of one torrent: owns it, its clock and the exchanges on their way.
/// Commands come from any thread; everything else happens on the loop.
/// </summary>
internal sealed class AnnounceLoop : IAsyncDisposable
{
    private readonly AnnounceSchedule _schedule;
    private readonly ITrackerClient _client;
    private readonly AnnounceListener _listener;
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly DateTimeOffset _startDate;

    // Bounded by its writers: commands are few, and a lane has one exchange on its way.
    private readonly Channel<Action<TimeSpan>> _mailbox = Channel.CreateUnbounded<Action<TimeSpan>>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Task> _exchanges = [];
    private readonly List<AnnounceJob> _jobs = [];
    private volatile IReadOnlyList<TrackerStatus> _status;
    private Task? _run;

    public AnnounceLoop(
        AnnounceScheduleOptions options,
        ITrackerClient client,
        AnnounceListener listener,
        TimeProvider time
    )
    {
        _schedule = new AnnounceSchedule(options);
        _client = client;
        _listener = listener;
        _time = time;
        _start = time.GetTimestamp();
        _startDate = time.GetUtcNow();
        _status = _schedule.Status(ToDate);
    }

    /// <summary>What each tracker said last. Safe to read from any thread.</summary>
    public IReadOnlyList<TrackerStatus> Status => _status;

    /// <summary>Begins to announce; once.</summary>
    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>Peers are needed: announces as soon as the trackers' minimal intervals allow.</summary>
    public void NeedPeers() => Post(now => _schedule.NeedPeers(now));

    /// <summary>The torrent has become complete; only the first time counts.</summary>
    public void Completed() => Post(now => _schedule.Completed(now));

    /// <summary>BEP 21: everything wanted is here, and it is not everything.</summary>
    public void SetPartialSeed(bool isPartialSeed) => Post(_ => _schedule.SetPartialSeed(isPartialSeed));

    /// <summary>The torrent rests: trackers hear that we stop, and nothing more until <see cref="Resume"/>.</summary>
    public void Pause() => Post(_ => _schedule.Pause());

    public void Resume() => Post(now => _schedule.Resume(now));

    /// <summary>The other name of a hybrid became known.</summary>
    public void AddInfoHash(InfoHash infoHash) => Post(_ => _schedule.AddInfoHash(infoHash));

    /// <summary>Peers named trackers: they are asked besides.</summary>
    public void AddHearsay(IReadOnlyList<HearsayTracker> trackers) => Post(_ => _schedule.AddHearsay(trackers));

    /// <summary>Other trackers instead of those there are.</summary>
    public void SetTiers(IReadOnlyList<IReadOnlyList<TrackerUrl>> tiers) =>
        Post(now => _schedule.SetTiers(tiers, now, _jobs));

    /// <summary>Asks for the numbers of seeds and leeches without announcing.</summary>
    public void RequestScrape() => Post(now => _schedule.Scrape(now, _jobs));

    /// <summary>
    /// Ends announcing and tells the trackers, all at once; those that have not answered within
    /// <paramref name="bound"/> are left alone. Once; later calls do nothing.
    /// </summary>
    public async Task StopAsync(TimeSpan bound)
    {
        if (!_mailbox.Writer.TryComplete())
        {
            return;
        }

        // Exchanges under way end now: their answers are of no use, and their places are needed.
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_run is null)
        {
            return;
        }

        await _run.ConfigureAwait(false);
        await Task.WhenAll(_exchanges).ConfigureAwait(false);
        _jobs.Clear();
        _schedule.Stop(_jobs);
        using var deadline = new CancellationTokenSource(bound, _time);
        await Task.WhenAll(_jobs.Select(job => SayGoodbyeAsync(job, deadline.Token))).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        _stop.Dispose();
    }

    private void Post(Action<TimeSpan> command) => _mailbox.Writer.TryWrite(command);

    private TimeSpan Now => _time.GetElapsedTime(_start);

    private DateTimeOffset ToDate(TimeSpan time) => _startDate + time;

    private async Task RunAsync()
    {
        var reader = _mailbox.Reader;
        while (!_stop.IsCancellationRequested)
        {
            var now = Now;
            while (reader.TryRead(out var command))
            {
                command(now);
            }

            _schedule.Tick(now, _jobs);
            // Before anybody is asked: whoever hears of an announce finds what led to it.
            _status = _schedule.Status(ToDate);
            foreach (var job in _jobs)
            {
                Begin(job);
            }

            _jobs.Clear();
            if (!await WaitAsync(reader, now).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    /// <summary>Waits for a command or for the time of the next announce; false at the end.</summary>
    private async Task<bool> WaitAsync(ChannelReader<Action<TimeSpan>> reader, TimeSpan now)
    {
        // A timer takes at most about 49 days.
        var wait = (_schedule.NextDue - now) ?? TimeSpan.FromDays(1);
        wait = wait > TimeSpan.FromDays(1) ? TimeSpan.FromDays(1) : wait;
        if (wait <= TimeSpan.Zero)
        {
            return true;
        }

        using var timer = new CancellationTokenSource(wait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _stop.Token);
        try
        {
            return await reader.WaitToReadAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return !_stop.IsCancellationRequested;
        }
    }

    private void Begin(AnnounceJob job)
    {
        var request = Request(job);
        Task? exchange = null;
        exchange = Task.Run(() => ExchangeAsync(job, request, reply => Post(now => Take(job, reply, now, exchange!))));
        _exchanges.Add(exchange);
    }

    private async Task ExchangeAsync(AnnounceJob job, AnnounceRequest request, Action<TrackerReply> done)
    {
        TrackerReply reply;
        try
        {
            reply = await _client.AskAsync(job, request, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The torrent stops.
            return;
        }
        catch (Exception exception)
        {
            // Whatever ended it: a lane that hears of no end would never announce again.
            reply = TrackerReply.Failed(TrackerFailure.Unreachable, exception.Message);
        }

        done(reply);
    }

    private void Take(AnnounceJob job, TrackerReply reply, TimeSpan now, Task exchange)
    {
        _exchanges.Remove(exchange);
        if (job.Kind == AnnounceJobKind.Scrape)
        {
            if (reply.Counts is { } counts)
            {
                _schedule.Scraped(job.Id, counts);
            }
            else
            {
                _schedule.ScrapeFailed(job.Id);
            }

            return;
        }

        if (reply.Answer is not { } answer)
        {
            if (_schedule.Failed(job.Id, reply.Failure, reply.Message, now))
            {
                _listener.Failed(job.Url.ToString(), reply.Message);
            }

            return;
        }

        var isNews = _schedule.Answered(job.Id, answer, now);
        if (answer.Failure is null)
        {
            _listener.Worked?.Invoke(job.Url);
        }
        else if (isNews)
        {
            _listener.Failed(job.Url.ToString(), answer.Failure);
        }

        if (answer.ExternalAddress is { } address)
        {
            _listener.SeenAs(job.Url.Host, address);
        }

        if (answer.Peers.Count > 0)
        {
            _listener.Found(new CandidateBatch(answer.Peers, PeerSource.Tracker, job.Url.ToString()));
        }
    }

    private async Task SayGoodbyeAsync(AnnounceJob job, CancellationToken cancellation)
    {
        try
        {
            await _client.AskAsync(job, Request(job), cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Not in time: the tracker will forget us by itself.
        }
    }

    private AnnounceRequest Request(AnnounceJob job)
    {
        var facts = _listener.Facts();
        return new AnnounceRequest
        {
            InfoHash = job.InfoHash,
            PeerId = facts.PeerId,
            Port = facts.Port,
            Uploaded = facts.Uploaded,
            Downloaded = facts.Downloaded,
            Left = facts.Left,
            Event = job.Event,
            Key = facts.Key,
            Wanted = job.Event == AnnounceEvent.Stopped ? 0 : facts.Wanted,
            NoPeerId = true,
        };
    }
}
