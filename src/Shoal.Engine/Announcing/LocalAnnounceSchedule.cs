using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// BEP 14's rules of time: which torrents to announce to the local network now, and from whom to listen.
/// </summary>
internal sealed class LocalAnnounceSchedule(LocalAnnounceLimits limits, Func<double> jitter)
{
    private readonly Dictionary<InfoHash, TimeSpan> _dueAt = [];
    private readonly Dictionary<IPAddress, TokenBucket> _heard = [];
    private readonly TokenBucket _heardInAll = new(limits.HeardPerSecond, limits.HeardPerSecond);
    private TimeSpan _nextAnnounce;

    /// <summary>Begins to announce a torrent, soon.</summary>
    public void Add(InfoHash infoHash, TimeSpan now) => _dueAt.TryAdd(infoHash, now);

    public void Remove(InfoHash infoHash) => _dueAt.Remove(infoHash);

    /// <summary>The torrents for the one announce that may be sent now; empty: none is due, or it is too soon.</summary>
    public IReadOnlyList<InfoHash> Next(TimeSpan now)
    {
        if (now < _nextAnnounce || _dueAt.Count == 0)
        {
            return [];
        }

        // Those that wait longest come first, so that with more torrents than go into a datagram each has its turn.
        var due = _dueAt
            .Where(torrent => torrent.Value <= now)
            .OrderBy(torrent => torrent.Value)
            .Take(LocalAnnounce.MaxInfoHashes)
            .Select(torrent => torrent.Key)
            .ToArray();
        if (due.Length == 0)
        {
            return [];
        }

        // BEP 14: "a client should send no more than 1 announce per minute".
        _nextAnnounce = now + limits.MinInterval;
        foreach (var infoHash in due)
        {
            // BEP 14: "As long as a client is participating in a swarm it should send a LSD announce every 5 minutes".
            _dueAt[infoHash] = now + limits.Interval + TimeSpan.FromSeconds(jitter() * 10);
        }

        return due;
    }

    /// <summary>Whether a datagram from there may be read; false: there were too many.</summary>
    public bool MayHear(IPAddress source, TimeSpan now)
    {
        if (!_heard.TryGetValue(source, out var bucket))
        {
            if (_heard.Count >= limits.MaxSources)
            {
                // Whoever is silent for long has its burst back anyhow.
                _heard.Clear();
            }

            bucket = new TokenBucket(limits.HeardPerSourcePerMinute / 60.0, limits.HeardBurst);
            _heard.Add(source, bucket);
        }

        // One that sends too much takes nothing from the others.
        return bucket.TryTake(1, now) && _heardInAll.TryTake(1, now);
    }
}

/// <summary>Bounds of local discovery. Each says what it bounds and what happens beyond.</summary>
internal sealed record LocalAnnounceLimits
{
    public static readonly LocalAnnounceLimits Default = new();

    /// <summary>Between two announces of a torrent. BEP 14: 5 minutes.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Between any two announces of ours. BEP 14: a minute. What is due waits, and goes together.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Datagrams read from one address. Beyond: dropped unread. Default 12 a minute, 10 at once: several clients.</summary>
    public int HeardPerSourcePerMinute { get; init; } = 12;

    /// <summary>See <see cref="HeardPerSourcePerMinute"/>.</summary>
    public int HeardBurst { get; init; } = 10;

    /// <summary>Datagrams read in all. Beyond: dropped unread. Default 50 a second: about 250 hosts that start at once.</summary>
    public int HeardPerSecond { get; init; } = 50;

    /// <summary>Addresses counted. Beyond: all counts begin anew; the limit for all of them stays. Default 1,000.</summary>
    public int MaxSources { get; init; } = 1000;

    /// <summary>Torrents announced. Beyond: not announced, and not listened for. Default 1,000.</summary>
    public int MaxTorrents { get; init; } = 1000;
}
