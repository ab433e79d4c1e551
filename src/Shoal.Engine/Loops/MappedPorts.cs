using System.Threading.Channels;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Which ports of the engine routers forward, and at which the world reaches it. Safe to use from any thread.</summary>
internal sealed class MappedPorts : IAsyncDisposable
{
    private readonly int _port;
    private readonly ChannelWriter<EngineEvent> _events;
    private readonly Action _portChanged;
    private readonly ExternalAddresses _addresses;
    private readonly PortMappingLoop _loop;
    private readonly Dictionary<PortWish, PortMapping> _told = [];
    private volatile int _publicPort;

    /// <param name="binding">By which addresses and interfaces we may leave.</param>
    /// <param name="time">The clock.</param>
    /// <param name="port">The TCP port we listen on.</param>
    /// <param name="udpPort">Null: none is open.</param>
    /// <param name="events">Told of each change.</param>
    /// <param name="portChanged">Told when <see cref="PublicPort"/> is another; quick.</param>
    /// <param name="addresses">Told which address routers say we have.</param>
    public MappedPorts(
        LocalBinding binding,
        TimeProvider time,
        int port,
        int? udpPort,
        ChannelWriter<EngineEvent> events,
        Action portChanged,
        ExternalAddresses addresses
    )
    {
        (_port, _publicPort, _events, _portChanged, _addresses) = (port, port, events, portChanged, addresses);
        var wishes = new List<PortWish> { new(MappedProtocol.Tcp, (ushort)port) };
        if (udpPort is { } udp)
        {
            wishes.Add(new PortWish(MappedProtocol.Udp, (ushort)udp));
        }

        _loop = new PortMappingLoop(
            new PortMappingOptions
            {
                Binding = binding,
                Wishes = wishes,
                Time = time,
                OnChange = Take,
                OnFault = exception => events.TryWrite(new EngineEvent.EngineFaulted(exception)),
            }
        );
    }

    /// <summary>The port outside that leads to our TCP port, as far as we know.</summary>
    public int PublicPort => _publicPort;

    public void Start() => _loop.Start();

    public ValueTask DisposeAsync() => _loop.DisposeAsync();

    private void Take(IReadOnlyList<PortMapping> mappings)
    {
        // Of several routers the first; peers can be told one port only.
        var best = mappings.GroupBy(mapping => mapping.Wish).ToDictionary(same => same.Key, same => same.First());
        foreach (var gone in _told.Keys.Except(best.Keys).ToList())
        {
            _told.Remove(gone);
            _events.TryWrite(new EngineEvent.PortUnmapped(gone.Protocol, gone.Port));
        }

        foreach (var (wish, mapping) in best)
        {
            if (_told.GetValueOrDefault(wish) != mapping)
            {
                _told[wish] = mapping;
                if (mapping.ExternalAddress is { } external)
                {
                    // Of all ways to ask it is the same router that answers.
                    _addresses.Hear(AddressWitness.Router, "router", external);
                }

                _events.TryWrite(
                    new EngineEvent.PortMapped(
                        wish.Protocol,
                        wish.Port,
                        mapping.ExternalPort,
                        mapping.ExternalAddress,
                        mapping.Method switch
                        {
                            MappingMethod.Pcp => "pcp",
                            MappingMethod.NatPmp => "nat-pmp",
                            _ => "upnp",
                        }
                    )
                );
            }
        }

        int? mapped = best.TryGetValue(new PortWish(MappedProtocol.Tcp, (ushort)_port), out var tcp)
            ? tcp.ExternalPort
            : null;
        if (_publicPort != (mapped ?? _port))
        {
            _publicPort = mapped ?? _port;
            _portChanged();
        }
    }
}
