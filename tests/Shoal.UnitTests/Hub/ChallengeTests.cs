using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class ChallengeTests
{
    [Fact]
    public async Task A_challenge_goes_to_the_member_and_its_answer_back_and_is_forgotten_then()
    {
        await using var world = await CustodyWorld.StartAsync();
        var ada = await ClaimantAsync(world);
        var (encoded, id) = world.Challenge(world.Publisher, ada);
        Assert.False((await RevocationsAsync(world, ada, 0)).IsChallenged);
        Assert.Equal(204, (await world.ChallengeAsync(world.Publisher, encoded)).Status);
        Assert.Equal("waiting", (await StateAsync(world, id)).State);
        Assert.True((await RevocationsAsync(world, ada, 50)).IsChallenged);
        // An answer before the question was fetched has nothing to do with it.
        var answer = Answer(world, ada, encoded);
        Assert.Equal("challenge-unknown", (await world.ReplyAsync(ada, answer)).Code);
        Assert.Equal([encoded], (await world.FetchAsync(ada)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
        Assert.Equal("fetched", (await StateAsync(world, id)).State);
        Assert.False((await RevocationsAsync(world, ada, 0)).IsChallenged);
        world.Hub.Time.Advance(TimeSpan.FromMilliseconds(1500));
        Assert.Equal(204, (await world.ReplyAsync(ada, answer)).Status);
        Assert.Equal("challenge-unknown", (await world.ReplyAsync(ada, answer)).Code);
        var state = await StateAsync(world, id);
        Assert.Equal(("answered", 1500L), (state.State, state.Milliseconds));
        Assert.Equal(answer, state.Answer);
        Assert.Equal(404, (await world.StateAsync(world.Publisher, id)).Status);
    }

    [Fact]
    public async Task Who_waits_for_revocations_hears_of_a_challenge_at_once_in_every_process()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, ben) = (await ClaimantAsync(world), await ClaimantAsync(world));
        var timers = world.Hub.Time.ActiveTimers;
        var (one, other, stranger) = (Wait(world, ada, 50), Wait(world, ada, 10), Wait(world, ben, 50));
        // Whoever is counted as waiting may not have begun yet: its time runs from when its timer is set.
        while (world.Hub.Time.ActiveTimers < timers + 3)
        {
            await Task.Yield();
        }

        // One of two processes of the same member goes: the other is told all the same.
        world.Hub.Time.Advance(TimeSpan.FromSeconds(11));
        Assert.False((await other).IsChallenged);
        Assert.False(one.IsCompleted);
        await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded);
        Assert.True((await one).IsChallenged);
        Assert.False(stranger.IsCompleted);
        world.Hub.Time.Advance(TimeSpan.FromSeconds(50));
        Assert.False((await stranger).IsChallenged);
    }

    [Fact]
    public async Task Only_who_may_asks_and_only_who_claims_a_copy_is_asked()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, partial) = (await ClaimantAsync(world), await world.Hub.AddAsync(MemberRole.Member));
        await world.GiveAsync(partial, world.Receipt(1, false, (world.Publisher, 10)));
        var (other, admin) = (
            await world.Hub.AddAsync(MemberRole.Publisher),
            await world.Hub.AddAsync(MemberRole.Administrator)
        );
        Assert.Equal("role-needed", (await world.ChallengeAsync(ada, world.Challenge(ada, ada).Encoded)).Code);
        Assert.Equal("not-yours", (await world.ChallengeAsync(other, world.Challenge(other, ada).Encoded)).Code);
        // Somebody else's question.
        Assert.Equal(
            "not-yours",
            (await world.ChallengeAsync(admin, world.Challenge(world.Publisher, ada).Encoded)).Code
        );
        Assert.Equal(204, (await world.ChallengeAsync(admin, world.Challenge(admin, ada).Encoded)).Status);
        Assert.Equal(
            "no-such-copy",
            (await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, partial).Encoded)).Code
        );
        Assert.Equal("bad-challenge", (await world.ChallengeAsync(world.Publisher, [1, 2])).Code);
        var (old, _) = world.Challenge(world.Publisher, ada);
        world.Hub.Time.Advance(TimeSpan.FromHours(26));
        Assert.Equal("bad-challenge", (await world.ChallengeAsync(world.Publisher, old)).Code);
    }

    [Fact]
    public async Task Nobody_fetches_or_answers_for_another_and_only_who_asked_reads_the_answer()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, eve) = (await ClaimantAsync(world), await ClaimantAsync(world));
        var admin = await world.Hub.AddAsync(MemberRole.Administrator);
        var (encoded, id) = world.Challenge(world.Publisher, ada);
        await world.ChallengeAsync(world.Publisher, encoded);
        Assert.Empty((await world.FetchAsync(eve)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
        Assert.Single((await world.FetchAsync(ada)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
        Assert.Equal("challenge-unknown", (await world.ReplyAsync(eve, Answer(world, eve, encoded))).Code);
        Assert.Equal("challenge-unknown", (await world.ReplyAsync(eve, [1])).Code);
        Assert.Equal(404, (await world.StateAsync(admin, id)).Status);
        Assert.Equal(403, (await world.StateAsync(ada, id)).Status);
        Assert.Equal(404, (await world.Hub.AskAsync(world.Publisher, "GET", "/v1/challenges/xyz")).Status);
        Assert.Equal("fetched", (await StateAsync(world, id)).State);
    }

    [Fact]
    public async Task Challenges_end_and_a_member_is_not_asked_all_the_time()
    {
        await using var world = await CustodyWorld.StartAsync();
        var ada = await ClaimantAsync(world);
        var (encoded, id) = world.Challenge(world.Publisher, ada, TimeSpan.FromSeconds(30));
        await world.ChallengeAsync(world.Publisher, encoded);
        await world.FetchAsync(ada);
        world.Hub.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal("challenge-unknown", (await world.ReplyAsync(ada, Answer(world, ada, encoded))).Code);
        Assert.Empty((await world.FetchAsync(ada)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
        for (var i = 1; i < CustodyLimits.AnswersPerHour; i++)
        {
            Assert.Equal(
                204,
                (await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded)).Status
            );
        }

        Assert.Equal(
            429,
            (await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ada).Encoded)).Status
        );
        // Once more the same question: it is there.
        var ben = await ClaimantAsync(world);
        var again = world.Challenge(world.Publisher, ben).Encoded;
        Assert.Equal(204, (await world.ChallengeAsync(world.Publisher, again)).Status);
        Assert.Equal(204, (await world.ChallengeAsync(world.Publisher, again)).Status);
        Assert.Single((await world.FetchAsync(ben)).As(CustodyJson.Default.ChallengesAnswer).Challenges);
    }

    [Fact]
    public async Task Who_has_many_contents_fetches_all_that_waits_at_once_and_nothing_of_others()
    {
        await using var world = await CustodyWorld.StartAsync();
        var (ada, ben) = (await ClaimantAsync(world), await ClaimantAsync(world));
        var (one, other) = (world.Challenge(world.Publisher, ada), world.Challenge(world.Publisher, ada));
        await world.ChallengeAsync(world.Publisher, one.Encoded);
        await world.ChallengeAsync(world.Publisher, other.Encoded);
        await world.ChallengeAsync(world.Publisher, world.Challenge(world.Publisher, ben).Encoded);
        var open = (await world.Hub.AskAsync(ada, "GET", "/v1/challenges")).As(CustodyJson.Default.ChallengesAnswer);
        Assert.Equal(2, open.Challenges.Count);
        Assert.Contains(one.Encoded, open.Challenges);
        Assert.Contains(other.Encoded, open.Challenges);
        Assert.Equal("fetched", (await StateAsync(world, one.Id)).State);
        Assert.Equal(404, (await world.Hub.AskAsync(ada, "GET", "/v1/challenges?entry=x")).Status);
    }

    [Fact]
    public async Task An_open_challenge_survives_a_restart_of_the_hub()
    {
        await using var world = await CustodyWorld.StartAsync();
        var ada = await ClaimantAsync(world);
        var (encoded, id) = world.Challenge(world.Publisher, ada);
        await world.ChallengeAsync(world.Publisher, encoded);
        await world.Hub.RestartAsync();
        Assert.True((await RevocationsAsync(world, ada, 50)).IsChallenged);
        await world.FetchAsync(ada);
        await world.Hub.RestartAsync();
        Assert.Equal(204, (await world.ReplyAsync(ada, Answer(world, ada, encoded))).Status);
        Assert.Equal("answered", (await StateAsync(world, id)).State);
    }

    private static async Task<HubMember> ClaimantAsync(CustodyWorld world)
    {
        var member = await world.Hub.AddAsync(MemberRole.Member);
        Assert.Equal(204, (await world.GiveAsync(member, world.Receipt(1, true, (world.Publisher, 20_000)))).Status);
        return member;
    }

    private static byte[] Answer(CustodyWorld world, HubMember by, byte[] challenge)
    {
        AuthorityCertificate.TryRead(AuthorityOf(world), out var authority, out _);
        Assert.True(CustodyChallenge.TryRead(challenge, new MembershipVerifier(authority!), null, out var read, out _));
        return CustodyAnswer.Sign(
            read,
            RandomNumberGenerator.GetBytes(32),
            world.Hub.Time.GetUtcNow(),
            by.Identity,
            by.Certificate
        );
    }

    private static byte[] AuthorityOf(CustodyWorld world) =>
        File.ReadAllBytes(Path.Combine(world.Hub.Folder, "hub", "authority.cer"));

    private static async Task<ChallengeState> StateAsync(CustodyWorld world, Sha256Digest id) =>
        (await world.StateAsync(world.Publisher, id)).As(CustodyJson.Default.ChallengeState);

    private static Task<RevocationAnswer> Wait(CustodyWorld world, HubMember who, int seconds) =>
        RevocationsAsync(world, who, seconds);

    private static async Task<RevocationAnswer> RevocationsAsync(CustodyWorld world, HubMember who, int seconds) =>
        (await world.Hub.AskAsync(who, "GET", $"/v1/revocations?after=0&wait={seconds}")).As(
            HubJson.Default.RevocationAnswer
        );
}
