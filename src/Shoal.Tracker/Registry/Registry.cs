using System.Runtime.InteropServices;
using Shoal.Protocol;

namespace Shoal.Tracker;

internal enum RegistryOutcome
{
    /// <summary>Answered; the peer is listed, unless it left, cannot be connected to, or there was no room.</summary>
    Ok,

    /// <summary>A new infohash and <see cref="RegistryLimits.MaxSwarms"/> are there.</summary>
    TooManySwarms,
}

/// <summary>What an announce is answered with; peers are in the spans of the caller.</summary>
/// <param name="Same">Bytes of peers of the asker's address family.</param>
/// <param name="Other">Bytes of peers of the other one.</param>
internal readonly record struct RegistryAnswer(RegistryOutcome Outcome, ScrapeCounts Counts, int Same, int Other);

/// <summary>
/// Who is in which swarm. A state machine with one caller at a time: no clock, no lock, randomness from a seed.
/// Infohashes are only keys: of v1, or of v2 cut to 20 bytes.
/// </summary>
internal sealed class Registry(RegistryLimits limits, ulong seed)
{
    /// <summary>Most peers one answer gives, whatever room the caller has.</summary>
    public const int MaxWanted = 512;

    private readonly Dictionary<InfoHash, Swarm> _swarms = new(new InfoHashComparer(seed));
    private readonly List<Swarm> _list = [];
    private TrackerRandom _random = new(seed);
    private int _cursor;

    public int Swarms => _list.Count;

    public int Peers { get; private set; }

    /// <summary>
    /// Notes what a peer says and chooses peers for it: any subset of those that can be of use is equally likely.
    /// </summary>
    /// <param name="wanted">How many peers, bounded by the caller.</param>
    /// <param name="same">
    /// Room for packed peers of the asker's family; what it leaves of <paramref name="wanted"/> goes to
    /// <paramref name="other"/>.
    /// </param>
    /// <param name="now">Time since the start, never less than before.</param>
    public RegistryAnswer Announce(
        in AnnounceRequest request,
        in PeerAddress from,
        int wanted,
        Span<byte> same,
        Span<byte> other,
        TimeSpan now
    )
    {
        var isLeaving = request.Event == AnnounceEvent.Stopped;
        if (!_swarms.TryGetValue(request.InfoHash, out var swarm))
        {
            if (isLeaving)
            {
                return default;
            }

            if (_list.Count >= limits.MaxSwarms)
            {
                return new RegistryAnswer(RegistryOutcome.TooManySwarms, default, 0, 0);
            }

            swarm = new Swarm(request.InfoHash) { Position = _list.Count };
        }

        if (isLeaving)
        {
            Leave(swarm, request.Port, from);
            return new RegistryAnswer(RegistryOutcome.Ok, swarm.Scrape, 0, 0);
        }

        var role =
            request.Left == 0 ? PeerRole.Seed
            : request.Event == AnnounceEvent.Paused ? PeerRole.PartialSeed
            : PeerRole.Downloader;
        var self = request.Port == 0 ? -1 : Enter(swarm, request, from, role, now);
        wanted = Math.Min(wanted, MaxWanted);
        var sameCount = Choose(swarm.Existing(from.IsV6), role, self, wanted, same);
        var otherCount = Choose(swarm.Existing(!from.IsV6), role, -1, wanted - sameCount, other);
        return new RegistryAnswer(
            RegistryOutcome.Ok,
            swarm.Scrape,
            sameCount * from.PackedSize,
            otherCount * (from.IsV6 ? CompactPeers.SizeV4 : CompactPeers.SizeV6)
        );
    }

    /// <summary>Zero for a swarm that is not there; asking makes none.</summary>
    public ScrapeCounts Scrape(InfoHash infoHash) =>
        _swarms.TryGetValue(infoHash, out var swarm) ? swarm.Scrape : new ScrapeCounts(0, 0, 0, 0);

    /// <summary>
    /// Looks at some more swarms for peers not heard of for too long; call it often enough to get round once a
    /// minute. A swarm without peers is forgotten, and its count of completed downloads with it.
    /// </summary>
    public void Expire(TimeSpan now, int swarms)
    {
        if (now <= limits.PeerLifetime)
        {
            return;
        }

        var since = (uint)(now - limits.PeerLifetime).TotalSeconds;
        for (var left = Math.Min(swarms, _list.Count); left > 0; left--)
        {
            // Backwards, so that the swarm that takes a forgotten one's place has been looked at.
            _cursor = _cursor <= 0 || _cursor > _list.Count ? _list.Count - 1 : _cursor - 1;
            var swarm = _list[_cursor];
            Peers -= swarm.Expire(since);
            if (swarm.Count == 0)
            {
                Forget(swarm);
            }
        }
    }

    /// <summary>Forgets all peers in the filter.</summary>
    public void Remove(IpFilter filter)
    {
        for (var i = _list.Count - 1; i >= 0; i--)
        {
            var swarm = _list[i];
            Peers -= swarm.Remove(filter);
            if (swarm.Count == 0)
            {
                Forget(swarm);
            }
        }
    }

    private int Enter(Swarm swarm, in AnnounceRequest request, in PeerAddress from, PeerRole role, TimeSpan now)
    {
        Span<byte> endPoint = stackalloc byte[CompactPeers.SizeV6];
        endPoint = endPoint[..from.Pack(request.Port, endPoint)];
        var seconds = (uint)now.TotalSeconds;
        var table = swarm.Table(from.IsV6);
        var entry = table.Find(endPoint, out var sameAddress, out var oldest);
        if (entry < 0)
        {
            if (sameAddress >= limits.MaxPeersPerAddress)
            {
                table.Remove(oldest);
                Peers--;
            }

            if (Peers >= limits.MaxPeers || table.Count >= limits.MaxPeersPerSwarm)
            {
                return -1;
            }

            if (swarm.Count == 0)
            {
                Remember(swarm);
            }

            entry = table.Add(endPoint, role, seconds);
            Peers++;
        }
        else
        {
            entry = table.Update(entry, role, seconds);
        }

        if (request.Event == AnnounceEvent.Completed && table.MarkCompleted(entry))
        {
            swarm.Completed++;
        }

        return entry;
    }

    private void Leave(Swarm swarm, ushort port, in PeerAddress from)
    {
        Span<byte> endPoint = stackalloc byte[CompactPeers.SizeV6];
        endPoint = endPoint[..from.Pack(port, endPoint)];
        var table = swarm.Existing(from.IsV6);
        var entry = table?.Find(endPoint, out _, out _) ?? -1;
        if (entry < 0)
        {
            return;
        }

        table!.Remove(entry);
        Peers--;
        if (swarm.Count == 0 && swarm.Completed == 0)
        {
            Forget(swarm);
        }
    }

    private void Remember(Swarm swarm)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_swarms, swarm.InfoHash, out var exists);
        if (exists)
        {
            return;
        }

        known = swarm;
        swarm.Position = _list.Count;
        _list.Add(swarm);
    }

    private void Forget(Swarm swarm)
    {
        _swarms.Remove(swarm.InfoHash);
        var last = _list[^1];
        _list[swarm.Position] = last;
        last.Position = swarm.Position;
        _list.RemoveAt(_list.Count - 1);
    }

    /// <summary>Copies chosen peers into <paramref name="packed"/> and says how many.</summary>
    private int Choose(PeerTable? table, PeerRole role, int self, int wanted, Span<byte> packed)
    {
        if (table is null || wanted <= 0)
        {
            return 0;
        }

        // A seed has no use for seeds, nor has a partial seed for anybody who wants nothing of it.
        var candidates = role == PeerRole.Downloader ? table.Count : table.Downloaders;
        var skip = self >= 0 && self < candidates;
        if (skip)
        {
            candidates--;
        }

        var size = table.EndPointSize;
        wanted = Math.Min(Math.Min(wanted, candidates), packed.Length / size);
        if (wanted <= 0)
        {
            return 0;
        }

        Span<int> chosen = stackalloc int[wanted];
        var count = _random.Sample(candidates, chosen);
        for (var i = 0; i < count; i++)
        {
            var entry = chosen[i] + (skip && chosen[i] >= self ? 1 : 0);
            table.EndPoint(entry).CopyTo(packed[(i * size)..]);
        }

        return count;
    }
}
