using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Whoever lacks something itself lets a few ask at a time, each until it has a piece.</summary>
public sealed class UploadTurnTests
{
    private const int Pieces = 40;
    private const int PieceLength = 64 * 1024;

    private readonly SwarmFixture _fixture = new(
        new TorrentBuilder(TorrentFormat.V1, PieceLength).Single(Pieces * PieceLength, 5).Build(),
        change: options => options with { Limits = options.Limits with { UploadSlots = 2 } },
        isStarted: false
    );

    public UploadTurnTests()
    {
        var have = new Bitfield(Pieces);
        for (var piece = 0; piece < Pieces / 2; piece++)
        {
            have.Set(piece);
        }

        var resume = new ResumeState { Have = have, Check = new Bitfield(Pieces) };
        _fixture.Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
    }

    [Fact]
    public void Who_has_had_a_piece_is_choked_for_another()
    {
        var one = Interested();
        var two = Interested();
        var three = Interested();
        Assert.Equal([one, two], Unchoked());

        Assert.Equal([three], Unchoked(AskAll(one, 0)));
        // The last block goes out before it.
        Assert.Equal([one], Choked(SendAll(one)));
        Assert.Superset(new HashSet<PeerHandle> { two, three }, Unchoked().ToHashSet());
    }

    [Fact]
    public void Who_has_had_a_piece_goes_on_while_nobody_waits()
    {
        _fixture.Join(out _);
        var one = Interested();
        for (var piece = 0u; piece < 5; piece++)
        {
            AskAll(one, piece);
            Assert.Empty(Choked(SendAll(one)));
        }

        Assert.Equal([one], Unchoked());
    }

    [Fact]
    public void Whom_we_owe_most_is_next()
    {
        var one = Interested();
        Interested();
        Interested();
        var giver = Interested();
        State(giver).Down.Add(3 * PieceLength);
        Assert.Equal([giver], Unchoked(AskAll(one, 0)));
    }

    [Fact]
    public void Who_only_takes_waits_behind_all_and_gets_no_turn_that_nobody_uses()
    {
        var taker = Interested();
        State(taker).Up.Add(PieceLength);
        State(taker).WaitedSeconds = 100;
        var one = Interested();
        var other = Interested();
        Assert.Equal([taker, one], Unchoked());
        Assert.Equal([other], Unchoked(AskAll(taker, 0)));
        Assert.Equal([taker], Choked(SendAll(taker)));
        AskAll(one, 1);
        SendAll(one);
        Assert.Equal([one, other], Unchoked());
        Tick(1);
        Assert.Equal([one, other], Unchoked());
    }

    [Fact]
    public void Turns_that_are_not_used_are_given_to_others()
    {
        for (var i = 0; i < 12; i++)
        {
            Interested();
        }

        Assert.Equal(2, Unchoked().Count);
        Tick(0.3);
        Assert.True(Unchoked().Count > 2);
        Tick(3);
        Assert.All(_fixture.Swarm.State.Peers, peer => Assert.NotEqual(TimeSpan.Zero, peer.UnchokedAt));
    }

    [Fact]
    public void Some_who_lack_a_new_piece_may_ask_before_they_say_that_they_want_it()
    {
        var peer = _fixture.Join(out _);
        _fixture.Message(peer, MessageId.HaveNone);
        var seed = _fixture.JoinSeed(out var requests);
        var piece = requests[0].Piece;
        for (var block = 0u; block < PieceLength / 16384; block++)
        {
            SwarmFixture.Release(_fixture.Block(seed, piece, block * 16384));
        }

        var result = new PieceHashResult
        {
            Piece = _fixture.Torrent.Metainfo.Layout.Piece((int)piece),
            IsComplete = true,
            V1 = new Sha1Digest(
                SHA1.HashData(_fixture.Torrent.Piece(_fixture.Torrent.Metainfo.Layout.Piece((int)piece)))
            ),
        };
        var effects = _fixture.Do(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: result));
        Assert.Equal([peer], Unchoked(effects));
    }

    private PeerHandle Interested()
    {
        var peer = _fixture.Join(out _);
        _fixture.Message(peer, MessageId.HaveNone);
        _fixture.Message(peer, MessageId.Interested);
        return peer;
    }

    private PeerState State(PeerHandle peer) => _fixture.Swarm.State.Find(peer)!;

    private void Tick(double seconds)
    {
        for (var i = 0; i < seconds * 10; i++)
        {
            _fixture.Now += TimeSpan.FromSeconds(0.1);
            _fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }
    }

    private List<SwarmEffect> AskAll(PeerHandle peer, uint piece)
    {
        var effects = new List<SwarmEffect>();
        for (var block = 0u; block < PieceLength / 16384; block++)
        {
            effects.AddRange(_fixture.Message(peer, MessageId.Request, piece, block * 16384, 16384));
        }

        return effects;
    }

    private List<SwarmEffect> SendAll(PeerHandle peer) =>
        [
            .. Enumerable
                .Range(0, PieceLength / 16384)
                .SelectMany(_ => _fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384))),
        ];

    private List<PeerHandle> Unchoked() =>
        [.. _fixture.Swarm.State.Peers.Where(peer => !peer.AreWeChoking).Select(peer => peer.Handle)];

    private static List<PeerHandle> Unchoked(List<SwarmEffect> effects) =>
        [.. effects.Where(SwarmFixture.IsSend(MessageId.Unchoke)).Select(effect => effect.Peer)];

    private static List<PeerHandle> Choked(List<SwarmEffect> effects) =>
        [.. effects.Where(SwarmFixture.IsSend(MessageId.Choke)).Select(effect => effect.Peer)];
}
