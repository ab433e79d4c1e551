using System.Buffers;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.SimTests;

internal enum HostileKind
{
    /// <summary>Says it is next to whatever is looked for, takes announces and keeps them to itself.</summary>
    Sybil,

    /// <summary>Has a proper id and leads lookups to addresses where nobody is, and to its friends.</summary>
    Poisoner,

    /// <summary>Sends much: queries, garbage and answers nobody asked for.</summary>
    Flooder,
}

/// <summary>A node that wants lookups to fail.</summary>
internal sealed class HostileNode : IDhtActor
{
    private readonly DhtWorld _world;
    private readonly HostileKind _kind;
    private readonly List<HostileNode> _friends;
    private readonly List<IPEndPoint> _victims;
    private readonly DhtRandom _random;
    private readonly NodeId _id;
    private int _ticks;

    public HostileNode(DhtWorld world, HostileKind kind, List<HostileNode> friends, List<IPEndPoint> victims)
    {
        _world = world;
        _kind = kind;
        _friends = friends;
        _victims = victims;
        _random = new DhtRandom(world.NewSeed());
        Address = world.NewAddress();
        _id = kind == HostileKind.Poisoner ? NodeIdRule.Create(Address.Address, _random) : _random.NextNodeId();
    }

    public IPEndPoint Address { get; }

    public void Receive(IPEndPoint source, byte[] datagram, TimeSpan now, List<DhtDatagram> output)
    {
        if (KrpcReader.Read(datagram, out var message, out _) != KrpcReadStatus.Ok || message is not KrpcQuery query)
        {
            return;
        }

        var target = query.Target ?? _random.NextNodeId();
        Send(
            source,
            new KrpcResponse
            {
                TransactionId = query.TransactionId,
                Id = _kind == HostileKind.Sybil && query.Target is not null ? NextTo(target) : _id,
                Nodes = [.. Enumerable.Range(0, 8).Select(i => i < 3 ? Friend(target) : Nobody(target))],
                Token = query.Target is null ? [] : "token"u8.ToArray(),
                YourEndPoint = new IPEndPoint(IPAddress.Parse("66.66.66.66"), 666),
            },
            output
        );
    }

    public void Tick(TimeSpan now, List<DhtDatagram> output)
    {
        // Be known to many: one datagram a second, floods forty.
        _ticks++;
        for (
            var i = 0;
            i
                < (
                    _kind == HostileKind.Flooder ? 10
                    : _ticks % 4 == 0 ? 1
                    : 0
                );
            i++
        )
        {
            var victim = _victims[_random.Next(_victims.Count)];
            if (_kind == HostileKind.Flooder && _random.Next(3) == 0)
            {
                var garbage = new byte[_random.Next(200)];
                _random.Fill(garbage);
                output.Add(new DhtDatagram(0, victim, garbage));
            }
            else if (_kind == HostileKind.Flooder && _random.Next(2) == 0)
            {
                var number = new byte[4];
                _random.Fill(number);
                Send(
                    victim,
                    new KrpcResponse
                    {
                        TransactionId = number,
                        Id = _id,
                        Nodes = [Nobody(_id)],
                    },
                    output
                );
            }
            else
            {
                Send(
                    victim,
                    new KrpcQuery
                    {
                        TransactionId = [1, 2],
                        Id = _id,
                        Method = KrpcMethod.FindNode,
                        Target = _random.NextNodeId(),
                    },
                    output
                );
            }
        }
    }

    private static void Send(IPEndPoint to, KrpcMessage message, List<DhtDatagram> output)
    {
        var buffer = new ArrayBufferWriter<byte>();
        KrpcWriter.Write(buffer, message);
        output.Add(new DhtDatagram(0, to, buffer.WrittenSpan.ToArray()));
    }

    private NodeId NextTo(NodeId target) => target.WithPrefixOf(100, _random.NextNodeId());

    private NodeContact Friend(NodeId target)
    {
        var friend = _friends[_random.Next(_friends.Count)];
        return new NodeContact(friend._kind == HostileKind.Sybil ? NextTo(target) : friend._id, friend.Address);
    }

    // An address with nobody behind it, and the id closest to the target that is proper there.
    private NodeContact Nobody(NodeId target)
    {
        var best = default(NodeContact);
        for (var i = 0; i < 4; i++)
        {
            var address = _world.NewAddress();
            var id = NodeIdRule.Create(address.Address, _random);
            if (i == 0 || NodeId.CompareDistance(target, id, best.Id) < 0)
            {
                best = new NodeContact(id, address);
            }
        }

        return best;
    }
}
