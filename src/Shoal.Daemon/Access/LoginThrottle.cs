using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Shoal.Daemon;

/// <summary>
/// Slows down who guesses: after some failures an address has to wait, longer each time. Counts the address the connection
/// comes from; what headers say of it is anybody's word.
/// </summary>
internal sealed class LoginThrottle(TimeProvider time, ILogger? log = null)
{
    /// <summary>Failures before an address has to wait. Default 5.</summary>
    private const int Free = 5;

    /// <summary>Addresses that are remembered; the one that failed longest ago is forgotten beyond. Default 4,096.</summary>
    private const int MaxAddresses = 4096;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, (int Failures, long Last)> _failed = [];

    /// <summary>How long the address still has to wait; null: it may try.</summary>
    public TimeSpan? Wait(IPAddress address)
    {
        lock (_lock)
        {
            return
                _failed.TryGetValue(KeyOf(address), out var known)
                && known.Failures >= Free
                && WaitAfter(known.Failures) - time.GetElapsedTime(known.Last) is { Ticks: > 0 } left
                ? left
                : null;
        }
    }

    public void Failed(IPAddress address)
    {
        var failures = Count(address);
        if (log is not null)
        {
            Log.Refused(log, address, failures);
        }
    }

    private int Count(IPAddress address)
    {
        lock (_lock)
        {
            var key = KeyOf(address);
            // Who was quiet for long begins anew. By a clock that nobody sets: else setting it back kept people out.
            var isKnown = _failed.TryGetValue(key, out var known);
            var failures = isKnown && time.GetElapsedTime(known.Last) <= LongestWait * 2 ? known.Failures + 1 : 1;
            if (!isKnown && _failed.Count >= MaxAddresses)
            {
                _failed.Remove(_failed.MinBy(entry => entry.Value.Last).Key);
            }

            _failed[key] = (failures, time.GetTimestamp());
            return failures;
        }
    }

    public void Succeeded(IPAddress address)
    {
        lock (_lock)
        {
            _failed.Remove(KeyOf(address));
        }
    }

    private static TimeSpan WaitAfter(int failures)
    {
        var wait = FirstWait * Math.Pow(2, Math.Min(failures - Free, 20));
        return wait < LongestWait ? wait : LongestWait;
    }

    /// <summary>Who has one IPv6 address has all of its /64.</summary>
    private static IPAddress KeyOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
