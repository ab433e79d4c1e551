using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>In which order a seed serves what only it has.</summary>
public sealed class UploadLineTests
{
    private const int Pieces = 16;
    private const int PieceLength = 64 * 1024;

    private readonly SwarmFixture _fixture = new(
        new TorrentBuilder(TorrentFormat.V1, PieceLength).Single(Pieces * PieceLength, 5).Build(),
        isSeed: true
    );

    [Fact]
    public void A_peer_gets_its_piece_before_another_gets_more_of_its_own()
    {
        var one = Unchoked(out var ofOne);
        var other = Unchoked(out var ofOther);
        var served = new List<PeerHandle>();
        for (var block = 0u; block < 4; block++)
        {
            served.AddRange(Ask(one, ofOne, block));
            served.AddRange(Ask(other, ofOther, block));
        }

        // As much as may be on its way to all.
        Assert.Equal([one, other, one, other], served);
        foreach (var peer in new[] { one, other, one, other })
        {
            served.AddRange(Sent(peer));
        }

        Assert.Equal([one, one, other, other], served[4..]);
    }

    [Fact]
    public void Nobody_waits_for_what_others_have_too()
    {
        var holder = _fixture.Join(out _);
        var have = new Bitfield(Pieces);
        have.Set(0);
        _fixture.Message(holder, MessageId.Bitfield, payload: have.Bytes.ToArray());
        var one = Unchoked(out _);
        var other = Unchoked(out var ofOther);
        for (var block = 0u; block < 4; block++)
        {
            Assert.Equal([one], Ask(one, 0, block));
        }

        Assert.Empty(Ask(one, 0, 0));
        Assert.Empty(Ask(other, ofOther, 0));
        Assert.Equal([other], Sent(one));
        Assert.Equal([one], Sent(one));
    }

    [Fact]
    public void Who_takes_nothing_is_not_waited_for()
    {
        var one = Unchoked(out var ofOne);
        var other = Unchoked(out var ofOther);
        for (var block = 0u; block < 4; block++)
        {
            Ask(one, ofOne, block);
        }

        Assert.Empty(Ask(other, ofOther, 0));
        _fixture.Now += TimeSpan.FromSeconds(0.6);
        Assert.Equal([other], Reads(_fixture.Do(new SwarmEvent(SwarmEventKind.Tick))));
    }

    [Fact]
    public void Where_all_have_their_pieces_soon_nobody_stands_in_line()
    {
        var one = Unchoked(out var ofOne);
        // Eight pieces of 64 KiB in a quarter of a second.
        for (var tick = 0; tick < 20; tick++)
        {
            _fixture.Now += TimeSpan.FromSeconds(0.1);
            _fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, one, Length: 200 * 1024));
            _fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }

        var other = Unchoked(out var ofOther);
        for (var block = 0u; block < 4; block++)
        {
            Assert.Equal([one], Ask(one, ofOne, block));
            Assert.Equal([other], Ask(other, ofOther, block));
        }
    }

    private PeerHandle Unchoked(out uint suggested)
    {
        var peer = _fixture.Join(out _);
        _fixture.Message(peer, MessageId.HaveNone);
        var effects = _fixture.Message(peer, MessageId.Interested);
        var suggestion = effects.FindIndex(SwarmFixture.IsSend(MessageId.Suggest).Invoke);
        Assert.InRange(suggestion, 0, effects.FindIndex(SwarmFixture.IsSend(MessageId.Unchoke).Invoke));
        suggested = effects[suggestion].Piece;
        return peer;
    }

    /// <summary>Whose blocks are read then.</summary>
    private List<PeerHandle> Ask(PeerHandle peer, uint piece, uint block) =>
        Reads(_fixture.Message(peer, MessageId.Request, piece, block * 16384, 16384));

    private List<PeerHandle> Sent(PeerHandle peer) =>
        Reads(_fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384)));

    private static List<PeerHandle> Reads(List<SwarmEffect> effects) =>
        [
            .. effects
                .Where(effect => effect.Disk.Kind == DiskRequestKind.ReadBlock && effect.Kind == SwarmEffectKind.Disk)
                .Select(effect => effect.Disk.Peer),
        ];
}
