using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// Where the world sees this engine: brings what torrents, trackers, the DHT and routers hear to the
/// <see cref="ExternalAddressJudge"/>, and its decisions to all of them. Safe to use from any thread.
/// </summary>
internal sealed class ExternalAddresses(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly ExternalAddressJudge _judge = new();
    private readonly long _epoch = time.GetTimestamp();

    /// <summary>Told of each decision; quick. Set before anything is heard.</summary>
    public Action<IPAddress>? OnChange { get; set; }

    /// <summary>As decided; one of each family at most.</summary>
    public IReadOnlyList<IPAddress> Known
    {
        get
        {
            lock (_lock)
            {
                return [.. new[] { _judge.IPv4, _judge.IPv6 }.OfType<IPAddress>()];
            }
        }
    }

    /// <inheritdoc cref="ExternalAddressJudge.Hear(AddressWitness, string, IPAddress, TimeSpan)"/>
    public void Hear(AddressWitness kind, string who, IPAddress address) =>
        Hear(now => _judge.Hear(kind, who, address, now), address);

    /// <inheritdoc cref="ExternalAddressJudge.Hear(AddressWitness, IPAddress, IPAddress, TimeSpan)"/>
    public void Hear(AddressWitness kind, IPAddress who, IPAddress address) =>
        Hear(now => _judge.Hear(kind, who, address, now), address);

    private void Hear(Func<TimeSpan, bool> hear, IPAddress address)
    {
        lock (_lock)
        {
            if (!hear(time.GetElapsedTime(_epoch)))
            {
                return;
            }

            var isIPv4 = address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;
            // Told within the lock, so that nobody hears of two decisions in the wrong order.
            OnChange?.Invoke((isIPv4 ? _judge.IPv4 : _judge.IPv6)!);
        }
    }
}
