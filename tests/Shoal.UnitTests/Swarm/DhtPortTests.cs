using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The PORT message (BEP 5), by which peers of a torrent come to know each other's nodes.</summary>
public sealed class DhtPortTests
{
    private const PeerCapabilities WithDht = SwarmFixture.All | PeerCapabilities.Dht;

    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build();

    [Fact]
    public void Those_with_a_node_tell_each_other_their_ports()
    {
        var fixture = new SwarmFixture(Torrent, change: options => options with { DhtPort = 7777 });

        var peer = fixture.Join(out var greeting, WithDht, address: 9);
        Assert.Equal(7777u, Assert.Single(greeting, effect => effect.MessageId == MessageId.Port).Piece);
        fixture.Join(out greeting);
        Assert.DoesNotContain(greeting, effect => effect.MessageId == MessageId.Port);

        var found = Assert.Single(fixture.Message(peer, MessageId.Port, 5555));
        Assert.Equal(SwarmEffectKind.NodeFound, found.Kind);
        Assert.Equal(new IPEndPoint(IPAddress.Parse("10.0.0.9"), 5555), found.Payload);
        Assert.Empty(fixture.Message(peer, MessageId.Port, 0));
    }

    [Fact]
    public void Without_the_DHT_nobody_hears_of_it()
    {
        var fixture = new SwarmFixture(Torrent);

        var peer = fixture.Join(out var greeting, WithDht);
        Assert.DoesNotContain(greeting, effect => effect.MessageId == MessageId.Port);
        Assert.Empty(fixture.Message(peer, MessageId.Port, 5555));
    }
}
