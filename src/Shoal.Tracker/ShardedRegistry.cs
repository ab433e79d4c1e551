using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>
/// What HTTP and UDP share: the registry in shards, each behind a lock of its own that is held for about a
/// microsecond; who may announce; counters.
/// </summary>
internal sealed class ShardedRegistry
{
    // Enough that the threads of a large machine rarely meet; a power of two.
    private const int ShardCount = 16;

    private readonly Shard[] _shards = new Shard[ShardCount];
    private readonly ConcurrentDictionary<InfoHash, byte> _allowed = new();
    private readonly TrackerOptions _options;
    private readonly long _start;
    private volatile IpFilter _filter;
    private long _httpAnnounces;
    private long _udpAnnounces;
    private long _scrapes;
    private long _connects;
    private long _refused;
    private long _ignored;

    public ShardedRegistry(TrackerOptions options)
    {
        _options = options;
        _filter = options.Filter;
        _start = options.Time.GetTimestamp();
        var lifetime = options.Interval * 1.5;
        var limits = options.Limits with
        {
            MaxSwarms = Math.Max(options.Limits.MaxSwarms / ShardCount, 1),
            MaxPeers = Math.Max(options.Limits.MaxPeers / ShardCount, 1),
            PeerLifetime = lifetime > options.Limits.PeerLifetime ? lifetime : options.Limits.PeerLifetime,
        };
        for (var i = 0; i < ShardCount; i++)
        {
            var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
            _shards[i] = new Shard(new Registry(limits, seed), new Lock());
        }

        foreach (var infoHash in options.Allowed)
        {
            _allowed[infoHash] = 0;
        }
    }

    public TrackerOptions Options => _options;

    /// <summary>Time since the start.</summary>
    public TimeSpan Now => _options.Time.GetElapsedTime(_start);

    public TrackerCounters Counters
    {
        get
        {
            var swarms = 0;
            var peers = 0;
            foreach (var shard in _shards)
            {
                lock (shard.Lock)
                {
                    swarms += shard.Registry.Swarms;
                    peers += shard.Registry.Peers;
                }
            }

            return new TrackerCounters(
                swarms,
                peers,
                Interlocked.Read(ref _httpAnnounces),
                Interlocked.Read(ref _udpAnnounces),
                Interlocked.Read(ref _scrapes),
                Interlocked.Read(ref _connects),
                Interlocked.Read(ref _refused),
                Interlocked.Read(ref _ignored)
            );
        }
    }

    public void Allow(InfoHash infoHash) => _allowed[infoHash] = 0;

    public void Disallow(InfoHash infoHash) => _allowed.TryRemove(infoHash, out _);

    public bool IsAllowed(InfoHash infoHash) => !_options.AllowOnlyListed || _allowed.ContainsKey(infoHash);

    /// <summary>Who is not answered.</summary>
    public bool IsFiltered(IPAddress address) => _filter.Contains(address);

    /// <inheritdoc cref="IsFiltered(IPAddress)"/>
    public bool IsFiltered(in PeerAddress address) => _filter.Count > 0 && _filter.Contains(address.ToIPAddress());

    /// <summary>Replaces the filter; who is listed and in it is forgotten.</summary>
    public void SetFilter(IpFilter filter)
    {
        _filter = filter;
        if (filter.Count == 0)
        {
            return;
        }

        foreach (var shard in _shards)
        {
            lock (shard.Lock)
            {
                shard.Registry.Remove(filter);
            }
        }
    }

    public int Wanted(int asked) =>
        asked < 0 ? Math.Min(_options.DefaultWanted, _options.MaxWanted) : Math.Min(asked, _options.MaxWanted);

    public RegistryAnswer Announce(
        in AnnounceRequest request,
        in PeerAddress from,
        int wanted,
        Span<byte> same,
        Span<byte> other,
        TimeSpan now
    )
    {
        var shard = ShardOf(request.InfoHash);
        lock (shard.Lock)
        {
            return shard.Registry.Announce(request, from, wanted, same, other, now);
        }
    }

    public ScrapeCounts Scrape(InfoHash infoHash)
    {
        if (!IsAllowed(infoHash))
        {
            return new ScrapeCounts(0, 0, 0, 0);
        }

        var shard = ShardOf(infoHash);
        lock (shard.Lock)
        {
            return shard.Registry.Scrape(infoHash);
        }
    }

    /// <summary>Forgets some of what is due; called once a second it gets round in less than a minute.</summary>
    public void Expire()
    {
        const int rounds = 50;
        var now = Now;
        foreach (var shard in _shards)
        {
            lock (shard.Lock)
            {
                shard.Registry.Expire(now, shard.Registry.Swarms / rounds + 1);
            }
        }
    }

    public void CountHttpAnnounce() => Interlocked.Increment(ref _httpAnnounces);

    public void CountUdpAnnounce() => Interlocked.Increment(ref _udpAnnounces);

    public void CountScrape() => Interlocked.Increment(ref _scrapes);

    public void CountConnect() => Interlocked.Increment(ref _connects);

    public void CountRefused() => Interlocked.Increment(ref _refused);

    public void CountIgnored() => Interlocked.Increment(ref _ignored);

    // The last byte: the first ones choose the bucket.
    private Shard ShardOf(InfoHash infoHash) => _shards[infoHash.Span[InfoHash.Size - 1] & (ShardCount - 1)];

    private sealed record Shard(Registry Registry, Lock Lock);
}
