using System.Net;

namespace Shoal.Engine;

/// <summary>
/// The incoming connections that have not shown yet what they want, in all and by network. When all places are taken
/// a newcomer pushes out whoever came first from the neighbourhood that holds most of them: silence for as long as the
/// handshake's deadline keeps nobody else out, unless it comes from as many neighbourhoods as there are places.
/// </summary>
internal sealed class HandshakeSlots(TcpLimits limits)
{
    /// <summary>A place; given back once, with <see cref="Return"/>.</summary>
    internal sealed class Place(IPAddress address, Action pushOut)
    {
        internal IPAddress Network { get; } = PeerNetwork.Of(address);
        internal PeerNetwork.Neighbourhood Neighbourhood { get; } = PeerNetwork.NeighbourhoodOf(address);
        internal Action PushOut => pushOut;
        internal bool IsTaken { get; set; } = true;
        internal long Number { get; set; }
    }

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _byNetwork = [];

    // In the order they came.
    private readonly Dictionary<PeerNetwork.Neighbourhood, LinkedList<Place>> _byNeighbourhood = [];
    private int _taken;
    private long _lastNumber;

    /// <summary>Takes a place; null: there is none.</summary>
    /// <param name="address">Who called.</param>
    /// <param name="pushOut">Called, from any thread and at most once, when somebody else needs the place more; ends the connection.</param>
    public Place? TryTake(IPAddress address, Action pushOut)
    {
        var place = new Place(address, pushOut);
        Place? victim = null;
        lock (_lock)
        {
            var fromThere = _byNetwork.GetValueOrDefault(place.Network);
            if (fromThere >= limits.MaxHandshakesPerAddress && !IPAddress.IsLoopback(address))
            {
                return null;
            }

            if (_taken >= limits.MaxHandshakes)
            {
                victim = OldestOfMost(place.Neighbourhood);
                if (victim is null)
                {
                    return null;
                }

                Free(victim);
            }

            _taken++;
            place.Number = _lastNumber++;
            _byNetwork[place.Network] = _byNetwork.GetValueOrDefault(place.Network) + 1;
            if (!_byNeighbourhood.TryGetValue(place.Neighbourhood, out var there))
            {
                _byNeighbourhood[place.Neighbourhood] = there = new LinkedList<Place>();
            }

            there.AddLast(place);
        }

        victim?.PushOut();
        return place;
    }

    public void Return(Place place)
    {
        lock (_lock)
        {
            if (place.IsTaken)
            {
                Free(place);
            }
        }
    }

    /// <summary>Nobody is pushed out by a neighbour of its own while it holds as much as any.</summary>
    private Place? OldestOfMost(PeerNetwork.Neighbourhood newcomer)
    {
        var most = _byNeighbourhood.MaxBy(pair => (pair.Value.Count, -pair.Value.First!.Value.Number));
        var own = _byNeighbourhood.GetValueOrDefault(newcomer)?.Count ?? 0;
        return most.Value.Count > own ? most.Value.First!.Value : null;
    }

    private void Free(Place place)
    {
        place.IsTaken = false;
        _taken--;
        if (--_byNetwork[place.Network] is 0)
        {
            _byNetwork.Remove(place.Network);
        }

        var there = _byNeighbourhood[place.Neighbourhood];
        there.Remove(place);
        if (there.Count == 0)
        {
            _byNeighbourhood.Remove(place.Neighbourhood);
        }
    }
}
