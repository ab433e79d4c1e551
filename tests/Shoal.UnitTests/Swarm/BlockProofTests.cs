using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>v2: blocks are proven one by one for who reads.</summary>
public sealed class BlockProofTests
{
    private const int Piece = 64 * 1024;
    private const int At = 5;
    private readonly SwarmFixture _swarm = new(new TorrentBuilder(TorrentFormat.V2, Piece).Single(20 * Piece).Build());
    private HashRequest _asked;

    [Fact]
    public void A_block_is_readable_before_its_piece_is_whole()
    {
        var seed = Start();
        _swarm.Block(seed, At, 0);
        Assert.Null(Told(Leaf(0)));
        Assert.Equal(new ReaderProgress(1, At * Piece + 16384, At * Piece, 0), Told(Hashes(seed)));
        // The third, then the second: as far as there is no gap.
        _swarm.Block(seed, At, 2 * 16384);
        Assert.Null(Told(Leaf(2)));
        _swarm.Block(seed, At, 16384);
        Assert.Equal(At * Piece + 3 * 16384, Told(Leaf(1))?.Ready);
    }

    [Fact]
    public void The_hashes_may_come_before_the_block()
    {
        var seed = Start();
        Assert.Null(Told(Hashes(seed)));
        Assert.Null(Told(_swarm.Block(seed, At, 0)));
        Assert.Equal(At * Piece + 16384, Told(Leaf(0))?.Ready);
    }

    [Fact]
    public void Who_sent_a_false_block_is_found_by_it_alone_and_another_sends_the_true_one()
    {
        var liar = Start();
        var honest = _swarm.JoinSeed(out _, SwarmFixture.All | PeerCapabilities.V2);
        Hashes(liar);
        _swarm.Block(liar, At, 0);
        Assert.Equal(At * Piece + 16384, Told(Leaf(0))?.Ready);
        SwarmFixture.Release(_swarm.Block(liar, At, 16384, isGood: false));
        var effects = Leaf(1, isGood: false);
        Assert.Equal(DisconnectReason.SentBadData, SwarmFixture.Disconnection(effects));
        Assert.Contains(effects, effect => effect.Kind == SwarmEffectKind.Ban);
        var discard = Assert.Single(effects.FindAll(IsDisk(DiskRequestKind.DiscardBlock)));
        Assert.Equal((At, 16384), (discard.Disk.Piece.Value, discard.Disk.Begin));
        // What was proven stays so; as soon as another has brought something it is asked for the block, and nothing else of the piece is asked for again.
        Assert.Null(Told(effects));
        var own = _swarm.Swarm.State.Find(honest)!.Asks[0];
        effects = _swarm.Block(honest, (uint)own.Piece.Piece.Value, (uint)own.Block * 16384);
        Assert.Contains(
            effects,
            effect =>
                SwarmFixture.IsSend(MessageId.Request)(effect)
                && effect.Peer == honest
                && effect.Piece == At
                && effect.Begin == 16384
        );
        Assert.DoesNotContain(
            effects,
            effect => SwarmFixture.IsSend(MessageId.Request)(effect) && effect.Piece == At && effect.Begin == 0
        );
        _swarm.Block(honest, At, 16384);
        Assert.Equal(At * Piece + 2 * 16384, Told(Leaf(1))?.Ready);
    }

    [Fact]
    public void Hashes_that_do_not_lead_to_the_root_prove_nothing()
    {
        var seed = Start();
        _swarm.Block(seed, At, 0, isGood: false);
        Leaf(0, isGood: false);
        var effects = Hashes(seed, isGood: false);
        Assert.Equal(DisconnectReason.BadHashes, SwarmFixture.Disconnection(effects));
        Assert.Null(Told(effects));
    }

    [Fact]
    public void What_was_proven_alone_and_lost_is_taken_back()
    {
        var seed = Start();
        Hashes(seed);
        _swarm.Block(seed, At, 0);
        Leaf(0);
        // The disk has lost blocks.
        var effects = _swarm.Do(
            new SwarmEvent(
                SwarmEventKind.PieceHashed,
                Payload: new PieceHashResult { Piece = _swarm.Torrent.Metainfo.Layout.Piece(At), IsComplete = false }
            )
        );
        Assert.Equal(new ReaderProgress(1, At * Piece, At * Piece, 1), Told(effects));
    }

    [Fact]
    public void A_seed_that_comes_to_who_waits_already_is_asked_for_hashes_at_once()
    {
        _swarm.Do(
            new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.OpenReader(1, At * Piece, 20 * Piece))
        );
        var seed = _swarm.Join(out _, SwarmFixture.All | PeerCapabilities.V2);
        Assert.Contains(_swarm.Message(seed, MessageId.HaveAll), SwarmFixture.IsSend(MessageId.HashRequest).Invoke);
    }

    /// <summary>Somebody reads from a piece on; a seed is there and was asked for its blocks and for their hashes.</summary>
    private PeerHandle Start()
    {
        var seed = _swarm.JoinSeed(out _, SwarmFixture.All | PeerCapabilities.V2);
        _swarm.Now += TimeSpan.FromSeconds(1);
        var effects = _swarm.Do(
            new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.OpenReader(1, At * Piece, 20 * Piece))
        );
        Assert.Contains(
            effects,
            effect => SwarmFixture.IsSend(MessageId.Request)(effect) && effect.Piece == At && effect.Begin == 0
        );
        Assert.Contains(effects, IsDisk(DiskRequestKind.WatchPiece));
        var request = Assert.Single(effects, effect => SwarmFixture.IsSend(MessageId.HashRequest)(effect));
        Assert.True(HashRequest.TryRead((byte[])request.Payload!, out _asked));
        Assert.Equal((0u, At * 4u, 4u), (_asked.BaseLayer, _asked.Index, _asked.Length));
        return seed;
    }

    private List<SwarmEffect> Hashes(PeerHandle peer, bool isGood = true)
    {
        var metainfo = _swarm.Torrent.Metainfo;
        var tree = PieceHashes.Of(metainfo)!.FileOf(metainfo.Layout.Piece(At), out var inFile);
        tree.KeepBlocks(inFile, [.. Enumerable.Range(0, 4).Select(LeafOf)]);
        Assert.True(tree.TryAnswer(_asked, out var hashes));
        hashes[0] ^= (byte)(isGood ? 0 : 1);
        return _swarm.Message(peer, MessageId.Hashes, payload: (byte[])[.. _asked.ToArray(), .. hashes]);
    }

    private List<SwarmEffect> Leaf(int block, bool isGood = true) =>
        _swarm.Do(
            new SwarmEvent(
                SwarmEventKind.BlockHashed,
                Piece: At,
                Begin: (uint)(block * 16384),
                Payload: isGood ? LeafOf(block) : new Sha256Digest(SHA256.HashData([1]))
            )
        );

    private Sha256Digest LeafOf(int block) =>
        new(SHA256.HashData(_swarm.Torrent.Block(new BlockRef(_swarm.Torrent.Metainfo.Layout.Piece(At), block))));

    private static Predicate<SwarmEffect> IsDisk(DiskRequestKind kind) =>
        effect => effect.Kind == SwarmEffectKind.Disk && effect.Disk.Kind == kind;

    private static ReaderProgress? Told(IEnumerable<SwarmEffect> effects) =>
        effects
            .Where(effect => effect.Kind == SwarmEffectKind.ReaderAdvanced)
            .Select(effect => (ReaderProgress)effect.Payload!)
            .LastOrDefault();
}
