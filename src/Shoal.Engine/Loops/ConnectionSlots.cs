using System.Net;

namespace Shoal.Engine;

/// <summary>
/// The engine's connection places, shared by all torrents: how many connections there may be in all, from one address and
/// from one neighbourhood, and which addresses are banned or filtered. When all places are taken the torrent that is best
/// off gives one up for one that is worse off. Small and synchronous, hence a lock and no loop.
/// </summary>
internal sealed class ConnectionSlots(
    EngineOptions options,
    SharingLimits limits,
    TimeProvider time,
    AddressFilter? filter = null
)
{
    /// <summary>How long a ban lasts. Addresses change hands, so not for ever.</summary>
    public static readonly TimeSpan BanTime = TimeSpan.FromHours(12);

    /// <summary>Bans kept at most; the oldest go first. 100,000 addresses are about 10 MB.</summary>
    private const int MaxBans = 100_000;

    private readonly Lock _lock = new();
    private readonly HashSet<TorrentShare> _shares = [];
    private readonly Dictionary<IPAddress, int> _byAddress = [];
    private readonly Dictionary<PeerNetwork.Neighbourhood, int> _byNeighbourhood = [];

    // Since when, by a clock that nobody sets.
    private readonly Dictionary<IPAddress, long> _bans = [];
    private readonly Queue<IPAddress> _banOrder = new();
    private int _taken;
    private int _owed;

    /// <summary>Places taken now.</summary>
    public int Taken
    {
        get
        {
            lock (_lock)
            {
                return _taken;
            }
        }
    }

    /// <summary>A quarter of all places, and as many as one address may have.</summary>
    private int MaxPerNeighbourhood => Math.Max(options.MaxPeersPerAddress, options.MaxPeers / 4);

    /// <param name="giveUp">See <see cref="TorrentShare.GiveUp"/>.</param>
    public TorrentShare Join(Action giveUp)
    {
        var share = new TorrentShare(giveUp);
        lock (_lock)
        {
            _shares.Add(share);
        }

        return share;
    }

    /// <summary>The torrent is gone, and has returned its places.</summary>
    public void Leave(TorrentShare share)
    {
        lock (_lock)
        {
            _shares.Remove(share);
        }
    }

    public void SetKind(TorrentShare share, ShareKind kind)
    {
        lock (_lock)
        {
            share.Kind = kind;
        }
    }

    /// <summary>Whether a place would be given, apart from whose it is to be.</summary>
    public bool HasPlaceFor(TorrentShare share)
    {
        lock (_lock)
        {
            return HasPlace || FindDebtor(share) is not null;
        }
    }

    /// <summary>Takes a place for a connection from or to the address, or says why there is none.</summary>
    public bool TryTake(TorrentShare share, IPAddress address, out DisconnectReason refusal)
    {
        if (filter?.IsBlocked(address) == true)
        {
            refusal = DisconnectReason.Filtered;
            return false;
        }

        TorrentShare? debtor = null;
        lock (_lock)
        {
            if (IsBannedNow(PeerNetwork.Of(address)))
            {
                refusal = DisconnectReason.Banned;
                return false;
            }

            refusal = DisconnectReason.TooManyConnections;
            if (IsCrowd(address))
            {
                return false;
            }

            if (!HasPlace)
            {
                debtor = FindDebtor(share);
                if (debtor is null)
                {
                    return false;
                }

                debtor.Owed++;
                _owed++;
            }

            Count(address, 1);
            share.Taken++;
            _taken++;
        }

        debtor?.GiveUp();
        return true;
    }

    /// <summary>Gives back a place that <see cref="TryTake"/> gave.</summary>
    public void Return(TorrentShare share, IPAddress address)
    {
        lock (_lock)
        {
            Count(address, -1);
            share.Taken--;
            _taken--;
            if (share.Owed > 0)
            {
                share.Owed--;
                _owed--;
            }
        }
    }

    public void Ban(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            if (!_bans.ContainsKey(network))
            {
                _banOrder.Enqueue(network);
            }

            // Also where an earlier one is over.
            _bans[network] = time.GetTimestamp();

            if (_banOrder.Count > MaxBans)
            {
                _bans.Remove(_banOrder.Dequeue());
            }
        }
    }

    /// <summary>Whether nobody at this address may connect: for what was done, or by the user's filter.</summary>
    public bool IsBanned(IPAddress address)
    {
        if (filter?.IsBlocked(address) == true)
        {
            return true;
        }

        lock (_lock)
        {
            return IsBannedNow(PeerNetwork.Of(address));
        }
    }

    /// <summary>Who gives one up is counted as having done so.</summary>
    private bool HasPlace => _taken - _owed < options.MaxPeers;

    /// <summary>
    /// The torrent that is best off, if it still is better off than this one after the change: so a place never goes back
    /// and forth.
    /// </summary>
    private TorrentShare? FindDebtor(TorrentShare poor)
    {
        TorrentShare? richest = null;
        foreach (var share in _shares)
        {
            if (share != poor && (richest is null || share.Wealth(limits) > richest.Wealth(limits)))
            {
                richest = share;
            }
        }

        return _owed < limits.MaxOwed && richest?.Wealth(limits) > poor.Wealth(limits, more: 1) ? richest : null;
    }

    private bool IsCrowd(IPAddress address) =>
        // Everybody on this machine shares the loopback addresses; they are no strangers to be capped.
        (
            _byAddress.GetValueOrDefault(PeerNetwork.Of(address)) >= options.MaxPeersPerAddress
            && !IPAddress.IsLoopback(address)
        )
        || (
            _byNeighbourhood.GetValueOrDefault(PeerNetwork.NeighbourhoodOf(address)) >= MaxPerNeighbourhood
            && NetworkReaches.Of(address) == NetworkReach.Global
        );

    private void Count(IPAddress address, int change)
    {
        Count(_byAddress, PeerNetwork.Of(address), change);
        Count(_byNeighbourhood, PeerNetwork.NeighbourhoodOf(address), change);
    }

    private static void Count<T>(Dictionary<T, int> counts, T key, int change)
        where T : notnull
    {
        var count = counts.GetValueOrDefault(key) + change;
        if (count == 0)
        {
            counts.Remove(key);
        }
        else
        {
            counts[key] = count;
        }
    }

    private bool IsBannedNow(IPAddress network) =>
        _bans.TryGetValue(network, out var since) && time.GetElapsedTime(since) < BanTime;
}
