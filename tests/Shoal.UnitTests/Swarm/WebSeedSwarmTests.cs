using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What the swarm makes of a web seed: a source of blocks to be blamed like a peer, and nothing else of a peer.</summary>
public sealed class WebSeedSwarmTests
{
    private const int Block = PieceLayout.BlockSize;
    private static readonly WebSeedUrl Url = UrlOf("http://server/");

    private int _handle;

    [Fact]
    public void It_is_asked_for_long_runs_and_again_when_half_has_come()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 100));
        var webSeed = Join(swarm, out var effects);
        var asked = Requests(effects);
        Assert.Equal(64, asked.Count);
        AssertFollowing(asked, runs: 1);
        List<(uint, uint)> second = [];
        var delivered = 0;
        while (second.Count == 0)
        {
            SwarmFixture.Release(Deliver(swarm, webSeed, asked[delivered++], out second));
        }

        // The queue grows with each block, as that of a peer does at first; half of it is asked for at once.
        var queue = 64 + delivered;
        Assert.InRange(64 - delivered, queue / 2 - 1, queue / 2);
        Assert.Equal(queue - (64 - delivered), second.Count);
        AssertFollowing([.. asked, .. second], runs: 2);
    }

    [Fact]
    public void It_takes_no_place_from_peers_and_is_told_apart()
    {
        var swarm = new SwarmFixture(
            Torrent(pieces: 20),
            change: options => options with { Limits = SwarmLimits.Default with { MaxPeers = 2 } }
        );
        var seed = Join(swarm, out _);
        swarm.JoinSeed(out _);
        var last = swarm.Join(out var greeting);
        Assert.Null(SwarmFixture.Disconnection(greeting));
        var status = swarm.Swarm.CreateStatus(swarm.Now);
        Assert.Equal((2, 1, 1), (status.PeerCount, status.SeedCount, status.WebSeedCount));
        var peer = Assert.Single(status.Peers, peer => peer.WebSeed is not null);
        Assert.Equal(
            ("http://server:80/", TransportKind.Http, PeerSource.WebSeed),
            (peer.WebSeed, peer.Transport, peer.Source)
        );
        Assert.NotEqual(seed, last);
        Assert.Equal(0, status.CandidateCount);
    }

    [Fact]
    public void Peers_do_not_hear_of_it()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 20));
        Join(swarm, out _);
        var peer = swarm.Join(out _);
        var handshake = new ExtensionHandshake
        {
            Messages = new Dictionary<string, byte>(StringComparer.Ordinal) { [UtPex.Name] = 1 },
        };
        swarm.Message(peer, MessageId.Extended, ExtensionHandshake.Id, payload: handshake.Write());
        for (var i = 0; i < 200; i++)
        {
            swarm.Now += TimeSpan.FromSeconds(1);
            var effects = swarm.Do(new SwarmEvent(SwarmEventKind.Tick));
            Assert.DoesNotContain(effects, effect => effect is { MessageId: MessageId.Extended, Piece: 1 });
        }
    }

    [Fact]
    public void When_all_is_here_it_goes()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 1));
        var webSeed = Join(swarm, out var effects);
        foreach (var request in Requests(effects))
        {
            SwarmFixture.Release(Deliver(swarm, webSeed, request, out _));
        }

        var done = Hashed(swarm, 0);
        Assert.Equal(DisconnectReason.NotUseful, SwarmFixture.Disconnection(done));
    }

    [Fact]
    public void A_piece_of_its_own_that_fails_condemns_it_and_no_address()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 4));
        var peer = swarm.Join(out _);
        var webSeed = Join(swarm, out var effects);
        var piece = Requests(effects)[0].Piece;
        foreach (var request in Requests(effects).Where(request => request.Piece == piece))
        {
            SwarmFixture.Release(Deliver(swarm, webSeed, request, out _, isGood: request.Begin > 0));
        }

        var failed = Hashed(swarm, piece, badBlock: 0);
        Assert.Equal(DisconnectReason.SentBadData, SwarmFixture.Disconnection(failed));
        Assert.Contains(failed, effect => effect.Kind == SwarmEffectKind.BanWebSeed && Url.Equals(effect.Payload));
        Assert.DoesNotContain(failed, effect => effect.Kind == SwarmEffectKind.Ban);
        Assert.Contains(swarm.Swarm.State.Peers, other => other.Handle == peer);
        // It stays away, also under another handle; another web seed is welcome.
        Join(swarm, out var again);
        Assert.Equal(DisconnectReason.Banned, SwarmFixture.Disconnection(again));
        Join(swarm, out var other, UrlOf("http://other/"));
        Assert.Null(SwarmFixture.Disconnection(other));
    }

    /// <summary>One piece of four blocks, two from each: who sent the bad one is found by the attempt that succeeds.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Of_a_web_seed_and_a_peer_the_one_that_lied_is_found(bool isWebSeedGuilty)
    {
        var swarm = new SwarmFixture(Torrent(pieces: 1, blocks: 4));
        var webSeed = Join(swarm, out var effects);
        Assert.Equal(4, Requests(effects).Count);
        // The peer gets two of the blocks when the web seed leaves for a moment.
        swarm.Do(new SwarmEvent(SwarmEventKind.PeerLeft, webSeed, Payload: DisconnectReason.ConnectionLost));
        var peer = swarm.JoinSeed(out var asked);
        Assert.Equal(4, asked.Count);
        SwarmFixture.Release(swarm.Block(peer, 0, 0, isGood: isWebSeedGuilty));
        SwarmFixture.Release(swarm.Block(peer, 0, Block));
        swarm.Message(peer, MessageId.Choke);
        swarm.Message(peer, MessageId.Reject, 0, 2 * Block, Block);
        swarm.Message(peer, MessageId.Reject, 0, 3 * Block, Block);
        webSeed = Join(swarm, out effects);
        Assert.Equal([2 * Block, 3 * Block], Requests(effects).Select(request => (int)request.Begin));
        SwarmFixture.Release(Deliver(swarm, webSeed, (0, 2 * Block), out _, isGood: !isWebSeedGuilty));
        SwarmFixture.Release(Deliver(swarm, webSeed, (0, 3 * Block), out _));
        var failed = Hashed(swarm, 0, badBlock: isWebSeedGuilty ? 2 : 0);
        Assert.Null(SwarmFixture.Disconnection(failed));
        // Once more, from one of them alone: the web seed, since the peer chokes us.
        var retried = Requests(failed);
        Assert.Equal(4, retried.Count);
        foreach (var request in retried)
        {
            SwarmFixture.Release(Deliver(swarm, webSeed, request, out _));
        }

        var good = Hashed(swarm, 0);
        var left = good.Where(effect =>
            effect.Kind == SwarmEffectKind.Disconnect && effect.Piece == (uint)DisconnectReason.SentBadData
        );
        Assert.Equal(isWebSeedGuilty ? webSeed : peer, Assert.Single(left).Peer);
        Assert.Equal(isWebSeedGuilty, good.Any(effect => effect.Kind == SwarmEffectKind.BanWebSeed));
        Assert.Equal(!isWebSeedGuilty, good.Any(effect => effect.Kind == SwarmEffectKind.Ban));
    }

    [Fact]
    public void What_it_turns_out_not_to_have_is_asked_of_others()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 8));
        var webSeed = Join(swarm, out var effects);
        Assert.Equal(16, Requests(effects).Count);
        swarm.JoinSeed(out var none);
        Assert.Empty(none);
        var left = new Bitfield(8);
        left.Set(2);
        var replaced = swarm.Do(
            new SwarmEvent(SwarmEventKind.HoldingsReplaced, webSeed, Payload: left.Bytes.ToArray())
        );
        var cancelled = replaced.Where(SwarmFixture.IsSend(MessageId.Cancel)).ToList();
        Assert.All(cancelled, effect => Assert.Equal(webSeed, effect.Peer));
        Assert.Equal(14, cancelled.Count);
        Assert.DoesNotContain(cancelled, effect => effect.Piece == 2);
        var asked = replaced.Where(SwarmFixture.IsSend(MessageId.Request)).ToList();
        Assert.All(asked, effect => Assert.NotEqual(webSeed, effect.Peer));
        Assert.NotEmpty(asked);
        // A block that was under way is waste, not a crime.
        SwarmFixture.Release(Deliver(swarm, webSeed, (5, 0), out _));
        Assert.Contains(swarm.Swarm.State.Peers, peer => peer.Handle == webSeed);
    }

    [Fact]
    public void In_the_endgame_others_take_what_it_would_bring_last()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 20));
        Join(swarm, out var effects);
        var asked = Requests(effects);
        Assert.Equal(40, asked.Count);
        swarm.Now += TimeSpan.FromSeconds(5);
        swarm.JoinSeed(out var twice);
        var only = Assert.Single(twice);
        Assert.Equal(asked[^1], (only.Piece, only.Begin));
    }

    [Fact]
    public void One_that_sends_whole_files_is_asked_from_the_beginning()
    {
        var swarm = new SwarmFixture(Torrent(pieces: 100));
        Join(swarm, out var effects, isInOrder: true);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => ((uint)i / 2, (uint)i % 2 * Block)), Requests(effects));
    }

    [Fact]
    public void It_is_not_asked_for_hashes_though_the_torrent_is_v2()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V2, 2 * Block).Single(40 * Block).Build();
        var bare = torrent.Metainfo.InfoBytes.ToArray();
        Assert.True(
            MetainfoReader.TryReadInfo(
                bare,
                torrent.Metainfo.InfoHashes,
                MetainfoLimits.Default,
                [],
                [],
                out var metainfo,
                out _
            )
        );
        // Without piece layers, as after a magnet link.
        var swarm = new SwarmFixture(torrent with { Metainfo = metainfo });
        Join(swarm, out var effects);
        Assert.Empty(Requests(effects));
        for (var i = 0; i < 30; i++)
        {
            swarm.Now += TimeSpan.FromSeconds(1);
            Assert.DoesNotContain(
                swarm.Do(new SwarmEvent(SwarmEventKind.Tick)),
                effect => SwarmFixture.IsSend(MessageId.HashRequest)(effect)
            );
        }
    }

    private static BuiltTorrent Torrent(int pieces, int blocks = 2) =>
        new TorrentBuilder(TorrentFormat.V1, blocks * Block).Single(pieces * blocks * Block).Build();

    private static WebSeedUrl UrlOf(string text)
    {
        Assert.True(WebSeedUrl.TryParse(text, out var url));
        return url;
    }

    /// <summary>As a link does it; the effects of all of that.</summary>
    private PeerHandle Join(
        SwarmFixture swarm,
        out List<SwarmEffect> effects,
        WebSeedUrl? url = null,
        bool isInOrder = false
    )
    {
        var handle = new PeerHandle(--_handle);
        var introduction = new PeerIntroduction
        {
            EndPoint = PeerIntroduction.NoEndPoint,
            PeerId = default,
            Capabilities = PeerCapabilities.None,
            IsOutgoing = true,
            InfoHash = swarm.Torrent.Metainfo.InfoHashes.Primary,
            Source = PeerSource.WebSeed,
            Transport = TransportKind.Http,
            WebSeed = url ?? Url,
            IsInOrder = isInOrder,
        };
        var full = new Bitfield(swarm.Torrent.Metainfo.Layout.PieceCount);
        full.SetAll();
        effects =
        [
            .. swarm.Do(new SwarmEvent(SwarmEventKind.PeerJoined, handle, Payload: introduction)),
            .. swarm.Message(handle, MessageId.Bitfield, payload: full.Bytes.ToArray()),
            .. swarm.Message(handle, MessageId.Unchoke),
        ];
        return handle;
    }

    private static List<(uint Piece, uint Begin)> Requests(IEnumerable<SwarmEffect> effects) =>
        [
            .. effects
                .Where(effect => SwarmFixture.IsSend(MessageId.Request)(effect) && effect.Peer.Value < 0)
                .Select(effect => (effect.Piece, effect.Begin)),
        ];

    private static List<SwarmEffect> Deliver(
        SwarmFixture swarm,
        PeerHandle webSeed,
        (uint Piece, uint Begin) block,
        out List<(uint Piece, uint Begin)> more,
        bool isGood = true
    )
    {
        var effects = swarm.Block(webSeed, block.Piece, block.Begin, isGood);
        more = Requests(effects);
        return effects;
    }

    /// <summary>The disk tells the hash of a piece.</summary>
    private static List<SwarmEffect> Hashed(SwarmFixture swarm, uint index, int badBlock = -1)
    {
        var piece = swarm.Torrent.Metainfo.Layout.Piece((int)index);
        var bytes = swarm.Torrent.Piece(piece).ToArray();
        if (badBlock >= 0)
        {
            bytes[badBlock * Block] ^= 1;
        }

        var result = new PieceHashResult
        {
            Piece = piece,
            IsComplete = true,
            V1 = new Sha1Digest(System.Security.Cryptography.SHA1.HashData(bytes)),
            Blocks =
            [
                .. bytes
                    .Chunk(Block)
                    .Select(block => new Sha256Digest(System.Security.Cryptography.SHA256.HashData(block))),
            ],
        };
        return swarm.Do(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: result));
    }

    /// <summary>Each block follows the one before it, but for the beginnings of so many runs.</summary>
    private static void AssertFollowing(List<(uint Piece, uint Begin)> blocks, int runs)
    {
        var places = blocks.Select(block => block.Piece * 2 + block.Begin / Block).ToList();
        Assert.InRange(places.Zip(places.Skip(1)).Count(pair => pair.Second != pair.First + 1) + 1, 1, runs);
    }
}
