using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>How a seed keeps peers from fetching the same from it.</summary>
public sealed class SuggesterTests
{
    private const int Pieces = 40;
    private const int PieceLength = 32 * 1024;

    private readonly SwarmFixture _fixture = new(
        new TorrentBuilder(TorrentFormat.V1, PieceLength).Single(Pieces * PieceLength, 5).Build(),
        isSeed: true,
        options => options with { Limits = options.Limits with { UploadSlots = 3 } }
    );

    [Fact]
    public void Whoever_is_alone_is_told_nothing()
    {
        var one = Unchoked(out var suggested);
        Assert.Empty(suggested);
        Assert.Empty(Suggested(Ask(one, 0)));
        Unchoked(out suggested);
        Assert.Equal(2, suggested.Count);
        Assert.DoesNotContain(0u, suggested);
        Assert.Equal(2, Suggested(Ask(one, 1)).Count);
    }

    [Fact]
    public void Each_peer_is_sent_to_other_pieces()
    {
        Unchoked(out _);
        var one = Unchoked(out var toOne);
        Unchoked(out var toOther);
        Assert.Equal(2, toOne.Count);
        Assert.Equal(2, toOther.Count);
        Assert.Empty(toOne.Intersect(toOther));

        // One taken up: one more to go on with, which nobody else was told of.
        var more = Assert.Single(Suggested(Ask(one, toOne[0])));
        Assert.DoesNotContain(more, toOne.Concat(toOther));
        Assert.Empty(Suggested(Ask(one, toOne[0], begin: 16384)));
    }

    [Fact]
    public void What_a_peer_takes_of_its_own_accord_is_not_suggested_to_others()
    {
        Unchoked(out _);
        var one = Unchoked(out var toOne);
        var own = Enumerable.Range(0, Pieces).Select(piece => (uint)piece).Except(toOne).ToList();
        var seen = new List<uint>(toOne);
        foreach (var piece in own.Take(30))
        {
            seen.AddRange(Suggested(Ask(one, piece)));
        }

        Unchoked(out var toOther);
        Assert.Empty(toOther.Intersect(own.Take(30).Concat(seen)));
    }

    [Fact]
    public void Pieces_that_others_have_are_not_suggested()
    {
        var peer = _fixture.Join(out _);
        var have = new Bitfield(Pieces);
        for (var piece = 1; piece < Pieces; piece++)
        {
            have.Set(_fixture.Torrent.Metainfo.Layout.Piece(piece));
        }

        _fixture.Message(peer, MessageId.Bitfield, payload: have.Bytes.ToArray());
        Unchoked(out _);
        Unchoked(out var suggested);
        Assert.Equal([0u], suggested);
    }

    [Fact]
    public void What_a_leaver_did_not_get_goes_to_another()
    {
        Unchoked(out _);
        var one = Unchoked(out var toOne);
        var all = new HashSet<uint>(toOne);
        for (var next = new Queue<uint>(toOne); next.TryDequeue(out var piece); )
        {
            foreach (var suggested in Suggested(Ask(one, piece)).Where(all.Add))
            {
                next.Enqueue(suggested);
            }
        }

        Assert.Equal(Pieces, all.Count);
        Unchoked(out var nothing);
        Assert.Empty(nothing);
        _fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, one, Payload: DisconnectReason.ClosedByPeer));
        Unchoked(out var again);
        Assert.Equal(2, again.Count);
    }

    [Fact]
    public void A_choked_peer_may_finish_the_piece_it_is_getting()
    {
        Unchoked(out _);
        var one = Unchoked(out var toOne);
        var piece = toOne[0];
        Assert.Contains(Ask(one, piece), effect => effect.Disk.Kind == DiskRequestKind.ReadBlock);
        var state = _fixture.Swarm.State;
        var uploader = new Uploader(state) { BeforeChoke = peer => state.Content!.Layout.Piece(peer.LastServed) };
        uploader.Choke(state.Find(one)!);
        var rest = Ask(one, piece, begin: 16384);
        Assert.Contains(rest, effect => effect.Disk.Kind == DiskRequestKind.ReadBlock);
        var other = Ask(one, toOne[1]);
        Assert.Contains(other, SwarmFixture.IsSend(MessageId.Reject).Invoke);
    }

    [Fact]
    public void Nobody_may_fetch_while_choked_what_only_we_have()
    {
        _fixture.Join(out var greeting);
        Assert.DoesNotContain(greeting, SwarmFixture.IsSend(MessageId.AllowedFast).Invoke);

        _fixture.JoinOthersWithEverything();
        _fixture.Join(out greeting);
        Assert.Contains(greeting, SwarmFixture.IsSend(MessageId.AllowedFast).Invoke);
    }

    [Fact]
    public void Who_passes_on_nothing_keeps_it_and_what_it_has_goes_to_another()
    {
        var keeper = Unchoked(out _);
        var giver = Unchoked(out var toGiver);
        Take(keeper, 1);
        Take(giver, 2);
        // A third has what the giver had alone.
        var third = _fixture.Join(out _);
        _fixture.Message(third, MessageId.HaveNone);
        _fixture.Message(third, MessageId.Have, 2);
        Seconds(14);
        Assert.False(State(keeper).IsKeeping);
        Seconds(3);
        Assert.True(State(keeper).IsKeeping);
        Assert.False(State(giver).IsKeeping);
        Assert.Empty(Suggested(Ask(keeper, 20)));
        Assert.Equal([1u], Suggested(Ask(giver, toGiver[0])));

        // What it gets now is as good as lost, too; saying it again adds nothing.
        Take(keeper, 30);
        Assert.Equal([30u], Suggested(Ask(giver, toGiver[1])));
        _fixture.Message(keeper, MessageId.Have, 30);
        Assert.DoesNotContain(30u, Suggested(Ask(giver, 30)));

        // Who had it from us proves nothing; who had it from the keeper does.
        Take(giver, 1);
        Assert.True(State(keeper).IsKeeping);
        Assert.False(State(giver).IsKeeping);
    }

    [Fact]
    public void Who_passes_something_on_after_all_is_forgiven()
    {
        var keeper = Unchoked(out _);
        var other = Unchoked(out _);
        Take(keeper, 1);
        Seconds(20);
        Assert.True(State(keeper).IsKeeping);
        _fixture.Message(other, MessageId.Have, 1);
        Assert.False(State(keeper).IsKeeping);
    }

    [Fact]
    public void Who_is_alone_or_has_only_begun_has_its_time()
    {
        var peer = Unchoked(out _);
        Take(peer, 1);
        Seconds(60);
        Assert.False(State(peer).IsKeeping);

        // Whatever it had before, of what others have too.
        var full = _fixture.Join(out _);
        _fixture.Message(full, MessageId.HaveNone);
        for (var piece = 2u; piece < 10; piece++)
        {
            _fixture.Message(full, MessageId.Have, piece);
        }

        var late = Unchoked(out _);
        for (var piece = 2u; piece < 10; piece++)
        {
            Take(late, piece);
        }

        Seconds(10);
        Take(late, 11);
        Seconds(10);
        Assert.False(State(late).IsKeeping);
        Assert.True(State(peer).IsKeeping);
        Seconds(10);
        Assert.True(State(late).IsKeeping);
    }

    [Fact]
    public void Who_had_nothing_that_others_lacked_keeps_nothing()
    {
        _fixture.JoinOthersWithEverything();
        var peer = _fixture.Join(out _);
        _fixture.Message(peer, MessageId.HaveNone);
        _fixture.Message(peer, MessageId.Interested);
        Take(peer, 3);
        Seconds(60);
        Assert.False(State(peer).IsKeeping);
    }

    private PeerState State(PeerHandle peer) => _fixture.Swarm.State.Find(peer)!;

    /// <summary>The peer gets the piece from us.</summary>
    private void Take(PeerHandle peer, uint piece)
    {
        for (var begin = 0u; begin < PieceLength; begin += 16384)
        {
            Ask(peer, piece, begin);
            _fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384));
        }

        _fixture.Message(peer, MessageId.Have, piece);
    }

    private void Seconds(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _fixture.Now += TimeSpan.FromSeconds(1);
            _fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }
    }

    private PeerHandle Unchoked(out List<uint> suggested)
    {
        var peer = _fixture.Join(out _);
        var effects = _fixture.Message(peer, MessageId.HaveNone);
        effects.AddRange(_fixture.Message(peer, MessageId.Interested));
        Assert.Contains(effects, SwarmFixture.IsSend(MessageId.Unchoke).Invoke);
        suggested = Suggested(effects);
        return peer;
    }

    private List<SwarmEffect> Ask(PeerHandle peer, uint piece, uint begin = 0) =>
        _fixture.Message(peer, MessageId.Request, piece, begin, 16384);

    private static List<uint> Suggested(List<SwarmEffect> effects) =>
        [.. effects.Where(SwarmFixture.IsSend(MessageId.Suggest)).Select(effect => effect.Piece)];
}
