using System.Net;
using System.Text;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

public sealed class JoinTests
{
    [Fact]
    public async Task Whoever_has_a_link_becomes_a_member_and_gets_what_a_member_needs()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin, MemberRole.Publisher);
        using var identity = MemberIdentity.Create();
        var answer = (await world.JoinAsync(link, identity.CreateRequest())).As(HubJson.Default.MembershipAnswer);
        Assert.True(AuthorityCertificate.TryRead(answer.Authority, out var authority, out _));
        Assert.Equal(link.Publication, authority.Publication);
        var verdict = new MembershipVerifier(authority).Verify(answer.Certificate, null, world.Time.GetUtcNow());
        Assert.Equal((MembershipFault.None, MemberRole.Publisher), (verdict.Fault, verdict.Grant.Role));
        Assert.Equal(identity.PublicKey.ToArray(), verdict.PublicKey.ToArray());
        Assert.Equal(PublicationTag.KeySize, answer.PublicationKey.Length);
    }

    [Fact]
    public async Task A_link_of_one_use_is_used_once_but_the_same_request_may_come_again()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin);
        using var identity = MemberIdentity.Create();
        var first = await world.JoinAsync(link, identity.CreateRequest());
        // The answer got lost; another request for the same key. It is signed anew, so its bytes differ.
        var again = await world.JoinAsync(link, identity.CreateRequest());
        Assert.Equal((200, 200), (first.Status, again.Status));
        Assert.Equal(
            first.As(HubJson.Default.MembershipAnswer).Member,
            again.As(HubJson.Default.MembershipAnswer).Member
        );
        using var thief = MemberIdentity.Create();
        var stolen = await world.JoinAsync(link, thief.CreateRequest());
        Assert.Equal((410, "invitation-used"), (stolen.Status, stolen.Code));
        Assert.Equal(1, (await InvitationOf(world, admin, link)).Used);
    }

    [Fact]
    public async Task A_hub_that_restarts_in_the_middle_loses_nothing_and_counts_nothing_twice()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin, uses: 2);
        using var identity = MemberIdentity.Create();
        Assert.Equal(200, (await world.JoinAsync(link, identity.CreateRequest())).Status);
        var publication = world.Hub.Publication;
        await world.RestartAsync();
        Assert.Equal(publication, world.Hub.Publication);
        Assert.Equal(200, (await world.JoinAsync(link, identity.CreateRequest())).Status);
        Assert.Equal(1, (await InvitationOf(world, admin, link)).Used);
        await world.JoinAsync(link);
        using var third = MemberIdentity.Create();
        Assert.Equal("invitation-used", (await world.JoinAsync(link, third.CreateRequest())).Code);
    }

    [Fact]
    public async Task Expired_and_revoked_links_say_so_to_whoever_has_the_secret()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var (first, second) = (await world.InviteAsync(admin), await world.InviteAsync(admin));
        using var identity = MemberIdentity.Create();
        var revoked = await world.SendAsync(admin, "POST", $"/v1/invitations/{first.Invitation}/revoke", []);
        Assert.Equal(204, revoked.Status);
        Assert.Equal("invitation-revoked", (await world.JoinAsync(first, identity.CreateRequest())).Code);
        world.Time.Advance(TimeSpan.FromDays(2));
        Assert.Equal("invitation-expired", (await world.JoinAsync(second, identity.CreateRequest())).Code);
    }

    [Fact]
    public async Task Wrong_secrets_other_publications_and_what_never_was_are_answered_alike()
    {
        await using var world = await HubWorld.StartAsync();
        await using var other = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin);
        var never = world.NewLink();
        using var identity = MemberIdentity.Create();
        HubAnswer[] answers =
        [
            await world.JoinAsync(never, identity.CreateRequest()),
            await world.JoinAsync(
                new InvitationLink("h", 1, link.Publication, link.Invitation, never.Secret),
                identity.CreateRequest()
            ),
            await world.JoinAsync(
                new InvitationLink("h", 1, other.Hub.Publication, link.Invitation, link.Secret),
                identity.CreateRequest()
            ),
            await other.JoinAsync(link, identity.CreateRequest()),
        ];
        Assert.All(answers, answer => Assert.Equal((404, "invitation-unknown"), (answer.Status, answer.Code)));
        Assert.Single(answers.Select(answer => Encoding.UTF8.GetString(answer.Body)).Distinct());
        Assert.Equal(0, (await InvitationOf(world, admin, link)).Used);
    }

    [Fact]
    public async Task Who_guesses_is_stopped_and_the_invited_behind_another_address_is_not()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { FailuresPerSource = 5 });
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin, uses: 50);
        using var identity = MemberIdentity.Create();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(404, (await world.JoinAsync(world.NewLink(), identity.CreateRequest())).Status);
        }

        Assert.Equal(429, (await world.JoinAsync(world.NewLink(), identity.CreateRequest())).Status);
        Assert.Equal(429, (await world.JoinAsync(link, identity.CreateRequest())).Status);
        // A university behind one address: successes are never slowed down.
        for (var i = 0; i < 20; i++)
        {
            using var student = MemberIdentity.Create();
            var answer = await world.JoinAsync(link, student.CreateRequest(), IPAddress.Parse("192.0.2.77"));
            Assert.Equal(200, answer.Status);
        }
    }

    [Fact]
    public async Task A_request_that_is_no_good_costs_no_use()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin);
        using var identity = MemberIdentity.Create();
        var request = identity.CreateRequest();
        request[^1] ^= 1;
        Assert.Equal("bad-request", (await world.JoinAsync(link, request)).Code);
        Assert.Equal("bad-request", (await world.JoinAsync(link, [])).Code);
        Assert.Equal("bad-request", (await world.JoinAsync(link, new byte[5000])).Code);
        Assert.Equal("bad-request", (await world.SendAsync(null, "POST", "/v1/join", "{}"u8.ToArray())).Code);
        Assert.Equal("bad-request", (await world.SendAsync(null, "POST", "/v1/join", "nonsense"u8.ToArray())).Code);
        Assert.Equal("bad-request", (await world.SendAsync(null, "POST", "/v1/join", "null"u8.ToArray())).Code);
        Assert.Equal(0, (await InvitationOf(world, admin, link)).Used);
    }

    [Fact]
    public async Task A_member_renews_as_long_as_the_certificate_is_good()
    {
        await using var world = await HubWorld.StartAsync();
        var ada = await world.AddAsync(MemberRole.Member);
        world.Time.Advance(TimeSpan.FromDays(5));
        using var next = MemberIdentity.Create();
        var answer = await RenewAsync(world, ada, next.CreateRequest());
        Assert.Equal(200, answer.Status);
        Assert.Equal(ada.Id.ToString(), answer.As(HubJson.Default.MembershipAnswer).Member);
        world.Time.Advance(TimeSpan.FromDays(3));
        Assert.Equal("certificate-expired", (await RenewAsync(world, ada, next.CreateRequest())).Code);
        ada.Certificate = answer.As(HubJson.Default.MembershipAnswer).Certificate;
        Assert.Equal(200, (await RenewAsync(world, ada, ada.Identity.CreateRequest())).Status);
    }

    [Fact]
    public async Task Renewing_is_not_for_revoked_members_nor_without_end()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { RenewalsPerMember = 3 });
        var admin = await world.AddAsync(MemberRole.Administrator);
        var (ada, ben) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Member));
        var revoke = new RevokeRequest([ada.Id.ToString()], false);
        Assert.Equal(
            200,
            (await world.TellAsync(admin, "/v1/members/revoke", revoke, HubJson.Default.RevokeRequest)).Status
        );
        Assert.Equal("certificate-revoked", (await RenewAsync(world, ada, ada.Identity.CreateRequest())).Code);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await RenewAsync(world, ben, ben.Identity.CreateRequest())).Status);
        }

        Assert.Equal("too-many-renewals", (await RenewAsync(world, ben, ben.Identity.CreateRequest())).Code);
    }

    [Fact]
    public async Task A_clock_that_is_a_day_behind_or_ahead_does_no_harm()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin);
        using var identity = MemberIdentity.Create();
        var answer = (await world.JoinAsync(link, identity.CreateRequest())).As(HubJson.Default.MembershipAnswer);
        AuthorityCertificate.TryRead(answer.Authority, out var authority, out _);
        var verifier = new MembershipVerifier(authority!);
        foreach (var hours in new[] { -24, 24 })
        {
            var verdict = verifier.Verify(answer.Certificate, null, world.Time.GetUtcNow().AddHours(hours));
            Assert.Equal(MembershipFault.None, verdict.Fault);
        }
    }

    [Fact]
    public async Task A_browser_is_told_how_to_go_on_and_gets_no_script()
    {
        await using var world = await HubWorld.StartAsync();
        var page = Encoding.UTF8.GetString((await world.AskAsync(null, "GET", "/join")).Body);
        Assert.Contains("shoal join -", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("src=", page, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<HubAnswer> RenewAsync(HubWorld world, HubMember who, byte[] request) =>
        world.TellAsync(who, "/v1/renew", new RenewRequest(request), HubJson.Default.RenewRequest);

    private static async Task<InvitationInfo> InvitationOf(HubWorld world, HubMember admin, InvitationLink link)
    {
        var page = (await world.AskAsync(admin, "GET", "/v1/invitations")).As(HubJson.Default.InvitationPage);
        return page.Invitations.Single(one => one.Id == link.Invitation.ToString());
    }
}
