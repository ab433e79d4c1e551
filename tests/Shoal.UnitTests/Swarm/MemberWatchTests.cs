using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Invited swarms: who stays, and how lists of who must not are passed on.</summary>
public sealed class MemberWatchTests : IDisposable
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1).Single(100_000, 5).Build();
    private readonly Authority _authority = new();
    private readonly MemberId _ourselves;
    private readonly SwarmFixture _fixture;

    public MemberWatchTests()
    {
        _ourselves = _authority.NewMember();
        _fixture = NewSwarm(null);
    }

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Who_has_proven_nothing_does_not_stay()
    {
        _fixture.Join(out var greeting, _fixture.Stranger(IPAddress.Parse("20.0.0.1")));
        Assert.Equal(DisconnectReason.NotAMember, SwarmFixture.Disconnection(greeting));
        Assert.DoesNotContain(greeting, effect => effect.MessageId == MessageId.Extended);
        Assert.Null(SwarmFixture.Disconnection(Join(_authority.NewMember(), out _)));
    }

    [Fact]
    public void A_list_disconnects_whom_it_names_at_once_and_keeps_him_out()
    {
        var (bad, good) = (_authority.NewMember(), _authority.NewMember());
        Join(bad, out var hisPeer);
        Join(good, out var otherPeer);
        var effects = Take(List(1, bad));
        Assert.Contains(
            effects,
            effect =>
                effect.Kind == SwarmEffectKind.Disconnect
                && effect.Peer == hisPeer
                && effect.Piece == (uint)DisconnectReason.Revoked
        );
        Assert.DoesNotContain(effects, effect => effect.Kind == SwarmEffectKind.Disconnect && effect.Peer == otherPeer);
        Assert.Equal(DisconnectReason.Revoked, SwarmFixture.Disconnection(Join(bad, out _)));
    }

    [Fact]
    public void An_old_list_changes_nothing()
    {
        var bad = _authority.NewMember();
        Take(List(2, bad));
        Take(List(1));
        Assert.Equal(DisconnectReason.Revoked, SwarmFixture.Disconnection(Join(bad, out _)));
    }

    [Fact]
    public void A_connection_ends_with_the_certificate_it_was_made_with()
    {
        Join(_authority.NewMember(), out var peer, goodFor: TimeSpan.FromHours(1));
        _fixture.Now += TimeSpan.FromMinutes(59);
        Assert.Null(SwarmFixture.Disconnection(Tick()));
        _fixture.Now += TimeSpan.FromMinutes(1);
        Assert.Contains(
            Tick(),
            effect =>
                effect.Kind == SwarmEffectKind.Disconnect
                && effect.Peer == peer
                && effect.Piece == (uint)DisconnectReason.MembershipExpired
        );
    }

    [Fact]
    public void Who_has_a_newer_list_is_asked_for_it_and_all_others_hear_of_it_once()
    {
        var list = List(3, _authority.NewMember());
        Join(_authority.NewMember(), out var teller);
        Join(_authority.NewMember(), out var other);
        var asking = Say(teller, new ShoalRevoked(Version: 3));
        Assert.Equal(3, Assert.Single(SentTo(asking, teller)).Wanted);
        // One is enough.
        Assert.Empty(SentTo(Say(other, new ShoalRevoked(Version: 2)), other));
        var taken = Say(teller, new ShoalRevoked(List: list.Encoded));
        Assert.Contains(taken, effect => effect.Kind == SwarmEffectKind.RevocationsHeard);
        Assert.Empty(SentTo(taken, teller));
        Assert.Equal(3, Assert.Single(SentTo(taken, other)).Version);
        // The other has an older one, and is given this when it asks, once.
        var given = Say(other, new ShoalRevoked(Wanted: 3));
        Assert.True(Assert.Single(SentTo(given, other)).List.Span.SequenceEqual(list.Encoded.Span));
        Assert.Empty(SentTo(Say(other, new ShoalRevoked(Wanted: 3)), other));
        Assert.Empty(SentTo(Take(list), other));
    }

    [Fact]
    public void Another_is_asked_when_the_first_is_silent()
    {
        Join(_authority.NewMember(), out var silent);
        Join(_authority.NewMember(), out var other);
        Say(silent, new ShoalRevoked(Version: 3));
        _fixture.Now += TimeSpan.FromSeconds(11);
        Assert.Equal(3, Assert.Single(SentTo(Say(other, new ShoalRevoked(Version: 3)), other)).Wanted);
    }

    [Fact]
    public void A_newcomer_hears_which_list_we_have()
    {
        var fixture = NewSwarm(List(4));
        var member = new ProvenMember(_authority.NewMember(), MemberRole.Member, default, TimeSpan.FromDays(1));
        var introduction = fixture.Stranger(IPAddress.Parse("20.0.0.1")) with { Member = member };
        var peer = fixture.Join(out _, introduction);
        var effects = fixture.Message(peer, MessageId.Extended, ExtensionHandshake.Id, payload: Handshake());
        Assert.Equal(4, Assert.Single(SentTo(effects, peer)).Version);
    }

    [Fact]
    public void Forged_and_unasked_lists_end_the_connection()
    {
        using var other = new Authority(9);
        var forged = other.Publication.Revoke(5, Authority.Now, [_authority.NewMember()], []);
        Join(_authority.NewMember(), out var forger);
        Say(forger, new ShoalRevoked(Version: 5));
        Assert.Equal(
            DisconnectReason.MalformedMessage,
            SwarmFixture.Disconnection(Say(forger, new ShoalRevoked(List: forged.Encoded)))
        );
        // One that says that it has a newer list, and sends an old one.
        Take(List(4));
        Join(_authority.NewMember(), out var replayer);
        Say(replayer, new ShoalRevoked(Version: 6));
        Assert.Equal(
            DisconnectReason.UnexpectedMessage,
            SwarmFixture.Disconnection(Say(replayer, new ShoalRevoked(List: List(2).Encoded)))
        );
        Join(_authority.NewMember(), out var pusher);
        DisconnectReason? end = null;
        for (var i = 0; i < 100 && end is null; i++)
        {
            end = SwarmFixture.Disconnection(Say(pusher, new ShoalRevoked(List: List(7).Encoded)));
        }

        Assert.Equal(DisconnectReason.Flood, end);
    }

    [Fact]
    public void Asking_without_end_is_a_flood()
    {
        Take(List(1));
        Join(_authority.NewMember(), out var greedy);
        DisconnectReason? end = null;
        for (var i = 0; i < 100 && end is null; i++)
        {
            end = SwarmFixture.Disconnection(Say(greedy, new ShoalRevoked(Wanted: 1)));
        }

        Assert.Equal(DisconnectReason.Flood, end);
    }

    [Fact]
    public void We_hear_when_it_is_us()
    {
        Assert.DoesNotContain(Take(List(1)), effect => effect.Kind == SwarmEffectKind.MembershipEnded);
        Assert.Contains(Take(List(2, _ourselves)), effect => effect.Kind == SwarmEffectKind.MembershipEnded);
        Assert.DoesNotContain(Take(List(3, _ourselves)), effect => effect.Kind == SwarmEffectKind.MembershipEnded);
    }

    [Fact]
    public void Torrents_for_everybody_neither_offer_nor_take_lists()
    {
        var fixture = new SwarmFixture(Torrent);
        var peer = fixture.Join(out var greeting);
        Assert.DoesNotContain(greeting, effect => effect.Payload is byte[] bytes && Offers(bytes));
        var message = new ShoalRevoked(List: List(1).Encoded).Write();
        Assert.Null(SwarmFixture.Disconnection(fixture.Message(peer, MessageId.Extended, OurId(), payload: message)));
        Join(_authority.NewMember(), out _, out var ours);
        Assert.Contains(ours, effect => effect.Payload is byte[] bytes && Offers(bytes));
    }

    [Fact]
    public void No_bytes_of_a_message_break_it()
    {
        byte[][] corpus =
        [
            new ShoalRevoked(Version: 3).Write(),
            new ShoalRevoked(Wanted: 3).Write(),
            new ShoalRevoked(List: List(1).Encoded).Write(),
        ];
        Fuzz.Run(
            20_000,
            random => ShoalRevoked.TryRead(Fuzz.Mutate(random, corpus[random.Next(corpus.Length)]), out _)
        );
        foreach (var bytes in corpus)
        {
            Assert.True(ShoalRevoked.TryRead(bytes, out var message));
            Assert.Equal(bytes, message.Write());
        }
    }

    private static bool Offers(byte[] handshake) =>
        Encoding.Latin1.GetString(handshake).Contains(ShoalRevoked.Name, StringComparison.Ordinal);

    private static byte[] Handshake() =>
        Encoding.ASCII.GetBytes($"d1:md{ShoalRevoked.Name.Length}:{ShoalRevoked.Name}i9eee");

    private SwarmFixture NewSwarm(RevocationList? list) =>
        new(
            Torrent,
            change: options =>
                options with
                {
                    Members = new SwarmMembers(_authority.Publication.Certificate, _ourselves, list),
                    UseTrackerExchange = false,
                }
        );

    private RevocationList List(long version, params MemberId[] members) =>
        _authority.Publication.Revoke(version, Authority.Now, members, []);

    private List<SwarmEffect> Join(MemberId member, out PeerHandle peer, TimeSpan? goodFor = null)
    {
        var effects = Join(member, out peer, out var greeting, goodFor);
        return [.. greeting, .. effects];
    }

    private List<SwarmEffect> Join(
        MemberId member,
        out PeerHandle peer,
        out List<SwarmEffect> greeting,
        TimeSpan? goodFor = null
    )
    {
        var address = new IPAddress([20, member.Span[0], member.Span[1], member.Span[2]]);
        var proven = new ProvenMember(member, MemberRole.Member, default, goodFor ?? TimeSpan.FromDays(1));
        peer = _fixture.Join(out greeting, _fixture.Stranger(address) with { Member = proven });
        return _fixture.Message(peer, MessageId.Extended, ExtensionHandshake.Id, payload: Handshake());
    }

    private List<SwarmEffect> Take(RevocationList list) =>
        _fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.SetRevocations(list)));

    private List<SwarmEffect> Tick() => _fixture.Do(new SwarmEvent(SwarmEventKind.Tick));

    private List<SwarmEffect> Say(PeerHandle peer, ShoalRevoked message) =>
        _fixture.Message(peer, MessageId.Extended, OurId(), payload: message.Write());

    // As our handshake offers it.
    private uint OurId()
    {
        var member = new ProvenMember(_authority.NewMember(), MemberRole.Member, default, TimeSpan.FromDays(1));
        var fixture = NewSwarm(null);
        fixture.Join(out var greeting, fixture.Stranger(IPAddress.Parse("20.0.0.1")) with { Member = member });
        var own = Assert.Single(greeting, effect => effect.MessageId == MessageId.Extended && effect.Piece == 0);
        Assert.True(ExtensionHandshake.TryRead((byte[])own.Payload!, out var handshake));
        return handshake.Messages[ShoalRevoked.Name];
    }

    private static List<ShoalRevoked> SentTo(IEnumerable<SwarmEffect> effects, PeerHandle peer) =>
        [
            .. effects
                .Where(effect =>
                    SwarmFixture.IsSend(MessageId.Extended)(effect) && effect.Peer == peer && effect.Piece == 9
                )
                .Select(effect =>
                {
                    Assert.True(ShoalRevoked.TryRead((byte[])effect.Payload!, out var message));
                    return message;
                }),
        ];
}
