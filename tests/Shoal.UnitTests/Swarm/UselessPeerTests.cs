using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Two who have nothing for each other remember it, whoever of them closed the connection.</summary>
public sealed class UselessPeerTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 32768)
        .File("a", 70_000, 5)
        .File("b", 70_000, 6)
        .Build();

    private static readonly IPEndPoint Address = IPEndPoint.Parse("20.0.0.1:6881");

    [Theory]
    [InlineData(true, DisconnectReason.ClosedByPeer)]
    [InlineData(true, DisconnectReason.ConnectionLost)]
    [InlineData(true, null)]
    [InlineData(false, DisconnectReason.ClosedByPeer)]
    [InlineData(false, null)]
    public void Two_seeds_do_not_call_each_other_again_for_half_an_hour(bool isOutgoing, DisconnectReason? closedBy)
    {
        var fixture = new SwarmFixture(Torrent, isSeed: true);
        var peer = Meet(fixture, isOutgoing);
        fixture.Message(peer, MessageId.HaveAll);
        End(fixture, peer, closedBy);
        Assert.Empty(CallsWithin(fixture, TimeSpan.FromMinutes(29)));
        Assert.Equal([Address], CallsWithin(fixture, TimeSpan.FromMinutes(2)));
    }

    [Fact]
    public void Who_has_nothing_for_us_may_still_call_us()
    {
        var fixture = new SwarmFixture(Torrent, isSeed: true);
        var peer = Meet(fixture, isOutgoing: true);
        fixture.Message(peer, MessageId.HaveAll);
        End(fixture, peer, DisconnectReason.ClosedByPeer);
        // It wants something after all: a recheck found a hole.
        var again = Meet(fixture, isOutgoing: false);
        fixture.Message(again, MessageId.HaveNone);
        Assert.Null(SwarmFixture.Disconnection(fixture.Message(again, MessageId.Interested)));
        Assert.Null(SwarmFixture.Disconnection(Tick(fixture)));
        // And when it was of use it is no stranger.
        End(fixture, again, DisconnectReason.ConnectionLost);
        Assert.Equal([Address], CallsWithin(fixture, TimeSpan.FromSeconds(15)));
    }

    [Fact]
    public void Who_wanted_some_files_and_wants_more_calls_those_it_remembers_at_once()
    {
        FilePriority[] some = [FilePriority.Normal, FilePriority.Skip];
        var fixture = new SwarmFixture(
            Torrent,
            isSeed: false,
            options => options with { FilePriority = file => some[file.Path.EndsWith('a') ? 0 : 1] },
            isStarted: false
        );
        // The pieces of the first file are here.
        var have = new Bitfield(Torrent.Metainfo.Layout.PieceCount);
        have.Set(0);
        have.Set(1);
        have.Set(2);
        var resume = new ResumeState { Have = have, Check = new Bitfield(have.Length) };
        fixture.Do(new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume));
        var peer = Meet(fixture, isOutgoing: true);
        fixture.Message(peer, MessageId.HaveAll);
        End(fixture, peer, DisconnectReason.ClosedByPeer);
        Assert.Empty(CallsWithin(fixture, TimeSpan.FromMinutes(5)));
        var all = new SwarmCommand.SetFilePriorities([FilePriority.Normal, FilePriority.Normal]);
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: all));
        Assert.Equal([Address], CallsWithin(fixture, TimeSpan.FromSeconds(1)));
    }

    /// <summary>For example a seed that does not know us for one, since we super-seed.</summary>
    [Fact]
    public void Who_hangs_up_at_once_each_time_is_called_less_and_less_often()
    {
        var fixture = new SwarmFixture(Torrent);
        var peer = Meet(fixture, isOutgoing: true);
        var calls = 0;
        for (var second = 0; second < 300; second++)
        {
            End(fixture, peer, DisconnectReason.ClosedByPeer);
            if (CallsWithin(fixture, TimeSpan.FromSeconds(1)).Count > 0)
            {
                calls++;
                peer = Meet(fixture, isOutgoing: true);
            }
        }

        // After 10, 20, 40, 80 and 160 seconds; every ten seconds it would be thirty times.
        Assert.InRange(calls, 4, 5);
    }

    private static PeerHandle Meet(SwarmFixture fixture, bool isOutgoing)
    {
        var stranger = fixture.Stranger(Address.Address);
        var peer = fixture.Join(
            out _,
            isOutgoing
                ? stranger with
                {
                    EndPoint = Address,
                    IsOutgoing = true,
                    Source = PeerSource.Tracker,
                }
                : stranger with
                {
                    EndPoint = new IPEndPoint(Address.Address, 40_000),
                }
        );
        fixture.Message(peer, MessageId.Extended, 0, payload: Encoding.Latin1.GetBytes("d1:mde1:pi6881ee"));
        return peer;
    }

    /// <param name="fixture">The swarm.</param>
    /// <param name="peer">Who goes.</param>
    /// <param name="closedBy">Null: we ourselves find out that it is of no use.</param>
    private static void End(SwarmFixture fixture, PeerHandle peer, DisconnectReason? closedBy)
    {
        if (closedBy is { } reason)
        {
            fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: reason));
        }
        else
        {
            Assert.Equal(DisconnectReason.NotUseful, SwarmFixture.Disconnection(Tick(fixture)));
        }
    }

    private static List<SwarmEffect> Tick(SwarmFixture fixture)
    {
        fixture.Now += TimeSpan.FromSeconds(1);
        return fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
    }

    private static List<IPEndPoint> CallsWithin(SwarmFixture fixture, TimeSpan time)
    {
        var calls = new List<IPEndPoint>();
        for (var end = fixture.Now + time; fixture.Now < end; )
        {
            calls.AddRange(
                Tick(fixture).Where(e => e.Kind == SwarmEffectKind.Connect).Select(e => (IPEndPoint)e.Payload!)
            );
        }

        return calls;
    }
}
