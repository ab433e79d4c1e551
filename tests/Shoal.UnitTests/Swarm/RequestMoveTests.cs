using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Requests that wait at a busy peer go to an idle one; and what is asked of a seed that spreads.</summary>
public sealed class RequestMoveTests
{
    private const int PieceLength = 128 * 1024;
    private const int Pieces = 4;

    private readonly SwarmFixture _fixture = new(
        new TorrentBuilder(TorrentFormat.V1, PieceLength).Single(Pieces * PieceLength, 5).Build()
    );

    [Fact]
    public void An_idle_peer_gets_what_waits_at_a_busy_one()
    {
        var busy = Leech([0], out var first);
        Assert.Equal(8, first.Count);
        Leech([], out _);
        var idle = Leech([0], out var moved);
        // As long as the busy one has four more, and never the first.
        Assert.Equal(3, Requests(moved, idle).Count);
        Assert.Equal(Requests(moved, idle), Cancels(moved, busy));
        Assert.DoesNotContain(0u, Cancels(moved, busy));
    }

    [Fact]
    public void A_request_is_moved_once()
    {
        var busy = Leech([0], out _);
        var idle = Leech([0], out var moved);
        var third = Leech([0], out var again);
        Assert.NotEmpty(Requests(moved, idle));
        Assert.Empty(Cancels(again, idle));
        Assert.Empty(Requests(again, third).Intersect(Requests(moved, idle)));
        Assert.NotEqual(busy, third);
    }

    [Fact]
    public void Nothing_is_moved_to_one_that_does_not_have_it()
    {
        Leech([0], out _);
        Leech([], out _);
        Leech([1], out var requests);
        Assert.DoesNotContain(requests, SwarmFixture.IsSend(MessageId.Cancel).Invoke);
    }

    [Fact]
    public void What_a_choking_peer_leaves_is_taken_over_by_another()
    {
        var one = Leech([0, 1], out var first);
        var left = first[0].Piece;
        var block = Requests(first, one)[0];
        SwarmFixture.Release(_fixture.Block(one, left, block));
        _fixture.Message(one, MessageId.Choke);
        foreach (var begin in Requests(first, one).Skip(1))
        {
            _fixture.Message(one, MessageId.Reject, left, begin, 16384);
        }

        var other = Leech([0, 1], out var requests);
        Assert.All(requests.Where(SwarmFixture.IsSend(MessageId.Request)).Take(7), e => Assert.Equal(left, e.Piece));
        Assert.NotEqual(one, other);
    }

    [Fact]
    public void A_seed_that_suggests_is_asked_for_that_and_nothing_else()
    {
        Leech([], out _);
        var seed = Seed();
        _fixture.Message(seed, MessageId.Suggest, 2);
        var asked = _fixture.Message(seed, MessageId.Unchoke).Where(SwarmFixture.IsSend(MessageId.Request)).ToList();
        Assert.Equal(8, asked.Count);
        Assert.All(asked, request => Assert.Equal(2u, request.Piece));
        Assert.Empty(Tick());
        _fixture.Message(seed, MessageId.Suggest, 3);
        _fixture.Swarm.State.Find(seed)!.QueueTarget = 12;
        var more = Tick();
        Assert.Equal(4, more.Count);
        Assert.All(more, request => Assert.Equal(3u, request.Piece));
    }

    [Fact]
    public void A_seed_that_suggests_is_asked_for_anything_when_others_have_all_there_is()
    {
        Leech([0, 1, 2, 3], out _, isUnchoking: false);
        var seed = Seed();
        _fixture.Message(seed, MessageId.Suggest, 2);
        Assert.Contains(_fixture.Message(seed, MessageId.Unchoke), SwarmFixture.IsSend(MessageId.Request).Invoke);
    }

    [Fact]
    public void Where_there_is_nobody_to_pass_it_on_to_a_seed_is_asked_for_anything()
    {
        var seed = Seed();
        _fixture.Message(seed, MessageId.Suggest, 2);
        _fixture.Swarm.State.Find(seed)!.QueueTarget = 12;
        var asked = _fixture.Message(seed, MessageId.Unchoke).Where(SwarmFixture.IsSend(MessageId.Request)).ToList();
        Assert.Equal(2, asked.Select(request => request.Piece).Distinct().Count());
    }

    [Fact]
    public void A_seed_that_has_suggested_nothing_for_a_while_is_asked_for_anything()
    {
        Leech([], out _);
        var seed = Seed();
        _fixture.Message(seed, MessageId.Suggest, 2);
        _fixture.Now += TimeSpan.FromSeconds(11);
        _fixture.Swarm.State.Find(seed)!.QueueTarget = 12;
        var asked = _fixture.Message(seed, MessageId.Unchoke).Where(SwarmFixture.IsSend(MessageId.Request)).ToList();
        Assert.Equal(2, asked.Select(request => request.Piece).Distinct().Count());
    }

    private PeerHandle Seed()
    {
        var seed = _fixture.Join(out _);
        _fixture.Message(seed, MessageId.HaveAll);
        return seed;
    }

    private PeerHandle Leech(int[] pieces, out List<SwarmEffect> effects, bool isUnchoking = true)
    {
        var peer = _fixture.Join(out _);
        var have = new Bitfield(Pieces);
        foreach (var piece in pieces)
        {
            have.Set(piece);
        }

        _fixture.Message(peer, MessageId.Bitfield, payload: have.Bytes.ToArray());
        effects = isUnchoking ? _fixture.Message(peer, MessageId.Unchoke) : [];
        return peer;
    }

    private List<SwarmEffect> Tick()
    {
        _fixture.Now += TimeSpan.FromSeconds(0.1);
        return [.. _fixture.Do(new SwarmEvent(SwarmEventKind.Tick)).Where(SwarmFixture.IsSend(MessageId.Request))];
    }

    private static List<uint> Requests(List<SwarmEffect> effects, PeerHandle peer) =>
        Begins(effects, peer, MessageId.Request);

    private static List<uint> Cancels(List<SwarmEffect> effects, PeerHandle peer) =>
        Begins(effects, peer, MessageId.Cancel);

    private static List<uint> Begins(List<SwarmEffect> effects, PeerHandle peer, MessageId id) =>
        [.. effects.Where(SwarmFixture.IsSend(id)).Where(effect => effect.Peer == peer).Select(effect => effect.Begin)];
}
