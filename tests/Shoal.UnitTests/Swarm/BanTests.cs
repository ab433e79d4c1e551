using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Several people behind one address, one of whom sends bad data.</summary>
public sealed class BanTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 32768)
        .Single(131_000, 5)
        .Build();

    private static IPAddress Address(int network, int host) => new([20, 0, (byte)network, (byte)host]);

    [Theory]
    [InlineData(64, DisconnectReason.SentBadData)]
    [InlineData(63, DisconnectReason.Banned)]
    public void Who_has_proven_to_be_honest_is_not_banned_with_its_neighbour(int proven, DisconnectReason atTheFirst)
    {
        var fixture = new SwarmFixture(Torrent);
        var state = fixture.Swarm.State;
        PeerHandle Neighbour() => fixture.Join(out _, fixture.Stranger(Address(1, 1)));
        var honest = Neighbour();
        var newcomer = Neighbour();
        var liar = Neighbour();
        state.Find(honest)!.ProvenBlocks = proven;

        var effects = Condemn(fixture, liar);
        var isForgiving = atTheFirst == DisconnectReason.SentBadData;
        Assert.Equal(!isForgiving, effects.Exists(e => e.Kind == SwarmEffectKind.Ban));
        Assert.Equal(isForgiving, state.Find(honest) is not null);
        Assert.Equal(isForgiving, state.Find(newcomer) is not null);
        Assert.Null(state.Find(liar));
        if (!isForgiving)
        {
            return;
        }

        // The second time the address is banned, and only those stay that nobody can doubt.
        effects = Condemn(fixture, Neighbour());
        Assert.Contains(effects, e => e.Kind == SwarmEffectKind.Ban);
        Assert.Null(state.Find(newcomer));
        Assert.NotNull(state.Find(honest));
        fixture.Join(out var refused, fixture.Stranger(Address(1, 1)));
        Assert.Equal(DisconnectReason.Banned, SwarmFixture.Disconnection(refused));

        // Not for ever: lying ends it.
        Assert.Equal(DisconnectReason.SentBadData, SwarmFixture.Disconnection(Condemn(fixture, honest)));
    }

    /// <summary>All blocks of a piece come from the peer, and one of them is false.</summary>
    private static List<SwarmEffect> Condemn(SwarmFixture fixture, PeerHandle liar)
    {
        var layout = fixture.Torrent.Metainfo.Layout;
        fixture.Message(liar, MessageId.HaveAll);
        var requests = fixture.Message(liar, MessageId.Unchoke).Where(SwarmFixture.IsSend(MessageId.Request)).ToList();
        var piece = requests[0].Piece;
        foreach (var request in requests.Where(request => request.Piece == piece))
        {
            SwarmFixture.Release(fixture.Block(liar, piece, request.Begin, isGood: false));
        }

        var result = new PieceHashResult
        {
            Piece = layout.Piece((int)piece),
            IsComplete = true,
            V1 = default(Sha1Digest),
        };
        return fixture.Do(new SwarmEvent(SwarmEventKind.PieceHashed, Payload: result));
    }
}
