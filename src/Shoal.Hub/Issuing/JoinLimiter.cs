using System.Net;
using System.Net.Sockets;

namespace Shoal.Hub;

/// <summary>
/// Who may try to join. Counts refused attempts only: those who hold a good link are never slowed down, however many come
/// from one address. One caller at a time; time is a parameter. Sources are forgotten when their window is over and never
/// written anywhere.
/// </summary>
internal sealed class JoinLimiter(HubLimits limits)
{
    private readonly Dictionary<UInt128, Source> _sources = [];
    private readonly Queue<(UInt128 Source, TimeSpan End)> _order = new();
    private TimeSpan _windowEnd;
    private int _total;

    /// <summary>How many sources are remembered.</summary>
    public int Remembered => _sources.Count;

    /// <summary>How long this source has to wait; zero: it may try.</summary>
    public TimeSpan WaitOf(IPAddress address, TimeSpan now)
    {
        Forget(now);
        return !_sources.TryGetValue(KeyOf(address), out var source) ? TimeSpan.Zero
            : source.Failures >= limits.FailuresPerSource ? source.End - now
            : _total >= limits.FailuresInTotal ? _windowEnd - now
            : TimeSpan.Zero;
    }

    /// <summary>An attempt of this source was refused.</summary>
    public void CountFailure(IPAddress address, TimeSpan now)
    {
        Forget(now);
        var key = KeyOf(address);
        if (!_sources.TryGetValue(key, out var source))
        {
            if (_sources.Count >= limits.RememberedSources)
            {
                _sources.Remove(_order.Dequeue().Source);
            }

            source = new Source(0, now + limits.FailureWindow);
            _order.Enqueue((key, source.End));
        }

        _sources[key] = source with { Failures = source.Failures + 1 };
        _total++;
    }

    private void Forget(TimeSpan now)
    {
        if (now >= _windowEnd)
        {
            (_windowEnd, _total) = (now + limits.FailureWindow, 0);
        }

        while (_order.TryPeek(out var oldest) && oldest.End <= now)
        {
            _order.Dequeue();
            _sources.Remove(oldest.Source);
        }
    }

    /// <summary>An IPv4 address, or the 64 bits of IPv6 that one customer has at least.</summary>
    private static UInt128 KeyOf(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            address.TryWriteBytes(bytes, out _);
            bytes[8..].Clear();
            bytes[8] = 6;
        }
        else
        {
            address.TryWriteBytes(bytes[12..], out _);
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private readonly record struct Source(int Failures, TimeSpan End);
}
