using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

// How the tests speak to the swarm, and what they read from its effects.
public sealed partial class HolePunchTests
{
    private static readonly uint Id = Offer(Greeting(new SwarmFixture(Torrent, change: WithPunching)))[
        UtHolepunch.Name
    ];

    private static List<SwarmEffect> Greeting(SwarmFixture fixture)
    {
        fixture.Join(out var greeting);
        return greeting;
    }

    private static IReadOnlyDictionary<string, byte> Offer(IEnumerable<SwarmEffect> greeting)
    {
        var own = Assert.Single(greeting, e => e.MessageId == MessageId.Extended && e.Piece == 0);
        Assert.True(ExtensionHandshake.TryRead((byte[])own.Payload!, out var handshake));
        return handshake.Messages;
    }

    private static UtHolepunch Connect(string endPoint) => new(HolepunchKind.Connect, At(endPoint));

    private static UtHolepunch Rendezvous(string endPoint) => new(HolepunchKind.Rendezvous, At(endPoint));

    private PeerHandle Join(
        string endPoint,
        TransportKind transport,
        int listens = 0,
        string extensions = Speaks,
        bool isOutgoing = false
    )
    {
        var stranger = _fixture.Stranger(At(endPoint).Address) with
        {
            EndPoint = At(endPoint),
            Transport = transport,
            IsOutgoing = isOutgoing,
        };
        var peer = _fixture.Join(out _, stranger);
        var port = listens == 0 ? "" : $"1:pi{listens}e";
        _fixture.Message(peer, MessageId.Extended, 0, payload: Encoding.ASCII.GetBytes($"d1:md{extensions}e{port}e"));
        return peer;
    }

    private List<SwarmEffect> Leave(PeerHandle peer) =>
        _fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ConnectionLost));

    private List<SwarmEffect> Say(PeerHandle peer, UtHolepunch message) =>
        _fixture.Message(peer, MessageId.Extended, Id, payload: message.Write());

    private List<(PeerHandle Peer, UtHolepunch Message)> Ask(PeerHandle peer, string target) => Ask(peer, At(target));

    private List<(PeerHandle Peer, UtHolepunch Message)> Ask(PeerHandle peer, IPEndPoint target) =>
        Sent(Say(peer, new UtHolepunch(HolepunchKind.Rendezvous, target)));

    private List<SwarmEffect> Tell(PeerHandle peer, PexFlags flags, params string[] named)
    {
        var id = Offer(Greeting(new SwarmFixture(Torrent, change: WithPunching)))[UtPex.Name];
        var message = new UtPex { Added = [.. named.Select(text => new PexPeer(At(text), flags))] };
        return [.. _fixture.Message(peer, MessageId.Extended, id, payload: message.Write()), .. Seconds(1)];
    }

    private List<SwarmEffect> Fail(string endPoint) =>
        _fixture.Do(
            new SwarmEvent(
                SwarmEventKind.ConnectFailed,
                Piece: (uint)DisconnectReason.ConnectTimeout,
                Payload: At(endPoint)
            )
        );

    private List<SwarmEffect> Seconds(double seconds)
    {
        var effects = new List<SwarmEffect>();
        for (var end = _fixture.Now + TimeSpan.FromSeconds(seconds); _fixture.Now < end; )
        {
            _fixture.Now += TimeSpan.FromSeconds(1);
            effects.AddRange(_fixture.Do(new SwarmEvent(SwarmEventKind.Tick)));
        }

        return effects;
    }

    private PeerSource SourceOf(string endPoint) =>
        _fixture.Swarm.CreateStatus(_fixture.Now).Peers.Single(peer => peer.EndPoint.Equals(At(endPoint))).Source;

    private static (IPEndPoint EndPoint, DialHints Hints)[] Calls(IEnumerable<SwarmEffect> effects) =>
        [
            .. effects
                .Where(e => e.Kind == SwarmEffectKind.Connect)
                .Select(e => ((IPEndPoint)e.Payload!, (DialHints)e.Piece)),
        ];

    private static List<(PeerHandle Peer, UtHolepunch Message)> Sent(IEnumerable<SwarmEffect> effects)
    {
        var messages = new List<(PeerHandle, UtHolepunch)>();
        foreach (var effect in effects.Where(e => e.MessageId == MessageId.Extended && e.Piece == 9))
        {
            Assert.True(UtHolepunch.TryRead((byte[])effect.Payload!, out var message));
            messages.Add((effect.Peer, message!));
        }

        return messages;
    }
}
