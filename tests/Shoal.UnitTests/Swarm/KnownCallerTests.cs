using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A peer calls from an address that we know already, as happens by uTP.</summary>
public sealed class KnownCallerTests
{
    private static readonly IPAddress Address = IPAddress.Parse("30.0.0.1");

    private readonly SwarmFixture _fixture = new(new TorrentBuilder(TorrentFormat.V1).Single(100_000).Build());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_who_was_named_to_us_and_is_not_called_besides(bool areWeCalling)
    {
        var stranger = _fixture.Stranger(Address) with { Source = PeerSource.Incoming };
        if (!areWeCalling)
        {
            _fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.Pause()));
        }

        var batch = new CandidateBatch([stranger.EndPoint], PeerSource.HolePunch);
        var calls = _fixture.Do(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: batch));
        Assert.Equal(areWeCalling, calls.Exists(effect => effect.Kind == SwarmEffectKind.Connect));
        if (!areWeCalling)
        {
            var resumed = _fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.Resume()));
            areWeCalling = resumed.Exists(effect => effect.Kind == SwarmEffectKind.Connect);
        }

        _fixture.Join(out _, stranger);
        if (areWeCalling)
        {
            // Our call was the other of the two.
            _fixture.Do(
                new SwarmEvent(
                    SwarmEventKind.ConnectFailed,
                    Piece: (uint)DisconnectReason.Duplicate,
                    Payload: stranger.EndPoint
                )
            );
        }

        var peer = Assert.Single(_fixture.Swarm.CreateStatus(_fixture.Now).Peers);
        Assert.Equal(PeerSource.HolePunch | PeerSource.Incoming, peer.Source);
        for (var second = 0; second < 120; second++)
        {
            _fixture.Now += TimeSpan.FromSeconds(1);
            var effects = _fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
            Assert.DoesNotContain(effects, effect => effect.Kind == SwarmEffectKind.Connect);
        }
    }
}
