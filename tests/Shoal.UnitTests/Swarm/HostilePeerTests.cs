using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What peers try that break no rule of the wire.</summary>
public sealed class HostilePeerTests
{
    private static BuiltTorrent Torrent(
        TorrentFormat format = TorrentFormat.V1,
        int pieces = 4,
        int pieceLength = 32768
    ) => new TorrentBuilder(format, pieceLength).Single(pieces * pieceLength - 100, 5).Build();

    private static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);

    private static IPAddress Address(int network, int host) => new([20, 0, (byte)network, (byte)host]);

    [Fact]
    public void A_peer_that_names_many_ports_takes_one_place_among_the_candidates()
    {
        var limits = SwarmLimits.Default with { MaxCandidates = 10 };
        var fixture = new SwarmFixture(Torrent(), change: options => options with { Limits = limits });
        var peer = fixture.Join(out _, fixture.Stranger(Address(1, 1)));
        for (var port = 1; port <= 100; port++)
        {
            fixture.Message(peer, MessageId.Extended, 0, payload: Ascii($"d1:pi{port}ee"));
        }

        var honest = new IPEndPoint(Address(2, 2), 6881);
        var effects = fixture.Do(
            new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: new CandidateBatch([honest], PeerSource.Tracker))
        );
        Assert.Equal(honest, Assert.Single(effects, e => e.Kind == SwarmEffectKind.Connect).Payload);
    }

    [Fact]
    public void Long_extended_messages_are_a_flood_sooner_than_short_ones()
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        var sent = 0L;
        var payload = new byte[1024 * 1024 - 1];
        while (SwarmFixture.Disconnection(fixture.Message(peer, MessageId.Extended, 200, payload: payload)) is null)
        {
            sent += payload.Length;
            Assert.True(sent < 256 * 1024 * 1024, "no end to the flood");
        }
    }

    [Fact]
    public void Who_names_the_id_of_another_from_elsewhere_does_not_push_it_out()
    {
        var fixture = new SwarmFixture(Torrent());
        // Its id is the larger: of two calls between the same two hosts its own would stay.
        var owner = fixture.Stranger(Address(1, 1)) with
        {
            PeerId = new PeerId("-SH0100-zzzzzzzzzzzz"u8),
            IsOutgoing = true,
        };
        var first = fixture.Join(out _, owner);
        var thief = owner with { EndPoint = new IPEndPoint(Address(2, 2), 4000), IsOutgoing = false };
        var second = fixture.Join(out var effects, thief);
        var left = Assert.Single(effects, e => e.Kind == SwarmEffectKind.Disconnect);
        Assert.Equal((second, DisconnectReason.Duplicate), (left.Peer, (DisconnectReason)left.Piece));
        Assert.NotEmpty(fixture.Message(first, MessageId.Have, 1));
    }

    [Fact]
    public void One_network_does_not_keep_all_places_by_saying_it_is_interested()
    {
        var limits = SwarmLimits.Default with { MaxPeers = 8 };
        var fixture = new SwarmFixture(Torrent(), isSeed: true, options => options with { Limits = limits });
        var crowd = new List<PeerHandle>();
        for (var host = 1; host <= 8; host++)
        {
            crowd.Add(fixture.Join(out _, fixture.Stranger(Address(1, host))));
            fixture.Message(crowd[^1], MessageId.Interested);
        }

        fixture.Join(out var own, fixture.Stranger(Address(1, 99)));
        Assert.Equal(DisconnectReason.TooManyConnections, SwarmFixture.Disconnection(own));

        // From elsewhere: until the crowd holds a quarter of the places.
        for (var network = 2; network <= 7; network++)
        {
            var newcomer = fixture.Join(out var effects, fixture.Stranger(Address(network, 1)));
            fixture.Message(newcomer, MessageId.Interested);
            var replaced = Assert.Single(effects, e => e.Kind == SwarmEffectKind.Disconnect);
            Assert.Contains(replaced.Peer, crowd);
            Assert.Equal(DisconnectReason.Replaced, (DisconnectReason)replaced.Piece);
        }

        fixture.Join(out var late, fixture.Stranger(Address(9, 1)));
        Assert.Equal(DisconnectReason.TooManyConnections, SwarmFixture.Disconnection(late));
    }

    [Fact]
    public void A_seed_that_loses_a_piece_and_gets_it_again_is_counted_right()
    {
        // The fixture checks availability against all bitfields around every event.
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.HaveAll);
        for (var i = 0; i < 3; i++)
        {
            fixture.Message(peer, MessageId.Extended, IdOf(fixture, "lt_donthave"), payload: new byte[] { 0, 0, 0, 2 });
            Assert.Equal(0, fixture.Swarm.State.Content!.Availability[2]);
            fixture.Message(peer, MessageId.Have, 2);
            Assert.Equal(1, fixture.Swarm.State.Content!.Availability[2]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Silent_peers_do_not_keep_the_metadata_from_coming(bool nameAnotherSize)
    {
        var torrent = Torrent();
        var info = torrent.Metainfo.InfoBytes;
        var fixture = new SwarmFixture(torrent, isMagnet: true);
        for (var i = 1; i <= 5; i++)
        {
            Offer(fixture, fixture.Join(out _), nameAnotherSize ? info.Length + 1 : info.Length);
        }

        var honest = fixture.Join(out _);
        var asked = Offer(fixture, honest, info.Length);
        for (var tick = 0; tick < 600 && !Asks(asked); tick++)
        {
            fixture.Now += TimeSpan.FromMilliseconds(100);
            asked = fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }

        Assert.True(Asks(asked), "the honest peer was not asked within a minute");
        var answer = new UtMetadata(UtMetadataKind.Data, 0, info.Length, info).Write();
        var effects = fixture.Message(honest, MessageId.Extended, IdOf(fixture, UtMetadata.Name), payload: answer);
        Assert.Contains(effects, e => e.Kind == SwarmEffectKind.MetadataFetched);

        bool Asks(List<SwarmEffect> all) => all.Exists(e => e.Peer == honest && e.MessageId == MessageId.Extended);
    }

    [Fact]
    public void Metadata_of_another_size_or_with_another_total_ends_the_connection()
    {
        var torrent = Torrent();
        var info = torrent.Metainfo.InfoBytes;
        foreach (var lie in new[] { (info.Length, info.Length - 1), (info.Length + 1, info.Length) })
        {
            var fixture = new SwarmFixture(torrent, isMagnet: true);
            var peer = fixture.Join(out _);
            Offer(fixture, peer, info.Length);
            var answer = new UtMetadata(UtMetadataKind.Data, 0, lie.Item1, info[..lie.Item2]).Write();
            var effects = fixture.Message(peer, MessageId.Extended, IdOf(fixture, UtMetadata.Name), payload: answer);
            Assert.Equal(DisconnectReason.BadMetadata, SwarmFixture.Disconnection(effects));
        }
    }

    [Theory]
    [InlineData("i-1e", true)]
    [InlineData("i0e", true)]
    [InlineData("i2147483648e", true)]
    [InlineData("i9223372036854775808e", true)]
    [InlineData("3:100", true)]
    [InlineData("i10485761e", false)]
    public void A_claim_of_impossible_metadata_is_ignored_or_ends_the_connection(string size, bool isIgnored)
    {
        var fixture = new SwarmFixture(Torrent(), isMagnet: true);
        var peer = fixture.Join(out _);
        var claim = Ascii("d1:md11:ut_metadatai3ee13:metadata_size" + size + "e");
        var effects = fixture.Message(peer, MessageId.Extended, 0, payload: claim);
        Assert.DoesNotContain(effects, SwarmFixture.IsSend(MessageId.Extended).Invoke);
        if (isIgnored)
        {
            Assert.NotEqual(DisconnectReason.BadMetadata, SwarmFixture.Disconnection(effects));
        }
        else
        {
            Assert.Equal(DisconnectReason.BadMetadata, SwarmFixture.Disconnection(effects));
        }
    }

    [Fact]
    public void The_size_of_the_metadata_is_fixed_once_said()
    {
        var fixture = new SwarmFixture(Torrent(), isMagnet: true);
        var peer = fixture.Join(out _);
        Offer(fixture, peer, 1000);
        Assert.Null(SwarmFixture.Disconnection(Offer(fixture, peer, 1000)));
        Assert.Equal(DisconnectReason.BadMetadata, SwarmFixture.Disconnection(Offer(fixture, peer, 1001)));
    }

    [Fact]
    public void False_metadata_bans_its_only_sender()
    {
        var torrent = Torrent();
        var info = torrent.Metainfo.InfoBytes.ToArray();
        info[^2] ^= 1;
        var fixture = new SwarmFixture(torrent, isMagnet: true);
        var liar = fixture.Join(out _);
        Offer(fixture, liar, info.Length);
        var answer = new UtMetadata(UtMetadataKind.Data, 0, info.Length, info).Write();
        var effects = fixture.Message(liar, MessageId.Extended, IdOf(fixture, UtMetadata.Name), payload: answer);
        Assert.DoesNotContain(effects, e => e.Kind == SwarmEffectKind.MetadataFetched);
        Assert.Contains(effects, e => e.Kind == SwarmEffectKind.Ban);
    }

    [Fact]
    public void Metadata_must_fit_both_names_of_a_hybrid()
    {
        var torrent = Torrent(TorrentFormat.Hybrid);
        var names = torrent.Metainfo.InfoHashes with { V2 = Torrent(TorrentFormat.V2).Metainfo.InfoHashes.V2 };
        var swarm = new Swarm(
            new SwarmOptions { Random = new Random(1), PeerId = new PeerId("-SH0100-000000000000"u8) },
            names,
            null
        );
        var effects = new SwarmEffects();
        var peer = new PeerHandle(1);
        var introduction = new SwarmFixture(torrent).Stranger(Address(1, 1));
        swarm.Handle(new SwarmEvent(SwarmEventKind.PeerJoined, peer, Payload: introduction), TimeSpan.Zero, effects);
        var info = torrent.Metainfo.InfoBytes;
        Send(0, Ascii($"d1:md11:ut_metadatai3ee13:metadata_sizei{info.Length}ee"));
        Send(1, new UtMetadata(UtMetadataKind.Data, 0, info.Length, info).Write());
        Assert.DoesNotContain(effects.Span.ToArray(), e => e.Kind == SwarmEffectKind.MetadataFetched);
        Assert.Contains(effects.Span.ToArray(), e => e.Kind == SwarmEffectKind.Ban);

        void Send(uint id, byte[] payload) =>
            swarm.Handle(
                new SwarmEvent(SwarmEventKind.Message, peer, MessageId.Extended, id, Payload: payload),
                TimeSpan.Zero,
                effects
            );
    }

    [Fact]
    public void Asking_for_hashes_of_blocks_does_not_keep_the_disk_busy()
    {
        // 64 bytes an answer, 16 MiB to read for it.
        var torrent = Torrent(TorrentFormat.V2, pieces: 2, pieceLength: 1024 * 1024);
        var fixture = new SwarmFixture(torrent, isSeed: true);
        var peer = fixture.Join(out _);
        var root = Assert.Single(torrent.Metainfo.Files).PiecesRoot!.Value;
        var reads = 0;
        for (uint i = 0; i < 200; i++)
        {
            var effects = Ask(peer, i % 64 * 2);
            reads += effects.Count(e => e.Disk.Kind == DiskRequestKind.HashPiece && e.Kind == SwarmEffectKind.Disk);
        }

        Assert.InRange(reads, 1, 4);
        // Others still get theirs.
        Assert.Contains(Ask(fixture.Join(out _), 0), e => e.Kind == SwarmEffectKind.Disk);

        List<SwarmEffect> Ask(PeerHandle from, uint index) =>
            fixture.Message(from, MessageId.HashRequest, payload: new HashRequest(root, 0, index, 2, 0).ToArray());
    }

    [Fact]
    public void A_player_that_jumps_five_times_a_second_gets_hashes_each_time_and_nobody_more_without_end()
    {
        var torrent = Torrent(TorrentFormat.V2, pieces: 2, pieceLength: 1024 * 1024);
        var fixture = new SwarmFixture(torrent, isSeed: true);
        var peer = fixture.Join(out _);
        var root = Assert.Single(torrent.Metainfo.Files).PiecesRoot!.Value;
        Assert.Equal(100, Read(times: 100, apart: TimeSpan.FromSeconds(0.2)));
        Assert.InRange(Read(times: 1000, apart: TimeSpan.FromSeconds(0.01)), 95, 105);

        int Read(int times, TimeSpan apart)
        {
            var reads = 0;
            var request = new HashRequest(root, 0, 0, 2, 0).ToArray();
            // The disk fails each time, so that nobody waits for it.
            var failure = new PieceHashResult { Piece = torrent.Metainfo.Layout.Piece(0), IsComplete = false };
            for (var i = 0; i < times; i++)
            {
                fixture.Now += apart;
                fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
                var effects = fixture.Message(peer, MessageId.HashRequest, payload: request);
                if (effects.Exists(e => e.Disk.Kind == DiskRequestKind.HashPiece && e.Kind == SwarmEffectKind.Disk))
                {
                    reads++;
                    fixture.Do(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: failure));
                }
            }

            return reads;
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    public void Hashes_nobody_asked_for_and_hashes_with_a_wrong_proof_end_the_connection(uint wrong)
    {
        var torrent = Torrent(TorrentFormat.V2, pieces: 4);
        var root = Assert.Single(torrent.Metainfo.Files).PiecesRoot!.Value;
        var request = new HashRequest(root, 1, 0, 4, 1);
        var fixture = new SwarmFixture(torrent);
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.HaveAll);
        var payload = new byte[HashRequest.Size + (4 + wrong) * Sha256Digest.Size];
        request.Write(payload);
        var effects = fixture.Message(peer, MessageId.Hashes, payload: payload);
        Assert.Equal(DisconnectReason.BadHashes, SwarmFixture.Disconnection(effects));
    }

    /// <summary>A super-seed refuses all blocks of a piece at once, and offers another: those are one refusal.</summary>
    [Fact]
    public void Who_refuses_is_asked_again_later_each_time_but_what_was_asked_before_counts_once()
    {
        var fixture = new SwarmFixture(Torrent(pieces: 4));
        var peer = fixture.JoinSeed(out var asked);
        Assert.True(asked.Count > 2, "too little asked");
        Refuse(asked);
        Assert.Empty(Tick(90));
        asked = Tick(20);
        Assert.NotEmpty(asked);
        Refuse(asked);
        Assert.Empty(Tick(190));
        Assert.NotEmpty(Tick(20));

        void Refuse(List<SwarmEffect> requests) =>
            requests.ForEach(request =>
                Assert.Null(
                    SwarmFixture.Disconnection(
                        fixture.Message(peer, MessageId.Reject, request.Piece, request.Begin, request.Length)
                    )
                )
            );

        List<SwarmEffect> Tick(int milliseconds)
        {
            fixture.Now += TimeSpan.FromMilliseconds(milliseconds);
            var effects = fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
            return [.. effects.Where(SwarmFixture.IsSend(MessageId.Request))];
        }
    }

    [Fact]
    public void A_refusal_of_hashes_is_not_for_ever()
    {
        var torrent = Torrent(TorrentFormat.V2, pieces: 4);
        var fixture = new SwarmFixture(torrent, isMagnet: true);
        var info = torrent.Metainfo.InfoBytes;
        Assert.True(
            MetainfoReader.TryReadInfo(info, null, MetainfoLimits.Default, [], [], out var bare, out _),
            "no layers"
        );
        fixture.Do(new SwarmEvent(SwarmEventKind.MetadataReady, Payload: bare));
        var peer = fixture.Join(
            out _,
            fixture.Stranger(Address(1, 1)) with
            {
                Capabilities = SwarmFixture.All | PeerCapabilities.V2,
            }
        );
        // Not at the next tick only.
        var told = fixture.Message(peer, MessageId.HaveAll);
        var asked = Assert.Single(told, SwarmFixture.IsSend(MessageId.HashRequest).Invoke);
        fixture.Message(peer, MessageId.HashReject, payload: asked.Payload);
        Assert.DoesNotContain(Tick(TimeSpan.FromSeconds(1)), SwarmFixture.IsSend(MessageId.HashRequest).Invoke);
        Assert.Contains(Tick(TimeSpan.FromSeconds(30)), SwarmFixture.IsSend(MessageId.HashRequest).Invoke);

        // An answer with the right shape and wrong hashes.
        var payload = new byte[HashRequest.Size + 4 * Sha256Digest.Size];
        ((byte[])asked.Payload!).CopyTo(payload, 0);
        var effects = fixture.Message(peer, MessageId.Hashes, payload: payload);
        Assert.Equal(DisconnectReason.BadHashes, SwarmFixture.Disconnection(effects));

        List<SwarmEffect> Tick(TimeSpan later)
        {
            fixture.Now += later;
            return fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }
    }

    /// <summary>An extension handshake that offers metadata.</summary>
    private static List<SwarmEffect> Offer(SwarmFixture fixture, PeerHandle peer, int size) =>
        fixture.Message(
            peer,
            MessageId.Extended,
            0,
            payload: Ascii($"d1:md11:ut_metadatai3ee13:metadata_sizei{size}ee")
        );

    /// <summary>Under which id we take the extension's messages: what our handshake said.</summary>
    private static uint IdOf(SwarmFixture fixture, string name)
    {
        var peer = fixture.Join(out var greeting, fixture.Stranger(Address(200, 1)));
        var own = Assert.Single(greeting, e => e.MessageId == MessageId.Extended);
        fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ClosedByPeer));
        Assert.True(ExtensionHandshake.TryRead((byte[])own.Payload!, out var handshake));
        return handshake.Messages[name];
    }
}
