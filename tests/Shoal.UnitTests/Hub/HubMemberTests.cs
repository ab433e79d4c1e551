using System.Net;
using System.Text;
using System.Text.Json;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class HubMemberTests
{
    [Fact]
    public async Task Outsiders_get_nothing_but_the_authoritys_certificate()
    {
        await using var world = await HubWorld.StartAsync();
        await using var elsewhere = await HubWorld.StartAsync();
        var stranger = await elsewhere.AddAsync(MemberRole.Administrator);
        (string Method, string Path)[] all =
        [
            ("GET", "/announce?info_hash=x"),
            ("GET", "/v1/catalogue"),
            ("POST", "/v1/catalogue"),
            ("GET", $"/v1/catalogue/{new EntryId(1)}/1/torrent"),
            ("GET", $"/v1/catalogue/{new EntryId(1)}/1/peers"),
            ("DELETE", $"/v1/catalogue/{new EntryId(1)}/1"),
            ("GET", "/v1/revocations"),
            ("GET", "/v1/members"),
            ("POST", "/v1/members/revoke"),
            ("GET", "/v1/invitations"),
            ("POST", "/v1/invitations"),
            ("POST", "/v1/certificates"),
            ("POST", "/v1/renew"),
        ];
        foreach (var (method, path) in all)
        {
            var nobody = await world.AskAsync(null, method, path);
            Assert.Equal((401, "no-certificate"), (nobody.Status, nobody.Code));
            var other = await world.AskAsync(stranger, method, path);
            Assert.Equal((403, "certificate-other-authority"), (other.Status, other.Code));
        }

        Assert.Equal(404, (await world.AskAsync(null, "GET", "/")).Status);
        var answer = await world.AskAsync(null, "GET", "/v1/authority");
        Assert.Equal(world.Hub.Publication.ToString(), answer.As(HubJson.Default.AuthorityAnswer).Publication);
    }

    [Fact]
    public async Task Certificates_that_are_not_good_now_open_nothing()
    {
        await using var world = await HubWorld.StartAsync();
        var ada = await world.AddAsync(MemberRole.Administrator);
        world.Time.Advance(TimeSpan.FromDays(8));
        Assert.Equal("certificate-expired", (await world.AskAsync(ada, "GET", "/v1/catalogue")).Code);
    }

    [Fact]
    public async Task Members_neither_invite_nor_issue_nor_list_nor_revoke_nor_publish()
    {
        await using var world = await HubWorld.StartAsync();
        var (member, publisher) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Publisher));
        (string, string)[] forAdministrators =
        [
            ("GET", "/v1/members"),
            ("POST", "/v1/members/revoke"),
            ("GET", "/v1/invitations"),
            ("POST", "/v1/invitations"),
            ("POST", "/v1/certificates"),
            ("POST", "/v1/invitations/aaaaaaaaaaaaa/revoke"),
        ];
        foreach (var (method, path) in forAdministrators)
        {
            Assert.Equal("role-needed", (await world.AskAsync(member, method, path)).Code);
            Assert.Equal("role-needed", (await world.AskAsync(publisher, method, path)).Code);
        }

        Assert.Equal("role-needed", (await world.AskAsync(member, "POST", "/v1/catalogue")).Code);
    }

    [Fact]
    public async Task One_bad_row_among_many_and_nothing_is_made()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var rows = Enumerable.Range(0, 100).Select(_ => world.Of(world.NewLink())).ToList();
        NewInvitation[] bad =
        [
            rows[0] with
            {
                Id = "nonsense",
            },
            rows[0] with
            {
                SecretHash = [1],
            },
            rows[0] with
            {
                Uses = 0,
            },
            rows[0] with
            {
                Uses = HubLimits.MaxUses + 1,
            },
            rows[0] with
            {
                Role = "emperor",
            },
            rows[0] with
            {
                Name = new string('x', HubLimits.MaxName + 1),
            },
            rows[0] with
            {
                Name = "a\nb",
            },
            rows[0] with
            {
                Expires = 0,
            },
            rows[0] with
            {
                Expires = long.MaxValue,
            },
            rows[0] with
            {
                PublishBytes = -1,
            },
        ];
        foreach (var one in bad)
        {
            var mixed = rows.ToList();
            mixed[41] = one;
            var answer = await MakeAsync(world, admin, mixed);
            Assert.Equal((400, "bad-row"), (answer.Status, answer.Code));
            Assert.Contains("row 42", answer.As(HubJson.Default.HubProblem).Message, StringComparison.Ordinal);
        }

        var page = (await world.AskAsync(admin, "GET", "/v1/invitations")).As(HubJson.Default.InvitationPage);
        Assert.Empty(page.Invitations);
        Assert.Equal(204, (await MakeAsync(world, admin, rows)).Status);
        // The answer got lost, and the same comes again.
        Assert.Equal(204, (await MakeAsync(world, admin, rows)).Status);
        var taken = await MakeAsync(world, admin, [rows[0] with { SecretHash = new byte[32] }]);
        Assert.Equal((409, "invitation-taken"), (taken.Status, taken.Code));
        Assert.Equal(400, (await MakeAsync(world, admin, [])).Status);
    }

    [Fact]
    public async Task An_administrator_invites_no_more_than_was_granted()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var delegated = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Administrator, invitations: 3));
        var rows = Enumerable.Range(0, 4).Select(_ => world.Of(world.NewLink())).ToList();
        Assert.Equal("quota-exceeded", (await MakeAsync(world, delegated, rows)).Code);
        Assert.Equal(204, (await MakeAsync(world, delegated, rows[..3])).Status);
        Assert.Equal("quota-exceeded", (await MakeAsync(world, delegated, rows[3..])).Code);
    }

    [Fact]
    public async Task Who_is_revoked_is_out_at_once_and_so_are_those_invited_by_him_if_asked()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var bad = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Administrator));
        var friend = await world.JoinAsync(await world.InviteAsync(bad, MemberRole.Administrator));
        var friendOfFriend = await world.JoinAsync(await world.InviteAsync(friend));
        var honest = await world.JoinAsync(await world.InviteAsync(root));
        var waiting = world.AskAsync(honest, "GET", "/v1/revocations?after=0&wait=50");
        var unknown = new RevokeRequest([bad.Id.ToString(), Issuer.NewMember().ToString()], false);
        Assert.Equal("member-unknown", (await RevokeAsync(world, root, unknown)).Code);
        Assert.Equal(200, (await world.AskAsync(bad, "GET", "/v1/catalogue")).Status);
        var answer = await RevokeAsync(world, root, new RevokeRequest([bad.Id.ToString()], true));
        Assert.Equal(3, answer.As(HubJson.Default.RevokeAnswer).Members.Count);
        foreach (var gone in new[] { bad, friend, friendOfFriend })
        {
            Assert.Equal("certificate-revoked", (await world.AskAsync(gone, "GET", "/v1/catalogue")).Code);
        }

        // Whoever waited hears of it without asking again.
        var pushed = (await waiting).As(HubJson.Default.RevocationAnswer);
        AuthorityCertificate.TryRead(
            (await world.AskAsync(null, "GET", "/v1/authority")).As(HubJson.Default.AuthorityAnswer).Certificate,
            out var authority,
            out _
        );
        Assert.True(RevocationList.TryRead(pushed.List, authority!, out var list, out _));
        Assert.Equal(1, list.Version);
        Assert.Contains(friend.Id, list.Members);
        Assert.DoesNotContain(honest.Id, list.Members);
        await world.RestartAsync();
        Assert.Equal("certificate-revoked", (await world.AskAsync(bad, "GET", "/v1/catalogue")).Code);
        Assert.Equal(200, (await world.AskAsync(honest, "GET", "/v1/catalogue")).Status);
        // The link by which a revoked one came lets him in no more, with the same key or another.
        Assert.Equal(
            1,
            (await RevokeAsync(world, root, new RevokeRequest([bad.Id.ToString()], false)))
                .As(HubJson.Default.RevokeAnswer)
                .Version
        );
    }

    /// <summary>A server writes its first answers by another way than the later ones; this is that of the later ones.</summary>
    [Fact]
    public void Bytes_that_are_not_there_are_null_in_every_answer()
    {
        var list = JsonSerializer.Serialize(new RevocationAnswer(0, null, 0), HubJson.Default.RevocationAnswer);
        Assert.Contains("\"list\":null", list, StringComparison.Ordinal);
        var state = new ChallengeState("waiting", null, null);
        Assert.Contains(
            "\"answer\":null",
            JsonSerializer.Serialize(state, CustodyJson.Default.ChallengeState),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Waiting_ends_in_time_and_not_everybody_can_wait()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { Waiting = 1 });
        var ada = await world.AddAsync(MemberRole.Member);
        var timers = world.Time.ActiveTimers;
        var first = world.AskAsync(ada, "GET", "/v1/revocations?after=0&wait=30");
        // It is counted a moment before its time begins to run.
        while (world.Hub.Status.Waiting == 0 || world.Time.ActiveTimers == timers)
        {
            await Task.Yield();
        }

        var crowded = (await world.AskAsync(ada, "GET", "/v1/revocations?after=0&wait=30")).As(
            HubJson.Default.RevocationAnswer
        );
        Assert.True(crowded.AskAgainIn > 0);
        world.Time.Advance(TimeSpan.FromSeconds(31));
        var ended = await first;
        Assert.True(
            ended.As(HubJson.Default.RevocationAnswer).List is null,
            System.Text.Encoding.UTF8.GetString(ended.Body)
        );
        Assert.Equal("bad-request", (await world.AskAsync(ada, "GET", "/v1/revocations?after=-1")).Code);
    }

    [Fact]
    public async Task Too_many_requests_of_one_member_slow_down_only_him()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { RequestsPerMember = 10 });
        var (ada, ben) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Member));
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        }

        Assert.Equal(429, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        Assert.Equal(200, (await world.AskAsync(ben, "GET", "/v1/catalogue")).Status);
    }

    [Fact]
    public async Task Certificates_for_files_are_issued_all_or_none()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        using var key = MemberIdentity.Create();
        var until = (world.Time.GetUtcNow() + TimeSpan.FromDays(90)).ToUnixTimeSeconds();
        var good = new NewMember(key.CreateRequest(), "Ada", "member", until, null, null);
        var bad = good with { NotAfter = until * 2 };
        var refused = await IssueAsync(world, admin, [good, bad]);
        Assert.Equal("bad-row", refused.Code);
        Assert.Contains("row 2", refused.As(HubJson.Default.HubProblem).Message, StringComparison.Ordinal);
        var issued = (await IssueAsync(world, admin, [good])).As(HubJson.Default.IssuedCertificates);
        using var member = new HubMember(MemberIdentity.Load(key.Export()), issued.Certificates[0], default);
        world.Time.Advance(TimeSpan.FromDays(89));
        Assert.Equal(200, (await world.AskAsync(member, "GET", "/v1/catalogue")).Status);
    }

    private static Task<HubAnswer> MakeAsync(HubWorld world, HubMember who, IReadOnlyList<NewInvitation> rows) =>
        world.TellAsync(who, "/v1/invitations", new NewInvitations(rows), HubJson.Default.NewInvitations);

    private static Task<HubAnswer> IssueAsync(HubWorld world, HubMember who, IReadOnlyList<NewMember> rows) =>
        world.TellAsync(who, "/v1/certificates", new NewMembers(rows), HubJson.Default.NewMembers);

    private static Task<HubAnswer> RevokeAsync(HubWorld world, HubMember who, RevokeRequest request) =>
        world.TellAsync(who, "/v1/members/revoke", request, HubJson.Default.RevokeRequest);
}
