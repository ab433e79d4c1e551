using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Where others find us: trackers, the DHT and peers name us too, and to call ourselves is of no use.</summary>
internal sealed class OwnAddresses
{
    /// <summary>Addresses that are ours since we came out there: one or two of each network that we are in. Range 1 and up.</summary>
    private const int MaxReached = 8;

    private IPAddress? _v4;
    private IPAddress? _v6;

    // The oldest first; null: none, which is so for most.
    private List<IPEndPoint>? _reached;

    /// <summary>Where peers reach us; 0: not told.</summary>
    public int Port
    {
        get;
        set
        {
            if (field != value)
            {
                field = value;
                _reached = null;
            }
        }
    }

    /// <summary>Where the world sees us; null: not known.</summary>
    public IPAddress? External(AddressFamily family) => family == AddressFamily.InterNetwork ? _v4 : _v6;

    public void SetExternal(IPAddress address)
    {
        ref var known = ref address.AddressFamily == AddressFamily.InterNetwork ? ref _v4 : ref _v6;
        // Where we were before somebody else may be now.
        if (known is not null && !known.Equals(address))
        {
            _reached = null;
        }

        known = address;
    }

    /// <summary>Who was called there was ourselves.</summary>
    public void Reached(IPEndPoint endPoint)
    {
        if (_reached?.Contains(endPoint) == true)
        {
            return;
        }

        _reached ??= [];
        if (_reached.Count == MaxReached)
        {
            _reached.RemoveAt(0);
        }

        _reached.Add(endPoint);
    }

    public bool Contains(IPEndPoint endPoint) =>
        (endPoint.Port == Port && endPoint.Address.Equals(External(endPoint.AddressFamily)))
        || _reached?.Contains(endPoint) == true;
}
