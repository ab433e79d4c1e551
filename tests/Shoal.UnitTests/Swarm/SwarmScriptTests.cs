using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>One event after another, and exactly what the swarm makes of it.</summary>
public sealed class SwarmScriptTests
{
    private static BuiltTorrent Torrent(int pieces = 4, int pieceLength = 32 * 1024) =>
        new TorrentBuilder(TorrentFormat.V1, pieceLength).Single(pieces * pieceLength - 100, 5).Build();

    [Fact]
    public void A_newcomer_is_greeted_as_its_protocol_allows()
    {
        var empty = new SwarmFixture(Torrent());
        empty.Join(out var fast);
        Assert.Equal([MessageId.HaveNone, MessageId.Extended], fast.Select(effect => effect.MessageId));
        empty.Join(out var plain, PeerCapabilities.None);
        Assert.Empty(plain);

        var seed = new SwarmFixture(Torrent(), isSeed: true);
        seed.Join(out fast);
        Assert.Equal(MessageId.HaveAll, fast[0].MessageId);
        seed.Join(out plain, PeerCapabilities.None);
        Assert.Equal(MessageId.Bitfield, Assert.Single(plain).MessageId);
        Assert.Equal([0xf0], (byte[])plain[0].Payload!);
    }

    [Fact]
    public void Interest_follows_what_the_peer_has_exactly()
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        Assert.DoesNotContain(
            fixture.Message(peer, MessageId.HaveNone),
            SwarmFixture.IsSend(MessageId.Interested).Invoke
        );
        Assert.Equal(MessageId.Interested, Assert.Single(fixture.Message(peer, MessageId.Have, 2)).MessageId);
        Assert.Empty(fixture.Message(peer, MessageId.Have, 3));
        var skip = new SwarmCommand.SetFilePriorities([FilePriority.Skip]);
        var effects = fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: skip));
        Assert.Contains(effects, SwarmFixture.IsSend(MessageId.NotInterested).Invoke);
    }

    [Fact]
    public void A_torrent_is_fetched_proven_and_announced()
    {
        var torrent = Torrent(pieces: 1);
        var fixture = new SwarmFixture(torrent);
        var seed = fixture.JoinSeed(out var requests);
        Assert.Equal([(0u, 0u, 16384u), (0u, 16384u, 16284u)], requests.Select(r => (r.Piece, r.Begin, r.Length)));
        foreach (var request in requests)
        {
            var effects = fixture.Block(seed, request.Piece, request.Begin);
            Assert.Equal(DiskRequestKind.WriteBlock, Assert.Single(effects).Disk.Kind);
            SwarmFixture.Release(effects);
        }

        var done = fixture.Do(Hashed(torrent, 0));
        Assert.Contains(done, effect => effect.Disk.Kind == DiskRequestKind.CommitPiece);
        Assert.Contains(done, SwarmFixture.IsSend(MessageId.Have).Invoke);
        Assert.Contains(done, effect => effect.Kind == SwarmEffectKind.Completed);
        Assert.Equal(DisconnectReason.NotUseful, SwarmFixture.Disconnection(done));
        Assert.Equal(0, fixture.Pool.Leased);
        Assert.Equal(TorrentState.Seeding, fixture.Swarm.CreateStatus(fixture.Now).State);
    }

    [Fact]
    public void A_piece_from_one_peer_that_fails_condemns_it()
    {
        var torrent = Torrent(pieces: 1);
        var fixture = new SwarmFixture(torrent);
        var seed = fixture.JoinSeed(out var requests);
        foreach (var request in requests)
        {
            SwarmFixture.Release(fixture.Block(seed, request.Piece, request.Begin, isGood: false));
        }

        var bad = fixture.Do(Hashed(torrent, 0, isGood: false));
        Assert.Contains(bad, effect => effect.Disk.Kind == DiskRequestKind.DiscardPiece);
        Assert.Contains(bad, effect => effect.Kind == SwarmEffectKind.Ban);
        Assert.Equal(DisconnectReason.SentBadData, SwarmFixture.Disconnection(bad));
        Assert.Equal(1, fixture.Swarm.CreateStatus(fixture.Now).HashFailures);
    }

    [Fact]
    public void A_piece_of_which_the_disk_lost_blocks_is_discarded_before_it_is_asked_for_again()
    {
        var torrent = Torrent(pieces: 1, pieceLength: 64 * 1024);
        var fixture = new SwarmFixture(torrent);
        var seed = fixture.JoinSeed(out var requests);
        foreach (var request in requests.Take(3))
        {
            SwarmFixture.Release(fixture.Block(seed, request.Piece, request.Begin));
        }

        // It lost the first two; the third was under way when it did, and must not count there either.
        var lost = new PieceHashResult { Piece = torrent.Metainfo.Layout.Piece(0), IsComplete = false };
        var effects = fixture.Do(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: lost));
        Assert.Equal(
            DiskRequestKind.DiscardPiece,
            Assert.Single(effects, e => e.Kind == SwarmEffectKind.Disk).Disk.Kind
        );
        Assert.Equal(4, effects.Count(SwarmFixture.IsSend(MessageId.Request)));
        Assert.Equal(0, fixture.Pool.Leased);
    }

    [Fact]
    public void Nobody_is_blamed_for_blocks_of_a_former_run()
    {
        var torrent = Torrent(pieces: 1);
        var fixture = new SwarmFixture(torrent);
        var layout = torrent.Metainfo.Layout;
        fixture.Do(
            new SwarmEvent(
                SwarmEventKind.ResumeLoaded,
                Payload: new ResumeState
                {
                    Have = new Bitfield(1),
                    Check = new Bitfield(1),
                    Blocks = [new BlockRef(layout.Piece(0), 1)],
                }
            )
        );
        var seed = fixture.JoinSeed(out var requests);
        Assert.Equal(0u, Assert.Single(requests).Begin);
        SwarmFixture.Release(fixture.Block(seed, 0, 0));
        var bad = fixture.Do(Hashed(torrent, 0, isGood: false));
        Assert.DoesNotContain(bad, effect => effect.Kind is SwarmEffectKind.Ban or SwarmEffectKind.Disconnect);
        Assert.Equal(2, bad.Count(SwarmFixture.IsSend(MessageId.Request)));
    }

    [Fact]
    public void Requests_are_read_sent_and_refused_as_the_choke_says()
    {
        var fixture = new SwarmFixture(Torrent(pieces: 40), isSeed: true);
        fixture.JoinOthersWithEverything();
        var peer = fixture.Join(out var greeting);
        var allowed = greeting.Where(SwarmFixture.IsSend(MessageId.AllowedFast)).Select(e => e.Piece).ToList();
        Assert.Equal(10, allowed.Count);
        var free = fixture.Message(peer, MessageId.Request, allowed[0], 0, 16384);
        Assert.Equal(DiskRequestKind.ReadBlock, Assert.Single(free).Disk.Kind);
        var other = Enumerable.Range(0, 40).Select(i => (uint)i).First(i => !allowed.Contains(i));
        var refused = fixture.Message(peer, MessageId.Request, other, 0, 16384);
        Assert.Equal(MessageId.Reject, Assert.Single(refused).MessageId);

        Assert.Contains(fixture.Message(peer, MessageId.Interested), SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
        var read = Assert.Single(fixture.Message(peer, MessageId.Request, other, 0, 16384));
        Assert.Equal((DiskRequestKind.ReadBlock, 16384), (read.Disk.Kind, read.Disk.Length));
        Assert.True(fixture.Pool.TryRent(out var buffer));
        var sent = fixture.Do(new SwarmEvent(SwarmEventKind.BlockRead, peer, default, other, 0, 16384, buffer));
        Assert.Equal(MessageId.Piece, Assert.Single(sent).MessageId);
        SwarmFixture.Release(sent);
        fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384));
        Assert.Equal(16384, fixture.Swarm.CreateStatus(fixture.Now).Uploaded);
    }

    [Theory]
    [InlineData(5, 4)]
    [InlineData(3, 2)]
    [InlineData(1, 1)]
    [InlineData(500, 8)]
    public void Whoever_says_how_many_requests_it_keeps_gets_one_less(int reqq, int count)
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.Extended, 0, payload: Encoding.ASCII.GetBytes($"d4:reqqi{reqq}ee"));
        fixture.Message(peer, MessageId.HaveAll);
        var requests = fixture.Message(peer, MessageId.Unchoke).FindAll(SwarmFixture.IsSend(MessageId.Request).Invoke);
        Assert.Equal(count, requests.Count);

        // Also when what it gives is known, and the queue follows that.
        for (var i = 0; i < 100; i++)
        {
            if (i % 10 == 0 && requests.Count > 0)
            {
                requests = fixture
                    .Block(peer, requests[0].Piece, requests[0].Begin)
                    .FindAll(SwarmFixture.IsSend(MessageId.Request).Invoke);
                Assert.InRange(requests.Count, 0, count);
            }

            fixture.Now += TimeSpan.FromMilliseconds(100);
            fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }
    }

    [Fact]
    public void A_choke_without_the_fast_extension_frees_what_was_asked()
    {
        var fixture = new SwarmFixture(Torrent());
        var first = fixture.JoinSeed(out var requests, PeerCapabilities.None);
        Assert.Equal(8, requests.Count);
        fixture.JoinSeed(out var others, PeerCapabilities.None);
        Assert.Empty(others);
        fixture.Message(first, MessageId.Choke);
        fixture.Now += TimeSpan.FromMilliseconds(100);
        var again = fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        Assert.Equal(8, again.Count(SwarmFixture.IsSend(MessageId.Request)));
        // What crossed the choke is no crime.
        var late = fixture.Block(first, requests[0].Piece, requests[0].Begin);
        Assert.Null(SwarmFixture.Disconnection(late));
        SwarmFixture.Release(late);
        Assert.Equal(0, fixture.Pool.Leased);
    }

    [Theory]
    [InlineData(MessageId.Have, 4u, 0u, 0u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Request, 4u, 0u, 16384u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Request, 0u, 16384u, 16385u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Request, 0u, 0u, 0u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Request, 0u, 0u, 32768u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Request, 0u, 4294967295u, 16384u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Reject, 0u, 0u, 16384u, DisconnectReason.UnexpectedMessage)]
    [InlineData(MessageId.AllowedFast, 9u, 0u, 0u, DisconnectReason.BadIndex)]
    [InlineData(MessageId.Suggest, 9u, 0u, 0u, DisconnectReason.BadIndex)]
    public void Nonsense_ends_the_connection(MessageId id, uint piece, uint begin, uint length, DisconnectReason reason)
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.HaveNone);
        Assert.Equal(reason, SwarmFixture.Disconnection(fixture.Message(peer, id, piece, begin, length)));
        Assert.Empty(fixture.Message(peer, MessageId.Have, 1));
    }

    [Theory]
    [InlineData(MessageId.HaveAll)]
    [InlineData(MessageId.HaveNone)]
    [InlineData(MessageId.Suggest)]
    [InlineData(MessageId.AllowedFast)]
    [InlineData(MessageId.Reject)]
    public void Fast_messages_without_the_fast_extension_end_it(MessageId id)
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _, PeerCapabilities.None);
        var effects = fixture.Message(peer, id, 0, 0, 16384);
        Assert.Equal(DisconnectReason.UnexpectedMessage, SwarmFixture.Disconnection(effects));
    }

    [Fact]
    public void A_later_bitfield_adds_to_what_the_peer_has()
    {
        var fixture = new SwarmFixture(Torrent());
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.HaveNone);
        fixture.Message(peer, MessageId.Have, 0);
        var effects = fixture.Message(peer, MessageId.Bitfield, payload: new byte[] { 0b0100_0000 });
        Assert.DoesNotContain(effects, effect => effect.Kind == SwarmEffectKind.Disconnect);

        // The first piece was not taken back.
        var requests = fixture.Message(peer, MessageId.Unchoke).Where(effect => effect.MessageId == MessageId.Request);
        Assert.Equal([0u, 1u], requests.Select(effect => effect.Piece).Distinct().Order());
    }

    [Fact]
    public void Bitfields_without_end_a_wrong_one_and_a_block_nobody_asked_for_end_it()
    {
        var fixture = new SwarmFixture(Torrent());
        var flood = fixture.Join(out _);
        List<SwarmEffect> effects = [];
        for (var i = 0; i < 300 && SwarmFixture.Disconnection(effects) is null; i++)
        {
            effects = fixture.Message(flood, MessageId.Bitfield, payload: new byte[] { 0 });
        }
        Assert.Equal(DisconnectReason.Flood, SwarmFixture.Disconnection(effects));

        var spare = fixture.Join(out _);
        effects = fixture.Message(spare, MessageId.Bitfield, payload: new byte[] { 0x08 });
        Assert.Equal(DisconnectReason.BadBitfield, SwarmFixture.Disconnection(effects));

        var pusher = fixture.Join(out _);
        Assert.Equal(DisconnectReason.UnsolicitedBlocks, SwarmFixture.Disconnection(fixture.Block(pusher, 0, 0)));
        Assert.Equal(0, fixture.Pool.Leased);
    }

    [Fact]
    public void Floods_end_it()
    {
        var fixture = new SwarmFixture(Torrent());
        foreach (var id in new[] { MessageId.Interested, MessageId.Have, MessageId.Choke, MessageId.Port })
        {
            var peer = fixture.Join(out _);
            fixture.Message(peer, MessageId.HaveNone);
            DisconnectReason? reason = null;
            for (var i = 0; i < 3000 && reason is null; i++)
            {
                reason = SwarmFixture.Disconnection(fixture.Message(peer, id));
            }

            Assert.Equal(DisconnectReason.Flood, reason);
        }
    }

    [Fact]
    public void Of_two_connections_of_one_peer_both_ends_keep_the_same()
    {
        var fixture = new SwarmFixture(Torrent());
        var self = new PeerIntroduction
        {
            EndPoint = new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1),
            PeerId = new PeerId("-SH0100-000000000000"u8),
            Capabilities = SwarmFixture.All,
            IsOutgoing = true,
            InfoHash = fixture.Torrent.Metainfo.InfoHashes.Primary,
        };
        var effects = fixture.Do(new SwarmEvent(SwarmEventKind.PeerJoined, new PeerHandle(100), Payload: self));
        Assert.Equal(DisconnectReason.Self, SwarmFixture.Disconnection(effects));

        // Their id is the larger: their call stays, ours goes.
        var other = self with
        {
            PeerId = new PeerId("-SH0100-zzzzzzzzzzzz"u8),
        };
        fixture.Do(new SwarmEvent(SwarmEventKind.PeerJoined, new PeerHandle(101), Payload: other));
        effects = fixture.Do(
            new SwarmEvent(SwarmEventKind.PeerJoined, new PeerHandle(102), Payload: other with { IsOutgoing = false })
        );
        Assert.Equal(101, Assert.Single(effects, e => e.Kind == SwarmEffectKind.Disconnect).Peer.Value);
        Assert.Equal(1, fixture.Swarm.CreateStatus(fixture.Now).PeerCount);
    }

    internal static SwarmEvent Hashed(BuiltTorrent torrent, int index, bool isGood = true)
    {
        var piece = torrent.Metainfo.Layout.Piece(index);
        var bytes = torrent.Piece(piece).ToArray();
        bytes[0] ^= (byte)(isGood ? 0 : 1);
        return new SwarmEvent(
            SwarmEventKind.PieceHashed,
            Payload: new PieceHashResult
            {
                Piece = piece,
                IsComplete = true,
                V1 = new Sha1Digest(System.Security.Cryptography.SHA1.HashData(bytes)),
            }
        );
    }
}
