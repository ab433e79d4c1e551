using System.Net;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What receipts are made from: who has given us which bytes.</summary>
public sealed class MemberCreditTests
{
    private const int Size = 131_000;

    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 32768).Single(Size, 5).Build();

    private static readonly MemberId Ada = new([.. Enumerable.Repeat((byte)1, MemberId.Size)]);

    [Fact]
    public void Only_what_was_proven_counts_for_who_sent_it()
    {
        var fixture = new SwarmFixture(Torrent);
        Assert.Empty(fixture.Swarm.CreateStatus(fixture.Now).ReceivedFrom);
        var ada = Join(fixture, Ada);
        var pieces = Requests(fixture, ada);
        var received = 0L;
        // The first is bad, and counts for nobody; whoever sends it again is believed no more, so another member comes.
        Deliver(fixture, ada, pieces[0], isGood: false);
        Assert.Empty(fixture.Swarm.CreateStatus(fixture.Now).ReceivedFrom);
        var eve = new MemberId([.. Enumerable.Repeat((byte)2, MemberId.Size)]);
        var next = Join(fixture, eve);
        foreach (var piece in Requests(fixture, next))
        {
            Deliver(fixture, next, piece, isGood: true);
            received += fixture.Torrent.Metainfo.Layout.SizeOf(fixture.Torrent.Metainfo.Layout.Piece((int)piece.Key));
            var status = fixture.Swarm.CreateStatus(fixture.Now);
            Assert.Equal(received, status.ReceivedFrom[eve]);
            Assert.Same(status.ReceivedFrom, fixture.Swarm.CreateStatus(fixture.Now).ReceivedFrom);
        }

        Assert.True(received > 0);
        Assert.DoesNotContain(Ada, fixture.Swarm.CreateStatus(fixture.Now).ReceivedFrom.Keys);
    }

    [Fact]
    public void Whoever_has_proven_nothing_is_not_counted()
    {
        var fixture = new SwarmFixture(Torrent);
        var somebody = fixture.Join(out _, fixture.Stranger(IPAddress.Parse("20.0.0.1")));
        foreach (var piece in Requests(fixture, somebody))
        {
            Deliver(fixture, somebody, piece, isGood: true);
        }

        Assert.Empty(fixture.Swarm.CreateStatus(fixture.Now).ReceivedFrom);
    }

    private static PeerHandle Join(SwarmFixture fixture, MemberId member) =>
        fixture.Join(
            out _,
            fixture.Stranger(new IPAddress([20, 0, member.Span[0], 1])) with
            {
                Member = new ProvenMember(member, MemberRole.Member, default, TimeSpan.FromDays(7)),
            }
        );

    private static List<IGrouping<uint, SwarmEffect>> Requests(SwarmFixture fixture, PeerHandle peer)
    {
        fixture.Message(peer, MessageId.HaveAll);
        return
        [
            .. fixture
                .Message(peer, MessageId.Unchoke)
                .Where(SwarmFixture.IsSend(MessageId.Request))
                .GroupBy(request => request.Piece)
                .Where(piece =>
                    piece.Sum(request => (long)request.Length)
                    == fixture.Torrent.Metainfo.Layout.SizeOf(fixture.Torrent.Metainfo.Layout.Piece((int)piece.Key))
                ),
        ];
    }

    private static void Deliver(SwarmFixture fixture, PeerHandle peer, IGrouping<uint, SwarmEffect> piece, bool isGood)
    {
        foreach (var request in piece)
        {
            SwarmFixture.Release(fixture.Block(peer, piece.Key, request.Begin, isGood));
        }

        SwarmFixture.Release(fixture.Do(SwarmScriptTests.Hashed(Torrent, (int)piece.Key, isGood)));
    }
}
