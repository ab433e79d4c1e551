using System.Net;

namespace Shoal.Engine;

/// <summary>
/// The engine's connection places, shared by all torrents: how many connections there may be in all and from one
/// address, and which addresses are banned or filtered. Small and synchronous, hence a lock and no loop.
/// </summary>
internal sealed class ConnectionSlots(EngineOptions options, TimeProvider time, AddressFilter? filter = null)
{
    /// <summary>How long a ban lasts. Addresses change hands, so not for ever.</summary>
    public static readonly TimeSpan BanTime = TimeSpan.FromHours(12);

    /// <summary>Bans kept at most; the oldest go first. 100,000 addresses are about 10 MB.</summary>
    private const int MaxBans = 100_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _byAddress = [];
    private readonly Dictionary<IPAddress, DateTimeOffset> _bans = [];
    private readonly Queue<IPAddress> _banOrder = new();
    private int _taken;

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

    /// <summary>Takes a place for a connection from or to the address, or says why there is none.</summary>
    public bool TryTake(IPAddress address, out DisconnectReason refusal)
    {
        if (filter?.IsBlocked(address) == true)
        {
            refusal = DisconnectReason.Filtered;
            return false;
        }

        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            if (IsBannedNow(network))
            {
                refusal = DisconnectReason.Banned;
                return false;
            }

            var fromAddress = _byAddress.GetValueOrDefault(network);
            // Everybody on this machine shares the loopback addresses; they are no strangers to be capped.
            if (
                _taken >= options.MaxPeers
                || (fromAddress >= options.MaxPeersPerAddress && !IPAddress.IsLoopback(address))
            )
            {
                refusal = DisconnectReason.TooManyConnections;
                return false;
            }

            _byAddress[network] = fromAddress + 1;
            _taken++;
            refusal = default;
            return true;
        }
    }

    /// <summary>Gives back a place that <see cref="TryTake"/> gave.</summary>
    public void Return(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            _taken--;
            var left = _byAddress[network] - 1;
            if (left == 0)
            {
                _byAddress.Remove(network);
            }
            else
            {
                _byAddress[network] = left;
            }
        }
    }

    public void Ban(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            if (_bans.TryAdd(network, time.GetUtcNow() + BanTime))
            {
                _banOrder.Enqueue(network);
            }

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

    private bool IsBannedNow(IPAddress network) =>
        _bans.TryGetValue(network, out var until) && time.GetUtcNow() < until;
}
