using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class AdmissionTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 32768)
        .Single(131_000, 5)
        .Build();

    [Fact]
    public void The_peer_that_is_of_least_use_goes_when_another_torrent_needs_a_place()
    {
        var fixture = new SwarmFixture(Torrent);
        var giving = fixture.Join(out _);
        fixture.Message(giving, MessageId.HaveAll);
        fixture.Swarm.State.Find(giving)!.Down.Add(100_000);
        fixture.Now += TimeSpan.FromSeconds(1);
        fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        var idle = fixture.Join(out _);
        fixture.Now += TimeSpan.FromSeconds(1);
        var young = fixture.Join(out _);
        var wanting = fixture.Join(out _);
        fixture.Message(wanting, MessageId.Interested);

        PeerHandle?[] order = [.. Enumerable.Range(0, 5).Select(_ => GiveUp(fixture))];
        Assert.Equal([young, idle, wanting, giving, null], order);
    }

    [Fact]
    public void Fewer_places_for_uploads_choke_those_beyond()
    {
        var fixture = new SwarmFixture(Torrent, isSeed: true);
        for (var i = 0; i < 8; i++)
        {
            fixture.Message(fixture.Join(out _), MessageId.Interested);
        }

        Assert.Equal(8, Unchoked(fixture));
        Command(fixture, new SwarmCommand.SetUploadSlots(2));
        fixture.Now += Choker.RoundInterval * 2;
        fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        Assert.Equal(2, Unchoked(fixture));
    }

    /// <summary>Peers may call while the disk is still being read, and those of a magnet link come before there is a disk.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_came_before_the_disk_was_read_hears_what_is_there(bool isSuperSeeding)
    {
        var fixture = new SwarmFixture(
            Torrent,
            change: options => options with { SuperSeeding = isSuperSeeding },
            isStarted: false
        );
        var early = fixture.Join(out var greeting);
        Assert.Contains(greeting, effect => effect.MessageId == MessageId.HaveNone);
        var effects = fixture.Start(isSeed: true);
        fixture.Now += TimeSpan.FromSeconds(1);
        effects.AddRange(fixture.Do(new SwarmEvent(SwarmEventKind.Tick)));
        var told = effects.Where(SwarmFixture.IsSend(MessageId.Have)).ToList();
        Assert.All(told, effect => Assert.Equal(early, effect.Peer));
        Assert.Equal(
            isSuperSeeding ? 1 : Torrent.Metainfo.Layout.PieceCount,
            told.Select(effect => effect.Piece).Distinct().Count()
        );
    }

    private static int Unchoked(SwarmFixture fixture) => fixture.Swarm.State.Peers.Count(peer => !peer.AreWeChoking);

    private static PeerHandle? GiveUp(SwarmFixture fixture)
    {
        var left = Command(fixture, new SwarmCommand.GiveUpPeer()).Where(e => e.Kind == SwarmEffectKind.Disconnect);
        return left.Select(e => (PeerHandle?)e.Peer).SingleOrDefault();
    }

    private static List<SwarmEffect> Command(SwarmFixture fixture, SwarmCommand command) =>
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: command));
}
