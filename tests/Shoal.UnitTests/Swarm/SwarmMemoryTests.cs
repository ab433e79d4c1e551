using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Where a swarm ends and its memory begins: what goes over, and what must not be lost.</summary>
public sealed class SwarmMemoryTests
{
    private static readonly IPAddress Elsewhere = IPAddress.Parse("8.8.8.8");

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void A_swarm_made_of_a_memory_does_what_the_former_would_have_done(TorrentFormat format)
    {
        SwarmCommand[] commands =
        [
            new SwarmCommand.SetListenPort(4711),
            new SwarmCommand.SetUploadSlots(2),
            new SwarmCommand.SetExternalAddress(Elsewhere),
            new SwarmCommand.SetExternalAddress(IPAddress.Parse("2001:db8::1")),
            new SwarmCommand.SetSequential(true),
            new SwarmCommand.GiveUpPeer(),
            new SwarmCommand.Resume(),
        ];
        var restless = new SwarmFixture(Torrent(format), isSeed: true);
        var rested = new SwarmFixture(Torrent(format), isSeed: true);
        foreach (var command in commands)
        {
            restless.Do(new SwarmEvent(SwarmEventKind.Command, Payload: command));
        }

        Assert.True(rested.Rest(commands));

        Assert.Equal(Seen(restless.Swarm), Seen(rested.Swarm));
        var one = restless.Join(out var greeting);
        var other = rested.Join(out var again);
        Assert.Equal(Texts(greeting), Texts(again));
        foreach (var (fixture, peer) in new[] { (restless, one), (rested, other) })
        {
            fixture.Message(peer, MessageId.Interested);
        }

        Assert.Equal(
            Texts(restless.Do(new SwarmEvent(SwarmEventKind.Tick))),
            Texts(rested.Do(new SwarmEvent(SwarmEventKind.Tick)))
        );
        Assert.Equal(
            Texts(restless.Message(one, MessageId.Request, 1, 0, 16384)),
            Texts(rested.Message(other, MessageId.Request, 1, 0, 16384))
        );
        Assert.False(rested.Rest());
    }

    [Fact]
    public void Files_that_are_not_wanted_stay_so_and_all_can_be_hashed_again()
    {
        var fixture = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true);
        FilePriority[] priorities = [FilePriority.High, FilePriority.Skip];
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.SetFilePriorities(priorities)));
        var before = Seen(fixture.Swarm);

        Assert.True(fixture.Rest());

        Assert.Equal(before, Seen(fixture.Swarm));
        var effects = fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.Recheck()));
        Assert.Contains(effects, effect => effect.Disk.Kind == DiskRequestKind.HashPiece);
        Assert.False(fixture.Rest());
    }

    [Fact]
    public void A_paused_torrent_rests_and_wakes_paused()
    {
        var fixture = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true);
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.Pause()));

        Assert.True(fixture.Rest(new SwarmCommand.Pause()));

        fixture.Join(out var refused);
        Assert.Equal(DisconnectReason.TorrentPaused, SwarmFixture.Disconnection(refused));
        Assert.Equal(TorrentState.Paused, fixture.Swarm.CreateStatus(fixture.Now).State);
    }

    [Fact]
    public void Trackers_that_answered_are_told_to_peers_after_a_rest_too()
    {
        Assert.True(TrackerUrl.TryParse("http://one.example/announce", out var one));
        Assert.True(TrackerUrl.TryParse("http://two.example/announce", out var two));
        var fixture = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true);
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.TrackerWorks(one)));

        Assert.True(fixture.Rest(new SwarmCommand.TrackerWorks(two), new SwarmCommand.TrackerWorks(one)));

        Assert.Equal([one, two], fixture.Swarm.Remember()!.Trackers);
    }

    /// <summary>Whatever is under way or known of others keeps the swarm awake.</summary>
    [Fact]
    public void Nothing_is_lost_by_resting()
    {
        Assert.False(new SwarmFixture(Torrent(TorrentFormat.V1)).Rest(), "it lacks something");
        Assert.False(new SwarmFixture(Torrent(TorrentFormat.V1), isMagnet: true).Rest(), "it lacks everything");
        Assert.False(
            new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true, isStarted: false).Rest(),
            "the disk was not read"
        );
        Assert.False(After(fixture => fixture.Join(out _)), "a peer");
        Assert.False(
            After(fixture =>
                fixture.Do(
                    new SwarmEvent(
                        SwarmEventKind.CandidatesFound,
                        Payload: new CandidateBatch([new IPEndPoint(Elsewhere, 4000)], PeerSource.Tracker)
                    )
                )
            ),
            "a call"
        );
        Assert.False(
            After(fixture =>
                fixture.Do(
                    new SwarmEvent(
                        SwarmEventKind.DiskFailed,
                        Payload: new DiskFailure(DiskFailureKind.Other, "the disk is gone")
                    )
                )
            ),
            "a failure"
        );
        Assert.False(
            After(fixture =>
                fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.OpenReader(1, 0, 100)))
            ),
            "a reader"
        );
        // The piece that a super-seed has shown is not shown again.
        Assert.False(
            After(
                fixture =>
                {
                    var peer = fixture.Join(out _, fixture.Stranger(Elsewhere));
                    fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ClosedByPeer));
                },
                options => options with { SuperSeeding = true }
            ),
            "what was shown"
        );
    }

    /// <summary>A peer that called and has gone leaves nothing behind, whatever it took; what it took is counted.</summary>
    [Fact]
    public void It_rests_again_when_the_last_has_left()
    {
        var fixture = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true);
        Assert.True(fixture.Rest());
        var peer = fixture.Join(out _, fixture.Stranger(Elsewhere));
        Assert.False(fixture.Rest());
        fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384));
        fixture.Do(new SwarmEvent(SwarmEventKind.PeerLeft, peer, Payload: DisconnectReason.ClosedByPeer));
        for (var second = 0; second < 120 && !fixture.Rest(); second++)
        {
            fixture.Now += TimeSpan.FromSeconds(1);
            fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        }

        Assert.True(fixture.Rest());
        Assert.Equal(16384, fixture.Swarm.CreateStatus(fixture.Now).Uploaded);
    }

    [Fact]
    public void What_needs_a_swarm_is_not_taken_by_its_memory()
    {
        var memory = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true).Swarm.Remember()!;

        Assert.True(memory.TryTake(new SwarmEvent(SwarmEventKind.Tick)));
        Assert.False(memory.TryTake(new SwarmEvent(SwarmEventKind.PeerJoined)));
        Assert.False(memory.TryTake(new SwarmEvent(SwarmEventKind.DiskFailed)));
        foreach (
            SwarmCommand command in new SwarmCommand[]
            {
                new SwarmCommand.Pause(),
                new SwarmCommand.Recheck(),
                new SwarmCommand.SetFilePriorities([]),
                new SwarmCommand.SetSuperSeeding(true),
                new SwarmCommand.OpenReader(1, 0, 1),
            }
        )
        {
            Assert.False(memory.TryTake(new SwarmEvent(SwarmEventKind.Command, Payload: command)), $"{command}");
        }
    }

    /// <summary>Of a torrent that nobody else has the DHT names us alone, long before we know at which address it sees us.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_finds_only_itself_rests(bool isReached)
    {
        var fixture = new SwarmFixture(
            Torrent(TorrentFormat.V1),
            isSeed: true,
            options => options with { ListenPort = 7777 }
        );
        var us = new IPEndPoint(Elsewhere, 7777);
        var found = new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: new CandidateBatch([us], PeerSource.Dht));
        fixture.Do(found);
        if (isReached)
        {
            fixture.Do(new SwarmEvent(SwarmEventKind.ConnectFailed, Piece: (uint)DisconnectReason.Self, Payload: us));
        }
        else
        {
            fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.SetExternalAddress(Elsewhere)));
        }

        Assert.True(fixture.Rest());
        fixture.Do(found);
        Assert.True(fixture.Rest(), "named again");
        Assert.True(fixture.Swarm.Remember()!.TryTake(found), "asleep");
    }

    private static BuiltTorrent Torrent(TorrentFormat format) =>
        new TorrentBuilder(format, 32 * 1024).File("a", 150_000, 3).File("b", 40_000, 4).Build();

    private static bool After(Action<SwarmFixture> happens, Func<SwarmOptions, SwarmOptions>? change = null)
    {
        var fixture = new SwarmFixture(Torrent(TorrentFormat.V1), isSeed: true, change);
        happens(fixture);
        return fixture.Rest();
    }

    private static (TorrentState, long, long, int, int, int) Seen(Swarm swarm)
    {
        var status = swarm.CreateStatus(TimeSpan.FromSeconds(1));
        return (
            status.State,
            status.WantedBytes,
            status.DoneBytes,
            status.Pieces!.Count,
            swarm.State.Own.Port,
            swarm.State.UploadSlots
        );
    }

    private static IEnumerable<string> Texts(IEnumerable<SwarmEffect> effects) =>
        effects.Select(effect =>
            $"{effect.Kind} {effect.Peer} {effect.MessageId} {effect.Piece} {effect.Begin} {effect.Length} {effect.Disk.Kind} "
            + (effect.Payload is byte[] bytes ? Convert.ToHexString(bytes) : effect.Payload?.GetType().Name)
        );
}
