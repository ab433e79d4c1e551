using System.Net;

namespace Shoal.Engine;

/// <summary>
/// Says whether a stranger may make us compute a key exchange now: so many a second in all, and fewer for one network.
/// </summary>
internal sealed class KeyExchangeBudget(MseLimits limits, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _epoch = time.GetTimestamp();
    private readonly TokenBucket _all = new(limits.PerSecond, limits.Burst);
    private readonly Dictionary<IPAddress, TokenBucket> _byNetwork = [];
    private readonly Queue<IPAddress> _order = new();

    public bool TryTake(IPAddress address)
    {
        var network = PeerNetwork.Of(address);
        lock (_lock)
        {
            var now = time.GetElapsedTime(_epoch);
            if (!_all.HasRoom(1, now))
            {
                return false;
            }

            // Everybody on this machine shares the loopback addresses.
            return (IPAddress.IsLoopback(address) || Bucket(network).TryTake(1, now)) && _all.TryTake(1, now);
        }
    }

    private TokenBucket Bucket(IPAddress network)
    {
        if (_byNetwork.TryGetValue(network, out var known))
        {
            return known;
        }

        if (_order.Count >= limits.MaxNetworks)
        {
            _byNetwork.Remove(_order.Dequeue());
        }

        var bucket = new TokenBucket(limits.PerSecondAndNetwork, limits.BurstOfNetwork);
        _byNetwork.Add(network, bucket);
        _order.Enqueue(network);
        return bucket;
    }
}
