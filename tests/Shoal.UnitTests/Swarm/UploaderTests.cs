using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>How many requests wait, and what becomes of them.</summary>
public sealed class UploaderTests
{
    private static BuiltTorrent Torrent(int pieces) =>
        new TorrentBuilder(TorrentFormat.V1, 32 * 1024).Single(pieces * 32 * 1024 - 100, 5).Build();

    [Fact]
    public void Reading_ahead_is_bounded_and_goes_on_as_bytes_leave()
    {
        var fixture = new SwarmFixture(Torrent(pieces: 40), isSeed: true);
        var peer = fixture.Join(out _);
        fixture.Message(peer, MessageId.HaveNone);
        fixture.Message(peer, MessageId.Interested);
        var reads = 0;
        for (uint piece = 0; piece < 40; piece++)
        {
            var effects = fixture.Message(peer, MessageId.Request, piece, 0, 16384);
            reads += effects.Count(effect => effect.Disk.Kind == DiskRequestKind.ReadBlock);
        }

        Assert.Equal(256 / 16, reads);
        Assert.Single(fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384)));
        var cancelled = Assert.Single(fixture.Message(peer, MessageId.Cancel, 30, 0, 16384));
        Assert.Equal((MessageId.Reject, 30u), (cancelled.MessageId, cancelled.Piece));
    }

    /// <summary>rtorrent asks for a fifth of a second's worth, whatever the rate, and asks for nothing twice.</summary>
    [Fact]
    public void Who_cannot_be_refused_is_answered_all_the_same_and_not_read_from_meanwhile()
    {
        var few = SwarmLimits.Default with { MaxRequestsIn = 8, MaxRequestsOnTheWay = 16, MinSendAhead = 1 };
        var fixture = new SwarmFixture(Torrent(pieces: 40), isSeed: true, options => options with { Limits = few });
        var peer = fixture.Join(out _, PeerCapabilities.None);
        fixture.Message(peer, MessageId.Interested);
        var holds = new List<uint>();
        for (uint piece = 0; piece < 40; piece++)
        {
            var effects = fixture.Message(peer, MessageId.Request, piece, 0, 16384);
            if (effects.Exists(effect => effect.Kind == SwarmEffectKind.HoldReading))
            {
                holds.Add(piece);
            }
        }

        // The first is being read, the next eight fill the queue; sixteen were on their way.
        Assert.Equal([8u], holds);
        var served = 1;
        var resumedAfter = new List<int>();
        while (true)
        {
            var effects = fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Length: 16384));
            var reads = effects.Count(effect => effect.Disk.Kind == DiskRequestKind.ReadBlock);
            if (effects.Exists(effect => effect.Kind == SwarmEffectKind.ResumeReading))
            {
                resumedAfter.Add(served);
            }

            if (reads == 0)
            {
                break;
            }

            served += reads;
        }

        Assert.Equal(1 + 8 + 16, served);
        Assert.Equal([served - 5], resumedAfter);
    }

    [Theory]
    [InlineData(MessageId.Cancel)]
    [InlineData(MessageId.Choke)]
    public void Who_waits_for_less_is_read_from_again(MessageId why)
    {
        var few = SwarmLimits.Default with { MaxRequestsIn = 2, MinSendAhead = 1 };
        var fixture = new SwarmFixture(Torrent(pieces: 40), isSeed: true, options => options with { Limits = few });
        var peer = fixture.Join(out _, PeerCapabilities.None);
        fixture.Message(peer, MessageId.Interested);
        fixture.Message(peer, MessageId.Request, 0, 0, 16384);
        fixture.Message(peer, MessageId.Request, 1, 0, 16384);
        var held = fixture.Message(peer, MessageId.Request, 2, 0, 16384);
        Assert.Equal(SwarmEffectKind.HoldReading, Assert.Single(held).Kind);
        // Who wants nothing is choked in the next round.
        var effects = fixture.Message(
            peer,
            why == MessageId.Cancel ? MessageId.Cancel : MessageId.NotInterested,
            2,
            0,
            16384
        );
        if (why == MessageId.Choke)
        {
            fixture.Now += TimeSpan.FromSeconds(11);
            effects = fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
            Assert.Contains(effects, SwarmFixture.IsSend(MessageId.Choke).Invoke);
        }

        Assert.Contains(effects, effect => effect.Kind == SwarmEffectKind.ResumeReading);
    }

    [Theory]
    [InlineData(true, MessageId.Reject)]
    [InlineData(false, default(MessageId))]
    public void A_cancel_takes_back_what_the_link_still_has(bool isFast, MessageId answer)
    {
        var fixture = new SwarmFixture(Torrent(pieces: 40), isSeed: true);
        var peer = fixture.Join(out _, isFast ? SwarmFixture.All : PeerCapabilities.None);
        fixture.Message(peer, MessageId.Interested);
        fixture.Message(peer, MessageId.Request, 7, 0, 16384);
        Assert.Equal(
            new SwarmEffect(SwarmEffectKind.Unsend, peer, answer, 7, 0, 16384),
            Assert.Single(fixture.Message(peer, MessageId.Cancel, 7, 0, 16384))
        );
        // A length of 0 would mean all that is there.
        Assert.Empty(fixture.Message(peer, MessageId.Cancel, 7, 0, 0));
        // What was taken back is no upload, and makes room for others.
        fixture.Do(new SwarmEvent(SwarmEventKind.PayloadSent, peer, Begin: 16384));
        Assert.Equal(0, fixture.Swarm.CreateStatus(fixture.Now).Uploaded);
        Assert.Equal(0, fixture.Swarm.State.Find(peer)!.SendAhead);
        Assert.Empty(fixture.Message(peer, MessageId.Cancel, 7, 0, 16384));
    }
}
