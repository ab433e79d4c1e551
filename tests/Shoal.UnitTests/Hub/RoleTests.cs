using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>Administrators give members other roles, and nobody rises by it above what was granted.</summary>
public sealed class RoleTests
{
    [Fact]
    public async Task A_role_that_is_raised_counts_from_the_next_certificate_and_a_lowered_one_at_once()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var ada = await world.JoinAsync(await world.InviteAsync(root));
        var (request, _, _) = world.Entry(ada);
        Task<HubAnswer> Publish() => world.TellAsync(ada, "/v1/catalogue", request, HubJson.Default.PublishRequest);
        Assert.Equal("role-needed", (await Publish()).Code);
        var changed = await ChangeAsync(world, root, ada, "publisher");
        Assert.Equal("publisher", changed.As(HubJson.Default.MemberInfo).Role);
        // The certificate still says member, and whoever holds entries against it would refuse them.
        Assert.Equal("role-needed", (await Publish()).Code);
        await RenewAsync(world, ada);
        (request, _, _) = world.Entry(ada);
        Assert.InRange((await Publish()).Status, 200, 299);

        Assert.Equal(200, (await ChangeAsync(world, root, ada, "member")).Status);
        (request, _, _) = world.Entry(ada, seed: 2);
        Assert.Equal("role-needed", (await Publish()).Code);
        // Also after the hub was started again, and with the next certificate.
        await world.RestartAsync();
        Assert.Equal("role-needed", (await Publish()).Code);
        Assert.Equal("member", (await RenewAsync(world, ada)).Role);
        // What was published stays.
        var catalogue = (await world.AskAsync(ada, "GET", "/v1/catalogue")).As(HubJson.Default.CatalogueAnswer);
        Assert.Single(catalogue.Entries);
    }

    [Fact]
    public async Task Nobody_changes_himself_nor_whom_he_came_by()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var ben = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Administrator));
        var cleo = await world.JoinAsync(await world.InviteAsync(ben, MemberRole.Administrator));
        var ada = await world.JoinAsync(await world.InviteAsync(root));
        Assert.Equal("own-role", (await ChangeAsync(world, ben, ben, "administrator")).Code);
        Assert.Equal("own-role", (await ChangeAsync(world, root, root, "member")).Code);
        Assert.Equal("not-yours", (await ChangeAsync(world, cleo, ben, "member")).Code);
        Assert.Equal("not-yours", (await ChangeAsync(world, cleo, root, "member")).Code);
        Assert.Equal("role-needed", (await ChangeAsync(world, ada, ben, "member")).Code);
        Assert.Equal("role-needed", (await ChangeAsync(world, ada, ada, "administrator")).Code);
        Assert.Equal(401, (await ChangeAsync(world, null, ada, "administrator")).Status);
        Assert.Equal(200, (await ChangeAsync(world, cleo, ada, "publisher")).Status);
        Assert.Equal(200, (await ChangeAsync(world, root, cleo, "member")).Status);
        Assert.Equal("role-needed", (await ChangeAsync(world, cleo, ada, "member")).Code);

        Assert.Equal(400, (await ChangeAsync(world, root, ada, "emperor")).Status);
        Assert.Equal(400, (await ChangeAsync(world, root, ada, "administrator", people: -1)).Status);
        var path = $"/v1/members/{Issuer.NewMember()}/role";
        var body = new RoleRequest("member", null, null);
        Assert.Equal(404, (await world.TellAsync(root, path, body, HubJson.Default.RoleRequest)).Status);
        await RevokeAsync(world, root, ada);
        Assert.Equal("member-unknown", (await ChangeAsync(world, root, ada, "publisher")).Code);
    }

    [Fact]
    public async Task Who_has_limits_raises_nobody_beyond_them_however_often()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(root, MemberRole.Administrator, publishBytes: 1000, invitations: 10);
        var ben = await world.JoinAsync(link);
        var stranger = await world.JoinAsync(await world.InviteAsync(root));
        var ada = await world.JoinAsync(await world.InviteAsync(ben));
        // Not whom others let in, not without limits, not with larger ones.
        Assert.Equal("not-yours", (await ChangeAsync(world, ben, stranger, "publisher", 1)).Code);
        Assert.Equal("beyond-own-rights", (await ChangeAsync(world, ben, ada, "publisher")).Code);
        Assert.Equal("beyond-own-rights", (await ChangeAsync(world, ben, ada, "publisher", 1001)).Code);
        Assert.Equal("beyond-own-rights", (await ChangeAsync(world, ben, ada, "administrator", 1)).Code);
        // One of ten is Ada herself.
        Assert.Equal("quota-exceeded", (await ChangeAsync(world, ben, ada, "administrator", 1, 10)).Code);
        Assert.Equal("role-needed", (await InviteAsync(world, ada)).Code);
        Assert.Equal(200, (await ChangeAsync(world, ben, ada, "administrator", 1, 5)).Status);
        await RenewAsync(world, ada);
        // Lower and raise again: what was granted once is not granted twice.
        Assert.Equal(200, (await ChangeAsync(world, ben, ada, "member")).Status);
        Assert.Equal("quota-exceeded", (await ChangeAsync(world, ben, ada, "administrator", 1, 5)).Code);
        Assert.Equal(200, (await ChangeAsync(world, ben, ada, "administrator", 1, 4)).Status);
        Assert.Equal("quota-exceeded", (await InviteAsync(world, ben)).Code);
        await RenewAsync(world, ada);
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(204, (await InviteAsync(world, ada)).Status);
        }

        Assert.Equal("quota-exceeded", (await InviteAsync(world, ada)).Code);
        // Who has no limits pays nothing.
        Assert.Equal(200, (await ChangeAsync(world, root, ada, "administrator")).Status);
        Assert.Equal(204, (await InviteAsync(world, ada)).Status);
    }

    [Fact]
    public async Task Links_of_who_may_do_less_let_nobody_in()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var ben = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Administrator));
        var (his, later) = (await world.InviteAsync(ben, uses: 50), await world.InviteAsync(ben));
        var friend = await world.JoinAsync(his);
        Assert.Equal(200, (await ChangeAsync(world, root, ben, "administrator", 1 << 20)).Status);
        using var late = MemberIdentity.Create();
        Assert.Equal("invitation-revoked", (await world.JoinAsync(his, late.CreateRequest())).Code);
        Assert.Equal("invitation-revoked", (await world.JoinAsync(later, late.CreateRequest())).Code);
        Assert.Equal(200, (await world.AskAsync(friend, "GET", "/v1/catalogue")).Status);
        // More than before takes nothing back.
        var next = await world.InviteAsync(ben);
        Assert.Equal(200, (await ChangeAsync(world, root, ben, "administrator", 1 << 21)).Status);
        Assert.Equal(200, (await world.JoinAsync(next, late.CreateRequest())).Status);
    }

    private static Task<HubAnswer> ChangeAsync(
        HubWorld world,
        HubMember? by,
        HubMember whom,
        string role,
        long? bytes = null,
        long? people = null
    ) =>
        world.TellAsync(
            by,
            $"/v1/members/{whom.Id}/role",
            new RoleRequest(role, bytes, people),
            HubJson.Default.RoleRequest
        );

    private static Task<HubAnswer> InviteAsync(HubWorld world, HubMember by) =>
        world.TellAsync(
            by,
            "/v1/invitations",
            new NewInvitations([world.Of(world.NewLink())]),
            HubJson.Default.NewInvitations
        );

    private static Task<HubAnswer> RevokeAsync(HubWorld world, HubMember by, HubMember whom) =>
        world.TellAsync(
            by,
            "/v1/members/revoke",
            new RevokeRequest([whom.Id.ToString()], false),
            HubJson.Default.RevokeRequest
        );

    private static async Task<MembershipAnswer> RenewAsync(HubWorld world, HubMember member)
    {
        var request = new RenewRequest(member.Identity.CreateRequest());
        var answer = await world.TellAsync(member, "/v1/renew", request, HubJson.Default.RenewRequest);
        Assert.Equal(200, answer.Status);
        var renewed = answer.As(HubJson.Default.MembershipAnswer);
        member.Certificate = renewed.Certificate;
        return renewed;
    }
}
