using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>BEP 11: what we tell of our peers, what we believe of what they tell, and what we do not.</summary>
public sealed class PeerExchangeTests
{
    private const int OurPort = 7777;
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build();
    private static readonly BuiltTorrent Private = new TorrentBuilder(TorrentFormat.V1) { IsPrivate = true }
        .Single(100_000, 5)
        .Build();

    private readonly SwarmFixture _fixture = Fixture(Torrent);

    private static SwarmFixture Fixture(BuiltTorrent torrent, bool isSeed = false, bool isMagnet = false) =>
        new(
            torrent,
            isSeed,
            options => options with { ListenPort = OurPort, ExternalAddresses = [] },
            isMagnet: isMagnet
        );

    private static IPAddress Ip(string text) => IPAddress.Parse(text);

    private static IPEndPoint At(string text) => IPEndPoint.Parse(text);

    [Fact]
    public void The_first_message_comes_soon_and_the_next_a_minute_later()
    {
        var first = Join("20.0.0.1");
        Assert.Empty(Told(first, TimeSpan.FromSeconds(10)));
        var second = Join("20.0.1.1", isOutgoing: false, listens: 5555);
        Assert.Equal([At("20.0.1.1:5555")], Told(first, TimeSpan.FromSeconds(3)).SelectMany(Added));

        // Nothing within a minute, whatever happens; then all of it at once.
        var third = Join("20.0.2.1");
        Assert.Empty(Told(first, TimeSpan.FromSeconds(50)));
        Leave(second);
        var later = Assert.Single(Told(first, TimeSpan.FromSeconds(20)));
        Assert.Equal([At("20.0.2.1:4000")], Added(later));
        Assert.Equal([At("20.0.1.1:5555")], later.Dropped);
        Assert.Empty(Told(third, TimeSpan.Zero));
    }

    [Fact]
    public void Who_came_and_went_between_two_messages_is_not_told_of()
    {
        var first = Join("20.0.0.1");
        Join("20.0.1.1");
        Assert.Single(Told(first, TimeSpan.FromSeconds(3)));
        Leave(Join("20.0.2.1"));
        Assert.Empty(Told(first, TimeSpan.FromSeconds(120)));
    }

    [Fact]
    public void Only_verified_peers_are_told_of_and_nobody_of_himself()
    {
        var first = Join("20.0.0.1");
        Join("20.0.1.1", isOutgoing: false);
        Assert.Empty(Told(first, TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void Flags_say_what_we_know_of_a_peer()
    {
        var first = Join("20.0.0.1");
        var seed = Join("20.0.1.1", extra: "1:ei1e");
        _fixture.Message(seed, MessageId.HaveAll);
        Join("[2001:db8::1]", isOutgoing: false, listens: 99);
        var message = Assert.Single(Told(first, TimeSpan.FromSeconds(3)));
        Assert.Equal(
            [
                new PexPeer(At("20.0.1.1:4000"), PexFlags.PrefersEncryption | PexFlags.UploadOnly | PexFlags.Reachable),
                new PexPeer(At("[2001:db8::1]:99"), PexFlags.None),
            ],
            message.Added
        );
    }

    [Fact]
    public void At_most_fifty_go_into_a_message_and_the_rest_into_the_next()
    {
        var first = Join("20.0.0.1");
        for (var i = 0; i < 70; i++)
        {
            Join($"20.1.{i}.1");
        }

        var one = Assert.Single(Told(first, TimeSpan.FromSeconds(3)));
        Assert.Equal(50, one.Added.Count);
        var two = Assert.Single(Told(first, TimeSpan.FromSeconds(70)));
        Assert.Equal(70, Added(one).Concat(Added(two)).Distinct().Count());
    }

    [Fact]
    public void Local_addresses_are_told_only_to_peers_as_near()
    {
        var global = Join("20.0.0.1");
        var local = Join("10.0.0.1");
        var loopback = Join("127.0.0.1");
        IPEndPoint[] all = [At("20.0.0.1:4000"), At("10.0.0.1:4000"), At("127.0.0.1:4000")];
        var told = Collect(TimeSpan.FromSeconds(3));
        Assert.False(told.ContainsKey(global));
        Assert.Equal([all[0]], Added(told[local]));
        Assert.Equal(all[..2], Added(told[loopback]));
    }

    [Theory]
    // A peer in the internet names the internet.
    [InlineData("20.0.0.1", "30.0.0.1:5000", true)]
    [InlineData("20.0.0.1", "[2001:db8::5]:5000", true)]
    [InlineData("20.0.0.1", "192.168.1.1:80", false)]
    [InlineData("20.0.0.1", "10.1.2.3:5000", false)]
    [InlineData("20.0.0.1", "172.20.0.1:5000", false)]
    [InlineData("20.0.0.1", "100.64.0.1:5000", false)]
    [InlineData("20.0.0.1", "169.254.169.254:80", false)]
    [InlineData("20.0.0.1", "127.0.0.1:5000", false)]
    [InlineData("20.0.0.1", "0.0.0.1:5000", false)]
    [InlineData("20.0.0.1", "224.0.0.1:5000", false)]
    [InlineData("20.0.0.1", "255.255.255.255:5000", false)]
    [InlineData("20.0.0.1", "[::1]:5000", false)]
    [InlineData("20.0.0.1", "[::ffff:127.0.0.1]:5000", false)]
    [InlineData("20.0.0.1", "[fe80::1]:5000", false)]
    [InlineData("20.0.0.1", "[fd00::1]:5000", false)]
    [InlineData("20.0.0.1", "[ff02::1]:5000", false)]
    // One in our network names that too, but not this machine.
    [InlineData("10.0.0.1", "10.1.2.3:5000", true)]
    [InlineData("10.0.0.1", "30.0.0.1:5000", true)]
    [InlineData("10.0.0.1", "[fd00::1]:5000", true)]
    [InlineData("10.0.0.1", "[fe80::1]:5000", false)]
    [InlineData("10.0.0.1", "127.0.0.1:5000", false)]
    [InlineData("10.0.0.1", "224.0.0.1:5000", false)]
    // One on this machine names whatever is a host's.
    [InlineData("127.0.0.1", "127.0.0.1:5000", true)]
    [InlineData("127.0.0.1", "10.1.2.3:5000", true)]
    [InlineData("127.0.0.1", "255.255.255.255:5000", false)]
    // Ourselves, as the peer sees us; another port there is somebody else.
    [InlineData("20.0.0.1", "8.7.6.5:7777", false)]
    [InlineData("20.0.0.1", "8.7.6.5:7778", true)]
    public void A_peer_names_nothing_nearer_to_us_than_itself(string by, string named, bool isTaken)
    {
        var peer = Join(by, extra: "6:yourip4:\x08\x07\x06\x05");
        Assert.Equal(isTaken ? [At(named)] : [], Tell(peer, At(named)));
    }

    [Fact]
    public void Poisoned_peer_exchange_neither_fills_the_list_nor_keeps_honest_addresses_waiting()
    {
        var liar = Join("20.0.0.1");
        var tried = 0;
        for (var minute = 0; minute < 30; minute++)
        {
            var named = Enumerable.Range(0, 50).Select(i => new IPEndPoint(Ip($"30.{minute}.{i}.1"), 80)).ToArray();
            var effects = Tell(liar, named);
            for (var round = 0; round < 30 && effects.Length > 0; round++)
            {
                tried += effects.Length;
                effects = Fail(effects);
            }

            _fixture.Now += TimeSpan.FromSeconds(60);
        }

        // It named 1,500; after the first forty that did not answer it is not listened to.
        Assert.InRange(tried, 40, 100);
        Assert.InRange(_fixture.Swarm.CreateStatus(_fixture.Now).CandidateCount, 0, 100);

        // Another connection from there is no new credit; somebody else is believed.
        Leave(liar);
        Assert.Empty(Tell(Join("20.0.0.1"), At("31.0.0.1:6881")));
        Assert.Equal([At("32.0.0.1:6881")], Tell(Join("20.0.0.2"), At("32.0.0.1:6881")));
    }

    [Fact]
    public void One_peer_holds_a_hundred_places_and_all_together_half_of_the_list()
    {
        // Nothing answers and nothing fails: all attempts hang.
        for (var peer = 0; peer < 30; peer++)
        {
            var handle = Join($"20.0.{peer}.1");
            for (var i = 0; i < 4; i++)
            {
                Tell(handle, [.. Enumerable.Range(0, 50).Select(k => At($"{30 + peer}.{i}.{k}.1:80"))]);
            }

            var count = _fixture.Swarm.CreateStatus(_fixture.Now).CandidateCount;
            Assert.InRange(count, 0, Math.Min(100 * (peer + 1), 1000));
        }

        var honest = Enumerable.Range(0, 500).Select(i => At($"100.0.{i / 250}.{i % 250}:6881")).ToArray();
        var effects = _fixture.Do(
            new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: new CandidateBatch(honest, PeerSource.Tracker))
        );
        Assert.Equal(1500, _fixture.Swarm.CreateStatus(_fixture.Now).CandidateCount);
        // Ten calls to hearsay hang; ten more may be made, to whom the tracker named.
        Assert.Equal(10, Calls(effects).Count(honest.Contains));
    }

    [Fact]
    public void Many_ports_of_one_address_are_one_candidate()
    {
        var peer = Join("20.0.0.1");
        Assert.Single(Tell(peer, [.. Enumerable.Range(1, 50).Select(port => At($"30.0.0.1:{port}"))]));
        // In our own network they are programs on one machine.
        Assert.Equal(3, Tell(Join("10.0.0.1"), At("10.0.0.2:1"), At("10.0.0.2:2"), At("10.0.0.2:3")).Length);
    }

    [Fact]
    public void More_than_a_message_a_minute_is_borne_in_bursts_and_then_ends_the_connection()
    {
        var patient = Join("20.0.0.1");
        for (var minute = 0; minute < 20; minute++)
        {
            Assert.Null(SwarmFixture.Disconnection(Send(patient, new UtPex().Write())));
            _fixture.Now += TimeSpan.FromSeconds(60);
        }

        for (var i = 0; i < 5; i++)
        {
            Assert.Null(SwarmFixture.Disconnection(Send(patient, new UtPex().Write())));
        }

        Assert.Equal(DisconnectReason.Flood, SwarmFixture.Disconnection(Send(patient, new UtPex().Write())));
    }

    [Fact]
    public void What_is_no_message_ends_the_connection() =>
        Assert.Equal(
            DisconnectReason.MalformedMessage,
            SwarmFixture.Disconnection(Send(Join("20.0.0.1"), "le"u8.ToArray()))
        );

    [Fact]
    public void A_private_torrent_neither_offers_nor_sends_nor_takes_it()
    {
        var fixture = Fixture(Private);
        var peer = fixture.Join(out var greeting, fixture.Stranger(Ip("20.0.0.1")));
        Assert.DoesNotContain(UtPex.Name, Offer(greeting).Keys);
        fixture.Join(out _, fixture.Stranger(Ip("20.0.0.2")) with { IsOutgoing = true });
        fixture.Message(peer, MessageId.Extended, 0, payload: Handshake(""));
        Assert.Empty(Messages(Seconds(fixture, 100)));
        var bytes = new UtPex { Added = [new PexPeer(At("30.0.0.1:5000"))] }.Write();
        Assert.Empty(fixture.Message(peer, MessageId.Extended, IdOf(Torrent), payload: bytes));
        Assert.Empty(Calls(Seconds(fixture, 2)));
    }

    [Fact]
    public void Switched_off_it_is_not_offered()
    {
        var fixture = new SwarmFixture(Torrent, change: options => options with { UsePex = false });
        fixture.Join(out var greeting);
        Assert.DoesNotContain(UtPex.Name, Offer(greeting).Keys);
    }

    [Fact]
    public void A_magnet_link_uses_it_until_the_metadata_says_private()
    {
        var fixture = Fixture(Private, isMagnet: true);
        var peer = fixture.Join(out var greeting, fixture.Stranger(Ip("20.0.0.1")));
        var id = Offer(greeting)[UtPex.Name];
        var bytes = new UtPex { Added = [new PexPeer(At("30.0.0.1:5000"))] }.Write();
        fixture.Message(peer, MessageId.Extended, id, payload: bytes);
        Assert.Equal([At("30.0.0.1:5000")], Calls(Seconds(fixture, 1)));

        var effects = fixture.Do(new SwarmEvent(SwarmEventKind.MetadataReady, Payload: Private.Metainfo));
        Assert.Equal(0, Offer(effects)[UtPex.Name]);
        Assert.Equal(0, fixture.Swarm.CreateStatus(fixture.Now).CandidateCount);
    }

    [Fact]
    public void A_seed_does_not_call_those_that_are_named_as_seeds()
    {
        var fixture = Fixture(Torrent, isSeed: true);
        var peer = fixture.Join(out _, fixture.Stranger(Ip("20.0.0.1")));
        PexPeer[] named = [new(At("30.0.0.1:5000"), PexFlags.UploadOnly), new(At("31.0.0.1:5000"))];
        fixture.Message(peer, MessageId.Extended, IdOf(Torrent), payload: new UtPex { Added = named }.Write());
        Assert.Equal([At("31.0.0.1:5000")], Calls(Seconds(fixture, 1)));
    }

    [Fact]
    public void Who_is_connected_says_how_he_was_found()
    {
        var named = At("30.0.0.1:4000");
        Assert.Equal([named], Tell(Join("20.0.0.1"), named));
        Join("30.0.0.1");
        var status = _fixture.Swarm.CreateStatus(_fixture.Now).Peers.Single(peer => peer.EndPoint.Equals(named));
        Assert.Equal(PeerSource.Pex, status.Source);
    }

    private static IEnumerable<IPEndPoint> Added(UtPex message) => message.Added.Select(peer => peer.EndPoint);

    /// <summary>A peer that speaks it, under the id 7.</summary>
    private PeerHandle Join(string address, bool isOutgoing = true, int listens = 0, string extra = "")
    {
        var stranger = _fixture.Stranger(Ip(address.Trim('[', ']'))) with { IsOutgoing = isOutgoing };
        var peer = _fixture.Join(out _, stranger);
        var port = listens == 0 ? "" : $"1:pi{listens}e";
        _fixture.Message(peer, MessageId.Extended, 0, payload: Handshake(port + extra));
        return peer;
    }

    // Dictionaries are read in any order.
    private static byte[] Handshake(string rest) => Encoding.Latin1.GetBytes($"d1:md6:ut_pexi7ee{rest}e");

    private void Leave(PeerHandle peer) =>
        _fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ConnectionLost));

    private List<SwarmEffect> Send(PeerHandle peer, byte[] payload) =>
        _fixture.Message(peer, MessageId.Extended, IdOf(Torrent), payload: payload);

    /// <summary>Tells us of peers; whom we call within a second.</summary>
    private IPEndPoint[] Tell(PeerHandle peer, params IPEndPoint[] named)
    {
        Send(peer, new UtPex { Added = [.. named.Select(endPoint => new PexPeer(endPoint))] }.Write());
        return Calls(Seconds(_fixture, 1));
    }

    private IPEndPoint[] Fail(IPEndPoint[] called)
    {
        foreach (var endPoint in called)
        {
            var reason = (uint)DisconnectReason.ConnectTimeout;
            _fixture.Do(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: reason, Payload: endPoint));
        }

        return Calls(Seconds(_fixture, 1));
    }

    private static IPEndPoint[] Calls(IEnumerable<SwarmEffect> effects) =>
        [.. effects.Where(e => e.Kind == SwarmEffectKind.Connect).Select(e => (IPEndPoint)e.Payload!)];

    private static List<SwarmEffect> Seconds(SwarmFixture fixture, double seconds)
    {
        var effects = new List<SwarmEffect>();
        for (var end = fixture.Now + TimeSpan.FromSeconds(seconds); fixture.Now < end; )
        {
            fixture.Now += TimeSpan.FromSeconds(1);
            effects.AddRange(fixture.Do(new SwarmEvent(SwarmEventKind.Tick)));
        }

        return effects;
    }

    private static IEnumerable<SwarmEffect> Messages(IEnumerable<SwarmEffect> effects) =>
        effects.Where(e => e.MessageId == MessageId.Extended && e.Piece != 0);

    private List<UtPex> Told(PeerHandle peer, TimeSpan within) =>
        [.. Messages(Seconds(_fixture, within.TotalSeconds)).Where(e => e.Peer == peer).Select(Parse)];

    private Dictionary<PeerHandle, UtPex> Collect(TimeSpan within) =>
        Messages(Seconds(_fixture, within.TotalSeconds)).ToDictionary(e => e.Peer, Parse);

    private static UtPex Parse(SwarmEffect effect)
    {
        Assert.Equal(7u, effect.Piece);
        Assert.True(UtPex.TryRead((byte[])effect.Payload!, out var message));
        return message;
    }

    private static IReadOnlyDictionary<string, byte> Offer(IEnumerable<SwarmEffect> greeting)
    {
        var own = Assert.Single(greeting, e => e.MessageId == MessageId.Extended && e.Piece == 0);
        Assert.True(ExtensionHandshake.TryRead((byte[])own.Payload!, out var handshake));
        return handshake.Messages;
    }

    private static uint IdOf(BuiltTorrent torrent)
    {
        new SwarmFixture(torrent).Join(out var greeting);
        return Offer(greeting)[UtPex.Name];
    }
}
