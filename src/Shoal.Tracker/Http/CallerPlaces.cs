using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Shoal.Tracker;

/// <summary>
/// The connections of an HTTP server. Whoever calls is a stranger until it has shown who it is; when all places are taken a
/// newcomer gets the place of the stranger that has been there longest of the address with most of them. A request takes
/// milliseconds, so callers who ask and go lose nothing; who opens connections by the thousand and stays pushes out itself. Nor
/// do those who have shown who they are take all places: of each only so many are kept, and an eighth of all is kept for none
/// but those who administer.
/// </summary>
/// <param name="most">Places, of strangers and others together.</param>
/// <param name="ofOne">Places that are kept for one who has shown who it is. With more it is a stranger.</param>
public sealed class CallerPlaces(int most, int ofOne)
{
    /// <summary>A place; given back with <see cref="Return"/>.</summary>
    public sealed class Place
    {
        private readonly CallerPlaces _owner;

        internal Place(CallerPlaces owner, IPAddress address, Action pushOut)
        {
            _owner = owner;
            Network = NetworkOf(address);
            PushOut = pushOut;
        }

        internal UInt128 Network { get; }
        internal Action PushOut { get; }

        /// <summary>Among the strangers; null: it has shown who it is, or is gone.</summary>
        internal LinkedListNode<Place>? Waiting { get; set; }
        internal long Number { get; set; }

        /// <summary>For whom it is kept; null: for nobody.</summary>
        internal string? Holder { get; set; }
        internal bool IsTrusted { get; set; }

        /// <summary>The caller has shown who it is: nobody pushes it out any more, unless too many are kept.</summary>
        /// <param name="who">The same for all its connections. The first that is said counts.</param>
        /// <param name="isTrusted">It administers.</param>
        public void Keep(string who, bool isTrusted) => _owner.Keep(this, who, isTrusted);

        public void Return() => _owner.Return(this);
    }

    private sealed class Crowd
    {
        // In the order they came.
        public LinkedList<Place> Strangers { get; } = new();
    }

    private sealed class BySize : IComparer<Crowd>
    {
        public int Compare(Crowd? x, Crowd? y)
        {
            var order = x!.Strangers.Count.CompareTo(y!.Strangers.Count);
            return order != 0 ? order : -x.Strangers.First!.Value.Number.CompareTo(y.Strangers.First!.Value.Number);
        }
    }

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Crowd> _crowds = [];
    private readonly SortedSet<Crowd> _bySize = new(new BySize());
    private readonly Dictionary<string, int> _kept = new(StringComparer.Ordinal);
    private readonly int _mostUntrusted = most - most / 8;
    private int _untrusted;
    private int _taken;
    private long _lastNumber;

    /// <summary>Places that are taken.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Takes a place; null: all belong to callers who have shown who they are.</summary>
    /// <param name="address">Who called.</param>
    /// <param name="pushOut">Called from any thread, at most once, when somebody else gets the place; ends the connection.</param>
    public Place? TryTake(IPAddress address, Action pushOut)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(pushOut);
        var place = new Place(this, address, pushOut);
        Place? victim = null;
        lock (_lock)
        {
            if (_taken >= most)
            {
                victim = _bySize.Max?.Strangers.First!.Value;
                if (victim is null)
                {
                    return null;
                }

                Leave(victim);
                _taken--;
            }

            _taken++;
            place.Number = _lastNumber++;
            if (!_crowds.TryGetValue(place.Network, out var crowd))
            {
                _crowds.Add(place.Network, crowd = new Crowd());
            }
            else
            {
                _bySize.Remove(crowd);
            }

            place.Waiting = crowd.Strangers.AddLast(place);
            _bySize.Add(crowd);
        }

        victim?.PushOut();
        return place;
    }

    private void Keep(Place place, string who, bool isTrusted)
    {
        lock (_lock)
        {
            var kept = _kept.GetValueOrDefault(who);
            if (place.Waiting is null || kept >= ofOne || (!isTrusted && _untrusted >= _mostUntrusted))
            {
                return;
            }

            Leave(place);
            _kept[who] = kept + 1;
            _untrusted += isTrusted ? 0 : 1;
            (place.Holder, place.IsTrusted) = (who, isTrusted);
        }
    }

    private void Return(Place place)
    {
        lock (_lock)
        {
            if (place.Waiting is not null)
            {
                Leave(place);
                _taken--;
            }
            else if (place.Holder is { } who)
            {
                place.Holder = null;
                _taken--;
                _untrusted -= place.IsTrusted ? 0 : 1;
                if (--_kept[who] == 0)
                {
                    _kept.Remove(who);
                }
            }
        }
    }

    private void Leave(Place place)
    {
        var crowd = _crowds[place.Network];
        _bySize.Remove(crowd);
        crowd.Strangers.Remove(place.Waiting!);
        place.Waiting = null;
        if (crowd.Strangers.Count == 0)
        {
            _crowds.Remove(place.Network);
        }
        else
        {
            _bySize.Add(crowd);
        }
    }

    /// <summary>Who has one address of a /64 has them all.</summary>
    private static UInt128 NetworkOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv6();
            return BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes());
        }

        return BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes()) >> 64 << 64;
    }
}

/// <summary>Puts <see cref="CallerPlaces"/> before a door of Kestrel's.</summary>
public static class CallerGate
{
    /// <summary>First of what stands before the door, so that TLS and all else come behind it.</summary>
    public static void Use(IConnectionBuilder door, CallerPlaces places)
    {
        ArgumentNullException.ThrowIfNull(door);
        door.Use(next => connection => LetInAsync(next, connection, places));
    }

    /// <summary>The caller of this request has shown who it is.</summary>
    /// <param name="who">The same for all its connections.</param>
    /// <param name="isTrusted">It administers.</param>
    public static void Keep(IFeatureCollection features, string who, bool isTrusted)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (
            features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(typeof(CallerGate), out var place) == true
            && place is CallerPlaces.Place taken
        )
        {
            taken.Keep(who, isTrusted);
        }
    }

    private static async Task LetInAsync(ConnectionDelegate next, ConnectionContext connection, CallerPlaces places)
    {
        var address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (places.TryTake(address, connection.Abort) is not { } place)
        {
            connection.Abort();
            return;
        }

        try
        {
            connection.Items[typeof(CallerGate)] = place;
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            place.Return();
        }
    }
}
