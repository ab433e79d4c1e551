using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class CustodyChallengeTests : IDisposable
{
    private readonly CustodyFixture _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void What_a_publisher_asks_is_read_again_and_a_member_asks_nothing()
    {
        var fields = _world.Challenge();
        var bytes = _world.Sign(fields);
        Assert.True(_world.TryRead(bytes, out CustodyChallenge? challenge, out _));
        Assert.Equal(fields with { Salt = challenge!.Fields.Salt }, challenge.Fields);
        Assert.Equal(fields.Salt.ToArray(), challenge.Fields.Salt.ToArray());
        Assert.Equal(_world.Publisher.Member, challenge.Challenger.Member);
        Assert.Equal(SHA256.HashData(bytes), challenge.Id.ToArray());
        Assert.False(_world.TryRead(_world.Sign(fields, _world.Receiver), out CustodyChallenge? _, out var fault));
        Assert.Equal(MembershipFault.WrongUse, fault);
        Assert.False(_world.TryRead(bytes, out CustodyChallenge? _, out fault, _world.Revoke(_world.Publisher)));
        Assert.Equal(MembershipFault.Revoked, fault);
        var elsewhere = fields with { Content = _world.Content with { Publication = PublicationId.Of([1]) } };
        Assert.False(_world.TryRead(_world.Sign(elsewhere), out CustodyChallenge? _, out fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
    }

    [Fact]
    public void Fields_have_bounds()
    {
        ChallengeFields[] bad =
        [
            _world.Challenge() with
            {
                Blocks = 0,
            },
            _world.Challenge() with
            {
                Blocks = CustodyLimits.MaxBlocks + 1,
            },
            _world.Challenge() with
            {
                Salt = new byte[31],
            },
            _world.Challenge() with
            {
                Expires = Authority.Now,
            },
            _world.Challenge() with
            {
                Expires = Authority.Now + CustodyLimits.MaxLifetime + TimeSpan.FromSeconds(1),
            },
            _world.Challenge() with
            {
                Content = _world.Content with { Version = 0 },
            },
        ];
        Assert.All(
            bad,
            fields => Assert.Throws<ArgumentException>(() => CustodyChallenge.Sign(fields, _world.Identity, default))
        );
    }

    [Fact]
    public void A_member_answers_only_what_is_for_it_about_this_content_by_who_may_ask_and_not_old()
    {
        var entry = Entry(_world.Publisher);
        var fields = _world.Challenge() with { Content = ReceiptContent.Of(entry.Fields) };
        bool IsFor(ChallengeFields what, MemberGrant? by = null, DateTimeOffset? now = null) =>
            _world.Made(what, by).IsFor(_world.Receiver.Member, entry, now ?? Authority.Now);

        Assert.True(IsFor(fields));
        Assert.True(IsFor(fields, _world.Authority.Grant(MemberRole.Administrator)));
        Assert.False(IsFor(fields, _world.Authority.Grant(MemberRole.Publisher)));
        Assert.False(IsFor(fields with { Member = _world.Senders[0] }));
        Assert.False(IsFor(fields with { Content = fields.Content with { Version = 4 } }));
        Assert.False(IsFor(fields with { Content = fields.Content with { Torrent = default } }));
        Assert.True(IsFor(fields, now: Authority.Now.AddHours(25)));
        Assert.False(IsFor(fields, now: Authority.Now.AddHours(26)));
        Assert.False(IsFor(fields, now: Authority.Now.AddHours(-26)));
    }

    [Fact]
    public void The_salt_chooses_blocks_all_over_the_content()
    {
        var seen = new HashSet<long>();
        for (var i = 0; i < 100; i++)
        {
            var chosen = _world.Made(_world.Challenge()).Choose(100);
            Assert.Equal(8, chosen.Count);
            Assert.Equal(chosen.Order().Distinct(), chosen);
            Assert.All(chosen, block => Assert.InRange(block, 0, 99));
            seen.UnionWith(chosen);
        }

        // Each of 100 is missed by 100 times 8 of 100 with 0.02 %.
        Assert.True(seen.Count > 95);
        var one = _world.Made();
        Assert.Equal([0, 1, 2], one.Choose(3));
        Assert.Equal(8, one.Choose(9).Count);
        Assert.Empty(one.Choose(0));
        Assert.All(one.Choose(1L << 46), block => Assert.InRange(block, 0, (1L << 46) - 1));
        Assert.Equal(one.Choose(1000), one.Choose(1000));
    }

    [Fact]
    public void An_answer_is_of_use_for_its_challenge_and_member_only()
    {
        var (content, challenge) = (_world.Authority.Bytes(1000), _world.Made());
        var right = Hash(challenge, content);
        var answer = Answer(challenge, right);
        Assert.Equal(challenge.Id, CustodyAnswer.ChallengeOf(answer));
        Assert.Equal(CustodyVerdict.Proven, Judge(answer, challenge, right));
        Assert.Equal(CustodyVerdict.Wrong, Judge(Answer(challenge, new byte[32]), challenge, right));
        Assert.Equal(CustodyVerdict.Missing, Judge(Answer(challenge, []), challenge, right));

        // To another challenge, by another member, by a stranger: it says nothing of this one.
        var other = _world.Made();
        Assert.NotEqual(right, Hash(other, content));
        Assert.Equal(CustodyVerdict.Invalid, Judge(answer, other, Hash(other, content)));
        Assert.Equal(CustodyVerdict.Invalid, Judge(Answer(challenge, right, _world.Publisher), challenge, right));
        using var thief = MemberIdentity.Create();
        var certificate = _world.Authority.Issue(_world.Identity, _world.Receiver);
        var forged = CustodyAnswer.Sign(challenge, right, Authority.Now, thief, certificate);
        Assert.Equal(CustodyVerdict.Invalid, Judge(forged, challenge, right));

        // The same blocks for another member hash to something else: no answer can be passed on.
        var forOther = _world.Made(challenge.Fields with { Member = _world.Senders[0] });
        Assert.NotEqual(right, Hash(forOther, content));
    }

    [Fact]
    public void Whatever_is_changed_is_noticed_and_nothing_throws()
    {
        var challenge = _world.Made();
        var right = Hash(challenge, [1]);
        var (asked, answer) = (challenge.Encoded.ToArray(), Answer(challenge, right));
        Fuzz.Run(
            2_000,
            random =>
            {
                Assert.False(_world.TryRead(Changed(asked, random), out CustodyChallenge? _, out _));
                var changed = Changed(answer, random);
                _ = CustodyAnswer.ChallengeOf(changed);
                Assert.Equal(CustodyVerdict.Invalid, Judge(changed, challenge, right));
            }
        );
        var tooLong = new byte[CustodyLimits.MaxMessageLength + 1];
        Assert.False(_world.TryRead(tooLong, out CustodyChallenge? _, out _));
        Assert.Null(CustodyAnswer.ChallengeOf(tooLong));
    }

    [Fact]
    public void Twelve_answers_an_hour_whoever_asks()
    {
        var budget = new AnswerBudget();
        for (var i = 0; i < CustodyLimits.AnswersPerHour; i++)
        {
            Assert.True(budget.TryTake(TimeSpan.FromMinutes(i)));
        }

        Assert.False(budget.TryTake(TimeSpan.FromMinutes(30)));
        Assert.False(budget.TryTake(TimeSpan.FromMinutes(59.9)));
        Assert.True(budget.TryTake(TimeSpan.FromMinutes(60)));
        Assert.False(budget.TryTake(TimeSpan.FromMinutes(60)));
    }

    private static byte[] Changed(byte[] good, Random random)
    {
        var bytes = good.ToArray();
        bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    private static byte[] Hash(CustodyChallenge challenge, byte[] content)
    {
        using var hash = challenge.Begin();
        CustodyChallenge.Append(hash, 0, content);
        return hash.GetHashAndReset();
    }

    private byte[] Answer(CustodyChallenge challenge, byte[] digest, MemberGrant? by = null) =>
        CustodyAnswer.Sign(
            challenge,
            digest,
            Authority.Now,
            _world.Identity,
            _world.Authority.Issue(_world.Identity, by ?? _world.Receiver)
        );

    private CustodyVerdict Judge(byte[] answer, CustodyChallenge challenge, byte[] expected) =>
        CustodyAnswer.Judge(answer, challenge, expected, _world.Authority.Verifier, null);

    private CatalogueEntry Entry(MemberGrant publisher)
    {
        var fields = new CatalogueFields
        {
            Publication = _world.Authority.Publication.Publication,
            Id = new EntryId(9),
            Version = 3,
            Title = "Genomes",
            Size = CustodyFixture.Size,
            InfoHashes = new InfoHashes(default(Sha1Digest), null),
            Torrent = new Sha256Digest(SHA256.HashData([7])),
            SignedAt = Authority.Now,
            AsksForReceipts = true,
        };
        var signed = CatalogueEntry.Sign(fields, _world.Identity, _world.Authority.Issue(_world.Identity, publisher));
        Assert.True(CatalogueEntry.TryRead(signed, _world.Authority.Verifier, null, out var entry, out _));
        Assert.True(entry.Fields.AsksForReceipts);
        return entry;
    }
}
