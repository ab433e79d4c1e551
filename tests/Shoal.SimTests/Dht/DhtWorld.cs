using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.SimTests;

/// <summary>Somebody in the simulated network.</summary>
internal interface IDhtActor
{
    IPEndPoint Address { get; }

    void Receive(IPEndPoint source, byte[] datagram, TimeSpan now, List<DhtDatagram> output);

    void Tick(TimeSpan now, List<DhtDatagram> output);
}

/// <summary>A node as we are one.</summary>
internal sealed class HonestNode : IDhtActor
{
    private readonly DhtEffects _effects = new();
    private IPAddress? _told;

    public HonestNode(DhtWorld world, IPEndPoint address, IEnumerable<IPEndPoint> bootstrap, DhtLimits limits)
    {
        Address = address;
        Dht = new Dht(limits, world.NewSeed(), [address.AddressFamily], world.Verify, false, [], world.Now);
        foreach (var endPoint in bootstrap)
        {
            Dht.AddBootstrap(endPoint);
        }
    }

    public IPEndPoint Address { get; }
    public Dht Dht { get; }
    public List<DhtResult> Results { get; } = [];

    /// <summary>Hears peers and trackers too, as an engine does; null: the DHT alone.</summary>
    public ExternalAddressJudge? Judge { get; set; }

    /// <summary>Somebody else than the DHT says where this node is seen.</summary>
    public void Hear(AddressWitness kind, string who, IPAddress address, TimeSpan now)
    {
        if (Judge?.Hear(kind, who, address, now) == true)
        {
            Dht.TakeExternalAddress(Judge.IPv4!, now);
        }
    }

    public void Receive(IPEndPoint source, byte[] datagram, TimeSpan now, List<DhtDatagram> output)
    {
        Dht.Receive(0, source, datagram, now, _effects);
        if (Dht.Nodes[0].VotedAddress is { } voted && !voted.Equals(_told))
        {
            _told = voted;
            Hear(AddressWitness.Dht, "0", voted, now);
        }

        Flush(output);
    }

    public void Tick(TimeSpan now, List<DhtDatagram> output)
    {
        Dht.Tick(now, _effects);
        Flush(output);
    }

    public int Do(Func<Dht, DhtEffects, int> command, DhtWorld world)
    {
        var number = command(Dht, _effects);
        var output = new List<DhtDatagram>();
        Flush(output);
        world.Send(this, output);
        return number;
    }

    private void Flush(List<DhtDatagram> output)
    {
        output.AddRange(_effects.Datagrams);
        Results.AddRange(_effects.Results);
        _effects.Clear();
    }
}

/// <summary>A network of nodes in virtual time: delays, losses, everything from one seed.</summary>
internal sealed class DhtWorld(int seed, double loss = 0.02)
{
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    private readonly PriorityQueue<Event, (TimeSpan At, long Order)> _queue = new();
    private readonly Dictionary<IPEndPoint, IDhtActor> _actors = [];
    private readonly List<DhtDatagram> _output = [];
    private long _order;

    public Random Random { get; } = new(seed);
    public TimeSpan Now { get; private set; }
    public long DatagramsSent { get; private set; }
    public SignatureVerifier? Verify { get; init; }
    public IEnumerable<IDhtActor> Actors => _actors.Values;

    private readonly record struct Event(IDhtActor? Ticking, IPEndPoint? From, IPEndPoint? To, byte[]? Bytes);

    public byte[] NewSeed()
    {
        var bytes = new byte[DhtRandom.SeedSize];
        Random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>An address somewhere in the world that nobody has.</summary>
    public IPEndPoint NewAddress()
    {
        while (true)
        {
            byte[] bytes =
            [
                (byte)Random.Next(11, 120),
                (byte)Random.Next(256),
                (byte)Random.Next(256),
                (byte)Random.Next(1, 255),
            ];
            var address = new IPEndPoint(new IPAddress(bytes), Random.Next(1024, 65536));
            if (!_actors.ContainsKey(address))
            {
                return address;
            }
        }
    }

    public void Add(IDhtActor actor)
    {
        _actors.Add(actor.Address, actor);
        Enqueue(new Event(actor, null, null, null), Now + TickInterval * Random.NextDouble());
    }

    public void Remove(IDhtActor actor) => _actors.Remove(actor.Address);

    public void Send(IDhtActor from, IEnumerable<DhtDatagram> datagrams)
    {
        foreach (var datagram in datagrams)
        {
            DatagramsSent++;
            if (Random.NextDouble() >= loss)
            {
                var delay = TimeSpan.FromMilliseconds(15 + Random.NextDouble() * 120);
                Enqueue(new Event(null, from.Address, datagram.To, datagram.Bytes), Now + delay);
            }
        }
    }

    public void Run(TimeSpan duration)
    {
        var end = Now + duration;
        while (_queue.TryPeek(out _, out var key) && key.At <= end)
        {
            var next = _queue.Dequeue();
            Now = key.At;
            var actor = next.Ticking ?? _actors.GetValueOrDefault(next.To!);
            if (actor is null || !_actors.ContainsKey(actor.Address))
            {
                continue;
            }

            _output.Clear();
            if (next.Ticking is not null)
            {
                actor.Tick(Now, _output);
                Enqueue(next, Now + TickInterval);
            }
            else
            {
                actor.Receive(next.From!, next.Bytes!, Now, _output);
            }

            Send(actor, _output);
        }

        Now = end;
    }

    private void Enqueue(Event item, TimeSpan at) => _queue.Enqueue(item, (at, _order++));
}
