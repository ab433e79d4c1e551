using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What is on this machine is copied; peers are asked for the rest only.</summary>
public sealed class LocalCopyTests
{
    private const int PieceLength = 32 * 1024;

    private sealed class Nothing : IContentSource
    {
        public bool TryRead(long offset, Span<byte> buffer) => false;
    }

    /// <summary>Files of 2, 1 and 2 pieces; the first and the last are the same.</summary>
    private static BuiltTorrent Twins(TorrentFormat format = TorrentFormat.V2) =>
        new TorrentBuilder(format, PieceLength)
            .File("a", 2 * PieceLength - 5, seed: 1)
            .File("b", 100, seed: 2)
            .File("c", 2 * PieceLength - 5, seed: 1)
            .Build();

    private static SwarmEvent Hashed(BuiltTorrent torrent, int piece, bool isComplete = true, bool isGood = true)
    {
        var layout = torrent.Metainfo.Layout;
        var index = layout.Piece(piece);
        var data = torrent.Piece(index)[..layout.DataSizeOf(index)].ToArray();
        data[0] ^= (byte)(isGood ? 0 : 1);
        return new SwarmEvent(
            SwarmEventKind.PieceHashed,
            Payload: new PieceHashResult
            {
                Piece = index,
                IsComplete = isComplete,
                Blocks = [.. data.Chunk(PieceLayout.BlockSize).Select(b => new Sha256Digest(SHA256.HashData(b)))],
            }
        );
    }

    private static List<DiskRequest> Copies(IEnumerable<SwarmEffect> effects) =>
        [.. effects.Select(effect => effect.Disk).Where(request => request.Kind == DiskRequestKind.CopyPiece)];

    /// <summary>Answers the requests, and those that follow.</summary>
    private static void Fetch(SwarmFixture fixture, PeerHandle seed, IEnumerable<SwarmEffect> requests)
    {
        var open = new Queue<SwarmEffect>(requests);
        while (open.TryDequeue(out var request))
        {
            var effects = fixture.Block(seed, request.Piece, request.Begin);
            SwarmFixture.Release(effects);
            foreach (var more in effects.Where(SwarmFixture.IsSend(MessageId.Request)))
            {
                open.Enqueue(more);
            }
        }
    }

    [Fact]
    public void Of_equal_pieces_one_is_asked_for_and_the_other_copied()
    {
        var torrent = Twins();
        var fixture = new SwarmFixture(torrent);
        var seed = fixture.JoinSeed(out var requests);
        Fetch(fixture, seed, requests);
        var begun = fixture.Swarm.State.Content!.Partials.Keys.Order().ToList();
        Assert.Equal(3, begun.Count);
        Assert.Contains(2, begun);
        Assert.NotEqual(begun.Contains(0), begun.Contains(3));
        Assert.NotEqual(begun.Contains(1), begun.Contains(4));

        var first = begun.Contains(0) ? 0 : 3;
        var copy = Assert.Single(Copies(fixture.Do(Hashed(torrent, first))));
        Assert.Equal((3 - first, first), (copy.Piece.Value, copy.Begin));
        Assert.Null(copy.Source);
        var done = fixture.Do(Hashed(torrent, 3 - first));
        Assert.Contains(done, effect => effect.Disk.Kind == DiskRequestKind.CommitPiece);
        Assert.Contains(done, SwarmFixture.IsSend(MessageId.Have).Invoke);
        Assert.True(fixture.Swarm.State.Content.Have[3 - first]);

        fixture.Do(Hashed(torrent, 2));
        var second = begun.Contains(1) ? 1 : 4;
        Assert.Single(Copies(fixture.Do(Hashed(torrent, second))));
        done = fixture.Do(Hashed(torrent, 5 - second));
        Assert.Contains(done, effect => effect.Kind == SwarmEffectKind.Completed);
        var status = fixture.Swarm.CreateStatus(fixture.Now);
        Assert.Equal(2 * PieceLength - 5 + 100, status.Downloaded);
        Assert.Equal(0, status.Wasted);
        Assert.Equal(0, fixture.Pool.Leased);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void A_copy_that_fails_is_fetched_and_nobody_is_blamed(bool isComplete, bool isGood)
    {
        var torrent = Twins();
        var fixture = new SwarmFixture(torrent);
        var seed = fixture.JoinSeed(out var requests);
        Fetch(fixture, seed, requests);
        var first = fixture.Swarm.State.Content!.Partials.ContainsKey(0) ? 0 : 3;
        fixture.Do(Hashed(torrent, first));
        var failed = fixture.Do(Hashed(torrent, 3 - first, isComplete, isGood));
        Assert.Equal(
            [0u, 16384u],
            failed.Where(SwarmFixture.IsSend(MessageId.Request)).Where(e => e.Piece == 3 - first).Select(e => e.Begin)
        );
        Assert.Null(SwarmFixture.Disconnection(failed));
        Assert.Empty(Copies(failed));
        Assert.Equal(0, fixture.Swarm.CreateStatus(fixture.Now).HashFailures);
    }

    [Fact]
    public void Files_elsewhere_are_copied_before_anybody_is_asked()
    {
        var torrent = Twins();
        var source = new Nothing();
        var fixture = new SwarmFixture(torrent, isStarted: false);
        fixture.Do(
            new SwarmEvent(
                SwarmEventKind.LocalFilesFound,
                Payload: new[] { new FoundFile(0, source), new FoundFile(2, source) }
            )
        );
        var copies = Copies(fixture.Start());
        Assert.Equal([0, 1, 3, 4], copies.Select(copy => copy.Piece.Value));
        Assert.All(copies, copy => Assert.Same(source, copy.Source));
        fixture.JoinSeed(out var requests);
        Assert.Equal([2u], requests.Select(request => request.Piece).Distinct());
        foreach (var piece in new[] { 0, 1, 4, 3 })
        {
            fixture.Do(Hashed(torrent, piece));
        }

        Assert.Equal(4, fixture.Swarm.State.Content!.Have.Count);
    }

    [Fact]
    public void Unwanted_files_are_neither_fetched_nor_copied()
    {
        var torrent = Twins();
        var fixture = new SwarmFixture(
            torrent,
            change: options =>
                options with
                {
                    FilePriority = file => file.Path.EndsWith('a') ? FilePriority.Skip : FilePriority.Normal,
                }
        );
        fixture.JoinSeed(out var requests);
        Assert.Equal([2u, 3u, 4u], requests.Select(request => request.Piece).Distinct().Order());
        Assert.Empty(Copies(fixture.Do(Hashed(torrent, 3))));
    }

    [Fact]
    public void Hashes_of_a_former_run_prove_themselves()
    {
        var torrent = Twins();
        var metainfo = SimTorrent.Read(torrent.Metainfo.InfoBytes.ToArray(), torrent.Metainfo.InfoHashes);
        var layers = PieceHashes.Of(torrent.Metainfo)!.ToLayers();
        Assert.Equal(2 * Sha256Digest.Size, layers.Length);
        foreach (var isGood in new[] { true, false })
        {
            layers[7] ^= (byte)(isGood ? 0 : 1);
            var fixture = new SwarmFixture(torrent with { Metainfo = metainfo }, isStarted: false);
            var none = new Bitfield(5);
            var resume = new ResumeState
            {
                Have = none,
                Check = none,
                PieceLayers = layers,
            };
            fixture.Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
            fixture.JoinSeed(out var requests);
            Assert.Equal(isGood ? 3 : 1, requests.Select(request => request.Piece).Distinct().Count());
        }

        PieceHashes.Of(metainfo)!.SetLayers(layers.AsSpan(0, 40));
    }

    [Fact]
    public void Checked_pieces_wait_for_their_hashes_and_a_whole_file_proves_itself()
    {
        var torrent = Twins();
        var metainfo = SimTorrent.Read(torrent.Metainfo.InfoBytes.ToArray(), torrent.Metainfo.InfoHashes);
        var fixture = new SwarmFixture(torrent with { Metainfo = metainfo }, isStarted: false);
        var check = new Bitfield(5);
        check.SetAll();
        var resume = new ResumeState { Have = new Bitfield(5), Check = check };
        fixture.Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
        // The first file lacks a piece, the last is whole: its root proves it, and with that tells of the first.
        Assert.DoesNotContain(fixture.Do(Hashed(torrent, 0)), e => e.Disk.Kind == DiskRequestKind.DiscardPiece);
        fixture.Do(Hashed(torrent, 1, isComplete: false));
        fixture.Do(Hashed(torrent, 2));
        fixture.Do(Hashed(torrent, 3));
        var have = fixture.Swarm.State.Content!.Have;
        Assert.Equal([2], Enumerable.Range(0, 5).Where(i => have[i]));
        fixture.Do(Hashed(torrent, 4));
        Assert.Equal([0, 2, 3, 4], Enumerable.Range(0, 5).Where(i => have[i]));
    }
}
