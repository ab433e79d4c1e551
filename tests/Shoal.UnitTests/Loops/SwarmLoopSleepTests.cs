using System.Net;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A loop whose swarm is not needed keeps its memory only, and nobody outside can tell.</summary>
public sealed class SwarmLoopSleepTests
{
    private readonly VirtualTime _time = new();
    private readonly Owner _owner = new();
    private readonly BuiltTorrent _torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024)
        .File("a", 150_000, 3)
        .Build();

    [Fact]
    public void It_sleeps_when_all_is_here_and_wakes_when_somebody_comes()
    {
        var loop = Seed();
        Assert.True(loop.IsAsleep);
        Assert.True(loop.IsQuiet);
        Assert.Equal(TorrentState.Seeding, loop.Status.State);

        Pass(loop, TimeSpan.FromHours(1));
        Assert.True(loop.IsAsleep);

        var link = new Link();
        loop.Attach(new PeerHandle(1), link);
        loop.Post(Joined(new PeerHandle(1)));
        Assert.False(loop.IsAsleep);
        Assert.Equal(1, loop.Status.PeerCount);
        Assert.Contains(MessageId.HaveAll, link.Sent);

        loop.Post(new SwarmEvent(SwarmEventKind.PayloadSent, new PeerHandle(1), Length: 16384));
        loop.Post(new SwarmEvent(SwarmEventKind.PeerLeft, new PeerHandle(1), Payload: DisconnectReason.ClosedByPeer));
        Pass(loop, TimeSpan.FromMinutes(2));
        Assert.True(loop.IsAsleep);
        Assert.Equal((0, 16384, 0), (loop.Status.PeerCount, loop.Status.Uploaded, loop.Status.UploadRate));
    }

    [Fact]
    public void It_does_not_sleep_while_a_link_is_about_to_be_heard_of()
    {
        var loop = Loop();
        loop.Attach(new PeerHandle(1), new Link());
        loop.Post(Resumed());
        Assert.False(loop.IsAsleep);

        loop.Post(Joined(new PeerHandle(1)));
        Pass(loop, TimeSpan.FromSeconds(1));
        Assert.Equal(1, loop.Status.PeerCount);
    }

    [Fact]
    public void Commands_are_obeyed_asleep()
    {
        var loop = Seed();

        loop.Post(Command(new SwarmCommand.SetListenPort(4711)));
        loop.Post(Command(new SwarmCommand.SetUploadSlots(3)));
        loop.Post(Command(new SwarmCommand.Resume()));
        Assert.True(loop.IsAsleep);
        Assert.Equal(TorrentState.Seeding, loop.Status.State);

        loop.Post(Command(new SwarmCommand.Pause()));
        Assert.Equal(TorrentState.Paused, loop.Status.State);
        Assert.Equal(TorrentState.Paused, _owner.States[^1]);
        Assert.True(loop.IsAsleep);

        loop.Post(Command(new SwarmCommand.Resume()));
        Assert.Equal(TorrentState.Seeding, _owner.States[^1]);
        Assert.True(loop.IsAsleep);
    }

    private SwarmLoop Loop() =>
        new(
            new Swarm(
                new SwarmOptions { Random = new Random(1), PeerId = new PeerId("-SH0100-000000000000"u8) },
                _torrent.Metainfo.InfoHashes,
                _torrent.Metainfo
            ),
            _owner,
            _time,
            _time.GetTimestamp()
        );

    private SwarmLoop Seed()
    {
        var loop = Loop();
        Assert.False(loop.IsAsleep);
        loop.Post(Resumed());
        return loop;
    }

    private SwarmEvent Resumed()
    {
        var have = new Bitfield(_torrent.Metainfo.Layout.PieceCount);
        have.SetAll();
        var resume = new ResumeState { Have = have, Check = new Bitfield(have.Length) };
        return new SwarmEvent(SwarmEventKind.ResumeLoaded, Payload: resume);
    }

    private SwarmEvent Joined(PeerHandle handle) =>
        new(
            SwarmEventKind.PeerJoined,
            handle,
            Payload: new PeerIntroduction
            {
                EndPoint = new IPEndPoint(IPAddress.Parse("8.8.8.8"), 4000),
                PeerId = new PeerId("-XX0100-000000000000"u8),
                Capabilities = PeerCapabilities.Fast,
                IsOutgoing = false,
                InfoHash = _torrent.Metainfo.InfoHashes.Primary,
            }
        );

    private static SwarmEvent Command(SwarmCommand command) => new(SwarmEventKind.Command, Payload: command);

    private void Pass(SwarmLoop loop, TimeSpan time)
    {
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(time / 100);
            loop.Tick();
        }
    }

    private sealed class Link : ISwarmLink
    {
        public List<MessageId> Sent { get; } = [];

        public void Apply(ReadOnlySpan<SwarmEffect> effects)
        {
            foreach (ref readonly var effect in effects)
            {
                Sent.Add(effect.MessageId);
            }
        }
    }

    private sealed class Owner : ISwarmOwner
    {
        public List<TorrentState> States { get; } = [];

        public void StateChanged(TorrentStatus status) => States.Add(status.State);

        public void Faulted(Exception exception) => Assert.Fail(exception.ToString());

        public void Connect(IPEndPoint endPoint, DialHints hints) { }

        public void Ban(IPAddress address) { }

        public void BanWebSeed(WebSeedUrl url) { }

        public void MetadataFetched(byte[] infoBytes) { }

        public void PieceLayersFetched(byte[] layers) { }

        public void PieceCompleted(int piece) { }

        public void Completed() { }

        public void NeedPeers() { }

        public void ReaderAdvanced(ReaderProgress progress) { }

        public void AddressSeen(AddressSighting seen) { }

        public void NodeFound(IPEndPoint node) { }

        public void TrackersHeard(IReadOnlyList<HearsayTracker> trackers) { }

        public void RevocationsHeard(RevocationList list) { }

        public void MembershipEnded() { }

        public void Stirred() { }

        public void PeerChanged(PeerStatus peer, DisconnectReason? left) { }
    }
}
