using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What a swarm does for those who read its content while it comes in.</summary>
public sealed class ReaderTests
{
    private const int Piece = 32 * 1024;
    private const int Pieces = 200;

    [Fact]
    public void What_a_reader_needs_comes_first_in_its_order()
    {
        var swarm = Create();
        Open(swarm, 1, 50 * Piece);
        swarm.JoinSeed(out var requests);
        Assert.Equal([50, 50, 51, 51, 52, 52, 53, 53], requests.Select(request => (int)request.Piece));
        Assert.Equal([0, 16384, 0, 16384], requests.Take(4).Select(request => (int)request.Begin));
    }

    [Fact]
    public void In_the_middle_of_a_piece_the_block_that_is_read_is_first_and_the_whole_piece_comes()
    {
        var swarm = Create();
        Open(swarm, 1, 50 * Piece + 20_000);
        swarm.JoinSeed(out var requests);
        Assert.Equal(
            [(50, 16384), (50, 0), (51, 0)],
            requests.Take(3).Select(request => ((int)request.Piece, (int)request.Begin))
        );
    }

    [Fact]
    public void Readers_have_turns()
    {
        var swarm = Create(limits => limits with { FirstRequestsOut = 32 });
        Open(swarm, 1, 50 * Piece);
        Open(swarm, 2, 150 * Piece);
        swarm.JoinSeed(out var requests);
        Assert.Equal([50, 51, 52, 53, 150, 151], requests.Select(request => (int)request.Piece).Distinct().Take(6));
    }

    [Fact]
    public void What_is_read_ahead_is_bounded_and_then_the_rest_is_fetched_as_ever()
    {
        // Two pieces at least.
        var swarm = Create(limits => limits with { FirstRequestsOut = 32 }, new ReaderLimits { MinAhead = 1 });
        Open(swarm, 1, 50 * Piece);
        swarm.JoinSeed(out var requests);
        Assert.Equal([50, 50, 51, 51], requests.Take(4).Select(request => (int)request.Piece));
        Assert.NotEqual([52, 53, 54, 55], requests.Skip(4).Select(request => (int)request.Piece).Distinct().Take(4));
    }

    [Fact]
    public void A_jump_takes_back_what_nobody_reads_and_not_what_another_reads()
    {
        var swarm = Create(ahead: new ReaderLimits { MinAhead = 1 });
        Open(swarm, 1, 10 * Piece);
        swarm.JoinSeed(out var requests);
        Assert.Equal(8, requests.Count);
        swarm.Now += TimeSpan.FromSeconds(1);
        var effects = Open(swarm, 2, 50 * Piece);
        Assert.Equal(4, effects.Count(SwarmFixture.IsSend(MessageId.Cancel)));
        Assert.All(
            effects.Where(SwarmFixture.IsSend(MessageId.Cancel)),
            cancel => Assert.DoesNotContain((int)cancel.Piece, (int[])[10, 11])
        );
        Assert.Equal(
            [50, 50, 51, 51],
            effects.Where(SwarmFixture.IsSend(MessageId.Request)).Select(request => (int)request.Piece)
        );
    }

    [Fact]
    public void Whoever_has_just_come_and_chokes_is_asked_for_what_is_read_and_for_the_rest_only_later()
    {
        var swarm = Create();
        Open(swarm, 1, 50 * Piece);
        var peer = swarm.Join(out _);
        swarm.Message(peer, MessageId.HaveAll);
        Assert.DoesNotContain(
            swarm.Message(peer, MessageId.AllowedFast, 190),
            SwarmFixture.IsSend(MessageId.Request).Invoke
        );
        var asked = swarm.Message(peer, MessageId.AllowedFast, 50).Where(SwarmFixture.IsSend(MessageId.Request));
        Assert.Equal([50, 50], asked.Select(request => (int)request.Piece));
        // It goes on choking: something to begin with is better than nothing.
        Pass(swarm, new ReaderLimits().Patience);
        Assert.Contains(Asks(swarm, peer), ask => ask.Piece == 190);
    }

    [Fact]
    public void An_unchoke_takes_back_what_nobody_reads()
    {
        var swarm = Create();
        var peer = swarm.Join(out _);
        swarm.Message(peer, MessageId.HaveAll);
        for (uint piece = 190; piece < 194; piece++)
        {
            swarm.Message(peer, MessageId.AllowedFast, piece);
        }

        Open(swarm, 1, 50 * Piece);
        Assert.Equal(8, Asks(swarm, peer).Count);
        var effects = swarm.Message(peer, MessageId.Unchoke);
        Assert.Equal(8, effects.Count(SwarmFixture.IsSend(MessageId.Cancel)));
        Assert.Equal([50, 50, 51, 51, 52, 52, 53, 53], Asks(swarm, peer).Select(ask => ask.Piece));
    }

    [Fact]
    public void Jumps_in_a_row_take_requests_back_ten_times_a_second_and_no_more()
    {
        var swarm = Create(ahead: new ReaderLimits { MinAhead = 1 });
        swarm.JoinSeed(out _);
        Open(swarm, 1, 10 * Piece);
        var cancels = 0;
        for (var jump = 0; jump < 20; jump++)
        {
            var effects = swarm.Do(Command(new SwarmCommand.MoveReader(1, (20L + 5 * jump) * Piece)));
            cancels += effects.Count(SwarmFixture.IsSend(MessageId.Cancel));
        }

        Assert.Equal(0, cancels);
        swarm.Now += TimeSpan.FromMilliseconds(150);
        Assert.NotEmpty(
            swarm.Do(new SwarmEvent(SwarmEventKind.Tick)).Where(SwarmFixture.IsSend(MessageId.Cancel)).ToList()
        );
    }

    [Fact]
    public void A_reader_that_leaves_is_served_no_more()
    {
        var swarm = Create();
        Open(swarm, 1, 50 * Piece);
        swarm.Do(Command(new SwarmCommand.CloseReader(1)));
        swarm.JoinSeed(out var requests);
        Assert.NotEqual([50, 51, 52, 53], requests.Select(request => (int)request.Piece).Distinct());
        Assert.Empty(swarm.Swarm.State.Readers);
    }

    [Fact]
    public void There_are_not_more_readers_than_allowed()
    {
        var swarm = Create();
        for (var reader = 1; reader <= 100; reader++)
        {
            Open(swarm, reader, reader * Piece);
        }

        Assert.Equal(new ReaderLimits().MaxReaders, swarm.Swarm.State.Readers.Count);
    }

    [Fact]
    public void What_is_late_is_asked_of_another_too_and_not_of_everybody()
    {
        var swarm = Create();
        var first = swarm.JoinSeed(out _);
        Open(swarm, 1, 50 * Piece);
        Pass(swarm, TimeSpan.FromMilliseconds(100));
        var others = Enumerable.Range(0, 4).Select(i => swarm.JoinSeed(out List<SwarmEffect> _)).ToList();
        // The four have their own work, the first is silent with what is read first.
        Assert.Contains(Asks(swarm, first), ask => ask == (50, 0));
        Assert.DoesNotContain(others.SelectMany(other => Asks(swarm, other)), ask => ask == (50, 0));
        for (var i = 0; i < 100; i++)
        {
            Pass(swarm, TimeSpan.FromMilliseconds(100));
        }

        var askers = others.Count(other => Asks(swarm, other).Contains((50, 0)));
        Assert.InRange(askers, 1, new ReaderLimits().MaxAskers - 1);
    }

    [Fact]
    public void What_is_urgent_is_asked_of_quick_peers_only_and_of_slow_ones_what_comes_later()
    {
        var swarm = Create();
        var (quick, slow) = (swarm.JoinSeed(out _), swarm.JoinSeed(out _));
        Rate(swarm, quick, 1_000_000);
        Rate(swarm, slow, 10_000);
        swarm.Now += TimeSpan.FromSeconds(1);
        Open(swarm, 1, 50 * Piece);
        Assert.Contains(Asks(swarm, quick), ask => ask == (50, 0));
        Assert.DoesNotContain(Asks(swarm, slow), ask => ask.Piece is 50);
        Assert.Contains(Asks(swarm, slow), ask => ask.Piece is > 50 and < 180);
    }

    [Fact]
    public void It_is_told_how_far_it_may_read_and_when_that_is_no_longer_true()
    {
        var swarm = Create();
        Assert.Equal(new ReaderProgress(1, 50 * Piece, 50 * Piece, 0), Told(Open(swarm, 1, 50 * Piece)));
        var seed = swarm.JoinSeed(out _);
        Get(swarm, seed, 51);
        Assert.Equal(new ReaderProgress(1, 52 * Piece, 52 * Piece, 0), Told(Get(swarm, seed, 50)));
        Assert.Null(Told(swarm.Do(Command(new SwarmCommand.MoveReader(1, 50 * Piece + 1000)))));
        Assert.Equal(
            new ReaderProgress(1, 50 * Piece + 1000, 50 * Piece + 1000, 2),
            Told(swarm.Do(Command(new SwarmCommand.Recheck())))
        );
    }

    [Fact]
    public void A_reader_that_came_before_the_metadata_is_served_when_it_is_known()
    {
        var swarm = new SwarmFixture(Torrent(), isMagnet: true);
        Assert.Null(Told(Open(swarm, 1, 50 * Piece)));
        swarm.Do(new SwarmEvent(SwarmEventKind.MetadataReady, Payload: swarm.Torrent.Metainfo));
        swarm.Start();
        swarm.JoinSeed(out var requests);
        Assert.Equal(50, (int)requests[0].Piece);
    }

    [Fact]
    public void The_faster_it_reads_the_farther_ahead_is_fetched()
    {
        var layout = Torrent().Metainfo.Layout;
        var limits = new ReaderLimits { MinAhead = 100_000, MaxAhead = 3_000_000 };
        var reader = new ReaderState(1, 0, Pieces * Piece);
        Assert.Equal(100_000, reader.AheadEnd(layout, limits));
        reader.Rate.Add(50_000);
        reader.Rate.Tick(TimeSpan.FromSeconds(1));
        Assert.Equal(1_000_000, reader.AheadEnd(layout, limits));
        reader.Rate.Add(10_000_000);
        reader.Rate.Tick(TimeSpan.FromSeconds(1));
        Assert.Equal(3_000_000, reader.AheadEnd(layout, limits));
    }

    private static BuiltTorrent Torrent() => new TorrentBuilder(TorrentFormat.V1, Piece).Single(Pieces * Piece).Build();

    private static SwarmFixture Create(Func<SwarmLimits, SwarmLimits>? change = null, ReaderLimits? ahead = null) =>
        new(
            Torrent(),
            change: options =>
                options with
                {
                    Limits = (change?.Invoke(options.Limits) ?? options.Limits) with { Readers = ahead ?? new() },
                }
        );

    private static SwarmEvent Command(SwarmCommand command) => new(SwarmEventKind.Command, Payload: command);

    private static List<SwarmEffect> Open(SwarmFixture swarm, int reader, long at) =>
        swarm.Do(Command(new SwarmCommand.OpenReader(reader, at, Pieces * Piece)));

    private static void Pass(SwarmFixture swarm, TimeSpan time)
    {
        swarm.Now += time;
        swarm.Do(new SwarmEvent(SwarmEventKind.Tick));
    }

    private static void Rate(SwarmFixture swarm, PeerHandle peer, int bytes)
    {
        ref var down = ref swarm.Swarm.State.Find(peer)!.Down;
        down.Add(bytes);
        down.Tick(TimeSpan.FromSeconds(1));
    }

    private static List<(int Piece, int Begin)> Asks(SwarmFixture swarm, PeerHandle peer)
    {
        var asks = swarm.Swarm.State.Find(peer)!.Asks;
        return
        [
            .. Enumerable
                .Range(0, asks.Count)
                .Select(i => asks[i])
                .Where(ask => ask.Phase == AskPhase.Active)
                .Select(ask => (ask.Piece.Piece.Value, ask.Block * PieceLayout.BlockSize)),
        ];
    }

    /// <summary>Both blocks of a piece come, asked for or made so, and the disk finds it good.</summary>
    private static List<SwarmEffect> Get(SwarmFixture swarm, PeerHandle peer, int piece)
    {
        for (uint begin = 0; begin < Piece; begin += PieceLayout.BlockSize)
        {
            SwarmFixture.Release(swarm.Block(peer, (uint)piece, begin));
        }

        var index = swarm.Torrent.Metainfo.Layout.Piece(piece);
        byte[] bytes = [.. swarm.Torrent.Block(new BlockRef(index, 0)), .. swarm.Torrent.Block(new BlockRef(index, 1))];
        return swarm.Do(
            new SwarmEvent(
                SwarmEventKind.PieceHashed,
                Payload: new PieceHashResult
                {
                    Piece = index,
                    IsComplete = true,
                    V1 = new Sha1Digest(System.Security.Cryptography.SHA1.HashData(bytes)),
                }
            )
        );
    }

    private static ReaderProgress? Told(IEnumerable<SwarmEffect> effects) =>
        effects
            .Where(effect => effect.Kind == SwarmEffectKind.ReaderAdvanced)
            .Select(effect => (ReaderProgress)effect.Payload!)
            .LastOrDefault();
}
