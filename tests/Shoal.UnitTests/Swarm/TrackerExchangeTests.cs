using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>lt_trackers: which trackers peers are told of, and what is believed of theirs.</summary>
public sealed class TrackerExchangeTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build();
    private static readonly BuiltTorrent Private = new TorrentBuilder(TorrentFormat.V1) { IsPrivate = true }
        .Single(100_000, 5)
        .Build();

    private readonly SwarmFixture _fixture = new(Torrent);

    // As libtorrent 1.1 writes it.
    [Fact]
    public void The_bytes_are_those_of_libtorrent()
    {
        var bytes = "d5:addedl25:http://a.example/announce18:udp://b.example:80ee"u8;
        Assert.True(LtTrackers.TryRead(bytes, out var urls));
        Assert.Equal(["http://a.example/announce", "udp://b.example:80"], urls);
        Assert.Equal(Encoding.ASCII.GetString(bytes), Encoding.ASCII.GetString(LtTrackers.Write(urls)));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("le", false)]
    [InlineData("d5:addedl", false)]
    [InlineData("de", true)]
    [InlineData("d5:addedi1ee", true)]
    [InlineData("d5:addedl0:i3e5:a b c2:\u00e9xee", true)]
    public void What_is_no_url_is_left_out(string text, bool isRead)
    {
        Assert.Equal(isRead, LtTrackers.TryRead(Encoding.Latin1.GetBytes(text), out var urls));
        Assert.Empty(urls);
    }

    [Fact]
    public void Long_lists_and_long_urls_are_cut()
    {
        var many = LtTrackers.Write([.. Enumerable.Range(0, 80).Select(i => $"http://{i}.example/announce")]);
        Assert.True(LtTrackers.TryRead(many, out var urls));
        Assert.Equal(LtTrackers.MaxUrls, urls.Count);
        Assert.True(LtTrackers.TryRead(LtTrackers.Write(["http://" + new string('a', 300)]), out urls));
        Assert.Empty(urls);
        var flood = Encoding.ASCII.GetBytes("d5:addedl" + string.Concat(Enumerable.Repeat("1:a", 5000)) + "ee");
        Assert.False(LtTrackers.TryRead(flood, out _));
        byte[][] corpus = [many, "d5:addedl25:http://a.example/announceee"u8.ToArray()];
        Fuzz.Run(20_000, random => LtTrackers.TryRead(Fuzz.Mutate(random, corpus[random.Next(2)]), out _));
    }

    [Fact]
    public void Only_what_has_worked_is_told_and_once()
    {
        var peer = Join("20.0.0.1");
        Assert.Empty(Told(peer, TimeSpan.FromMinutes(3)));
        Works("http://a.example/announce");
        Works("http://a.example/announce");
        Works("http://b.example/announce?passkey=1");
        Works("http://192.168.1.1/announce");
        Assert.Equal(["http://a.example/announce"], Told(peer, TimeSpan.FromMinutes(3)));
        Assert.Empty(Told(peer, TimeSpan.FromMinutes(3)));
        Works("udp://c.example:80/announce");
        Assert.Equal(["udp://c.example:80/announce"], Told(peer, TimeSpan.FromMinutes(3)));
        // Who is as near as the tracker may know of it, and nobody is told what he said himself.
        var near = Join("192.168.1.7");
        Say(near, "http://a.example/announce");
        Assert.Equal(
            ["http://192.168.1.1/announce", "udp://c.example:80/announce"],
            Told(near, TimeSpan.FromMinutes(3)).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void What_a_peer_names_is_asked_within_bounds()
    {
        var peer = Join("20.0.0.1");
        Assert.Equal(
            ["http://a.example/announce"],
            Heard(
                Say(peer, "http://a.example/announce", "http://10.0.0.1/announce", "http://x.example/?q=1", "ftp://x/")
            )
        );
        Assert.Empty(Heard(Say(peer, "http://a.example/announce")));
        // Five of one network, however often it comes back, and thirty of all.
        var many = Enumerable.Range(0, 50).Select(i => $"http://{i}.example/announce").ToArray();
        Assert.Equal(4, Heard(Say(peer, many)).Count);
        Assert.Empty(Heard(Say(Join("20.0.0.1"), [.. many.Reverse()])));
        var all = 5;
        for (var i = 0; i < 20; i++)
        {
            all += Heard(Say(Join($"20.1.{i}.1"), [.. many.Select(url => url.Replace("//", $"//{i}-"))])).Count;
        }

        Assert.Equal(30, all);
    }

    [Fact]
    public void Who_names_others_for_days_is_not_remembered_without_end()
    {
        var peer = Join("20.0.0.1");
        for (var minute = 0; minute < 100; minute++)
        {
            _fixture.Now += TimeSpan.FromMinutes(1);
            Say(peer, [.. Enumerable.Range(0, 50).Select(i => $"http://{minute}-{i}.example/announce")]);
        }

        var exchange = _fixture.Swarm.State.Find(peer)!.Trackers!;
        Assert.InRange(exchange.Told.Count, 50, TrackerExchange.MaxRemembered);
    }

    [Fact]
    public void More_than_a_message_a_minute_is_borne_in_bursts_and_then_ends_the_connection()
    {
        var peer = Join("20.0.0.1");
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(SwarmFixture.Disconnection(Say(peer, $"http://{i}.example/announce")));
        }

        Assert.Equal(DisconnectReason.Flood, SwarmFixture.Disconnection(Say(peer, "http://9.example/announce")));
        var patient = Join("20.0.1.1");
        for (var i = 0; i < 30; i++)
        {
            _fixture.Now += TimeSpan.FromMinutes(1);
            Assert.Null(SwarmFixture.Disconnection(Say(patient)));
        }

        Assert.Equal(
            DisconnectReason.MalformedMessage,
            SwarmFixture.Disconnection(Send(Join("20.0.2.1"), "d5:added"u8.ToArray()))
        );
    }

    [Fact]
    public void A_private_torrent_neither_offers_nor_sends_nor_takes_it()
    {
        var fixture = new SwarmFixture(Private);
        var peer = Join("20.0.0.1", fixture, out var greeting);
        Assert.DoesNotContain(greeting, Offers);
        Works("http://a.example/announce", fixture);
        Assert.Empty(Told(peer, TimeSpan.FromMinutes(3), fixture));
        Assert.Empty(Heard(Say(peer, fixture, "http://b.example/announce")));

        // Nor does a magnet link before it is known that the torrent is not private.
        fixture = new SwarmFixture(Torrent, isMagnet: true);
        peer = Join("20.0.0.1", fixture, out greeting);
        Assert.DoesNotContain(greeting, Offers);
        Assert.Empty(Heard(Say(peer, fixture, "http://b.example/announce")));
        greeting = fixture.Do(new SwarmEvent(SwarmEventKind.MetadataReady, Payload: Torrent.Metainfo));
        Assert.Contains(greeting, Offers);
    }

    [Fact]
    public void It_can_be_switched_off()
    {
        var fixture = new SwarmFixture(Torrent, change: options => options with { UseTrackerExchange = false });
        Join("20.0.0.1", fixture, out var greeting);
        Assert.DoesNotContain(greeting, Offers);
    }

    private static bool Offers(SwarmEffect effect) =>
        effect is { Kind: SwarmEffectKind.Send, MessageId: MessageId.Extended, Payload: byte[] payload }
        && Encoding.Latin1.GetString(payload).Contains("6:lt_texi", StringComparison.Ordinal)
        && !Encoding.Latin1.GetString(payload).Contains("6:lt_texi0e", StringComparison.Ordinal);

    private PeerHandle Join(string address) => Join(address, _fixture, out _);

    private static PeerHandle Join(string address, SwarmFixture fixture, out List<SwarmEffect> greeting)
    {
        var introduction = fixture.Stranger(IPAddress.Parse(address)) with { IsOutgoing = true };
        var peer = fixture.Join(out greeting, introduction);
        var handshake = Encoding.ASCII.GetBytes($"d1:md{LtTrackers.Name.Length}:{LtTrackers.Name}i9eee");
        fixture.Message(peer, MessageId.Extended, piece: ExtensionHandshake.Id, payload: handshake);
        return peer;
    }

    private void Works(string url) => Works(url, _fixture);

    private static void Works(string url, SwarmFixture fixture)
    {
        Assert.True(TrackerUrl.TryParse(url, out var tracker));
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.TrackerWorks(tracker)));
    }

    private List<SwarmEffect> Say(PeerHandle peer, params string[] urls) => Say(peer, _fixture, urls);

    private static List<SwarmEffect> Say(PeerHandle peer, SwarmFixture fixture, params string[] urls) =>
        Send(peer, LtTrackers.Write(urls), fixture);

    private List<SwarmEffect> Send(PeerHandle peer, byte[] payload) => Send(peer, payload, _fixture);

    private static List<SwarmEffect> Send(PeerHandle peer, byte[] payload, SwarmFixture fixture) =>
        fixture.Message(peer, MessageId.Extended, OurId, payload: payload);

    // As our handshake offers it.
    private static uint OurId { get; } = ReadOurId();

    private static uint ReadOurId()
    {
        new SwarmFixture(Torrent).Join(out var greeting);
        var own = Assert.Single(greeting, effect => effect.MessageId == MessageId.Extended && effect.Piece == 0);
        Assert.True(ExtensionHandshake.TryRead((byte[])own.Payload!, out var handshake));
        return handshake.Messages[LtTrackers.Name];
    }

    private static List<string> Heard(IEnumerable<SwarmEffect> effects) =>
        [
            .. effects
                .Where(effect => effect.Kind == SwarmEffectKind.TrackersHeard)
                .SelectMany(effect => (IReadOnlyList<HearsayTracker>)effect.Payload!)
                .Select(tracker => tracker.Url.ToString()),
        ];

    private List<string> Told(PeerHandle peer, TimeSpan duration) => Told(peer, duration, _fixture);

    private static List<string> Told(PeerHandle peer, TimeSpan duration, SwarmFixture fixture)
    {
        var told = new List<string>();
        for (var end = fixture.Now + duration; fixture.Now < end; fixture.Now += TimeSpan.FromSeconds(1))
        {
            foreach (var effect in fixture.Do(new SwarmEvent(SwarmEventKind.Tick)))
            {
                if (
                    effect.Peer == peer
                    && effect is { Kind: SwarmEffectKind.Send, MessageId: MessageId.Extended, Piece: 9 }
                    && LtTrackers.TryRead((byte[])effect.Payload!, out var urls)
                )
                {
                    told.AddRange(urls);
                }
            }
        }

        return told;
    }
}
