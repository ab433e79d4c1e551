using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>What administrators may pass on, and memberships in files.</summary>
public sealed class DelegationTests
{
    [Fact]
    public async Task Nobody_grants_more_than_he_was_granted()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(root, MemberRole.Administrator, publishBytes: 1000, invitations: 10);
        var ben = await world.JoinAsync(link);
        NewInvitation Of(MemberRole role, int uses = 1, long? bytes = null, long? people = null) =>
            world.Of(world.NewLink(), role, uses, bytes, people);

        // Without limits, or with larger ones than his own.
        Assert.Equal("bad-row", (await MakeAsync(world, ben, Of(MemberRole.Administrator, bytes: 1))).Code);
        Assert.Equal("bad-row", (await MakeAsync(world, ben, Of(MemberRole.Publisher))).Code);
        Assert.Equal("bad-row", (await MakeAsync(world, ben, Of(MemberRole.Publisher, bytes: 1001))).Code);
        var tooMany = await MakeAsync(world, ben, Of(MemberRole.Administrator, bytes: 1, people: 10));
        Assert.Equal((403, "quota-exceeded"), (tooMany.Status, tooMany.Code));
        // A link for eleven people is more than ten people.
        Assert.Equal("quota-exceeded", (await MakeAsync(world, ben, Of(MemberRole.Member, uses: 11))).Code);
        Assert.Equal("quota-exceeded", (await IssueAsync(world, ben, 11)).Code);
        // Five by a link, three by an administrator who may invite two, two in files: ten.
        Assert.Equal(204, (await MakeAsync(world, ben, Of(MemberRole.Member, uses: 5))).Status);
        Assert.Equal(204, (await MakeAsync(world, ben, Of(MemberRole.Administrator, 1, 500, 2))).Status);
        Assert.Equal(200, (await IssueAsync(world, ben, 2)).Status);
        Assert.Equal("quota-exceeded", (await IssueAsync(world, ben, 1)).Code);
        Assert.Equal("quota-exceeded", (await MakeAsync(world, ben, Of(MemberRole.Member))).Code);
        // The one without limits has none.
        Assert.Equal(204, (await MakeAsync(world, root, Of(MemberRole.Administrator, uses: 1000))).Status);
    }

    [Fact]
    public async Task What_a_file_grants_has_its_limits_too()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        using var key = MemberIdentity.Create();
        var until = (world.Time.GetUtcNow() + TimeSpan.FromDays(90)).ToUnixTimeSeconds();
        var row = new NewMember(key.CreateRequest(), "Ben", "administrator", until, 100, 1);
        var issued = (await IssueAsync(world, root, row)).As(HubJson.Default.IssuedCertificates);
        using var ben = new HubMember(MemberIdentity.Load(key.Export()), issued.Certificates[0], default);
        Assert.Equal("quota-exceeded", (await IssueAsync(world, ben, 2)).Code);
        Assert.Equal(200, (await IssueAsync(world, ben, 1)).Status);
        var (request, _, _) = world.Entry(ben);
        var published = await world.TellAsync(ben, "/v1/catalogue", request, HubJson.Default.PublishRequest);
        Assert.Equal("quota-exceeded", published.Code);
        Assert.Equal("bad-row", (await IssueAsync(world, root, row with { Invitations = -1 })).Code);
        Assert.Equal("bad-row", (await IssueAsync(world, root, row with { Invitations = long.MaxValue })).Code);
    }

    [Fact]
    public async Task Links_of_an_administrator_who_is_shut_out_let_nobody_in()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var bad = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Administrator));
        var (his, ours) = (await world.InviteAsync(bad, uses: 50), await world.InviteAsync(root));
        var friend = await world.JoinAsync(his);
        var request = new RevokeRequest([bad.Id.ToString()], false);
        await world.TellAsync(root, "/v1/members/revoke", request, HubJson.Default.RevokeRequest);
        using var late = MemberIdentity.Create();
        Assert.Equal("invitation-revoked", (await world.JoinAsync(his, late.CreateRequest())).Code);
        Assert.Equal(200, (await world.AskAsync(friend, "GET", "/v1/catalogue")).Status);
        Assert.Equal(200, (await world.JoinAsync(ours, late.CreateRequest())).Status);
    }

    [Fact]
    public async Task A_file_that_is_used_twice_stays_with_whom_reached_the_hub_first()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        using var given = await WithFileAsync(world, root, TimeSpan.FromDays(90));
        using var thief = new HubMember(MemberIdentity.Load(given.Identity.Export()), given.Certificate, given.Id);
        using var own = MemberIdentity.Create();
        var first = await RenewAsync(world, given, own.CreateRequest());
        Assert.Equal(200, first.Status);
        // The answer got lost; the same key asks again.
        Assert.Equal(200, (await RenewAsync(world, given, own.CreateRequest())).Status);
        using var stolen = MemberIdentity.Create();
        var refused = await RenewAsync(world, thief, stolen.CreateRequest());
        Assert.Equal((409, "key-replaced"), (refused.Status, refused.Code));
        // Not even by going on with the key of the file.
        Assert.Equal("key-replaced", (await RenewAsync(world, thief, thief.Identity.CreateRequest())).Code);
        var certificate = first.As(HubJson.Default.MembershipAnswer).Certificate;
        using var mine = new HubMember(MemberIdentity.Load(own.Export()), certificate, given.Id);
        Assert.Equal(200, (await RenewAsync(world, mine, own.CreateRequest())).Status);
        // As long as it is not revoked the file's certificate is good until it ends, here and at members.
        Assert.Equal(200, (await world.AskAsync(thief, "GET", "/v1/catalogue")).Status);
    }

    [Fact]
    public async Task Renewing_makes_no_membership_shorter()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        using var given = await WithFileAsync(world, root, TimeSpan.FromDays(90));
        using var own = MemberIdentity.Create();
        var answer = (await RenewAsync(world, given, own.CreateRequest())).As(HubJson.Default.MembershipAnswer);
        var until = DateTimeOffset.FromUnixTimeSeconds(answer.NotAfter);
        Assert.Equal(90, (until - world.Time.GetUtcNow()).TotalDays, 0.01);
        using var mine = new HubMember(MemberIdentity.Load(own.Export()), answer.Certificate, given.Id);
        world.Time.Advance(TimeSpan.FromDays(88));
        var later = (await RenewAsync(world, mine, own.CreateRequest())).As(HubJson.Default.MembershipAnswer);
        Assert.Equal(7, (DateTimeOffset.FromUnixTimeSeconds(later.NotAfter) - world.Time.GetUtcNow()).TotalDays, 0.01);
    }

    [Fact]
    public async Task Where_members_are_is_told_to_administrators_for_files_and_to_nobody_else()
    {
        await using var world = await HubWorld.StartAsync();
        var (root, publisher) = (
            await world.AddAsync(MemberRole.Administrator),
            await world.AddAsync(MemberRole.Publisher)
        );
        var (request, metainfo, fields) = world.Entry(publisher);
        await world.TellAsync(publisher, "/v1/catalogue", request, HubJson.Default.PublishRequest);
        var query = string.Concat(metainfo.InfoHashes.Primary.Span.ToArray().Select(b => $"%{b:x2}"));
        var announce =
            $"/announce?info_hash={query}&peer_id={new string('x', 20)}&port=6881&left=0&uploaded=0&downloaded=0&compact=1";
        Assert.Equal(200, (await world.AskAsync(publisher, "GET", announce)).Status);
        var path = $"/v1/catalogue/{fields.Id}/1/peers";
        var answer = (await world.AskAsync(root, "GET", path)).As(HubJson.Default.PeersAnswer);
        Assert.Equal([$"{publisher.Address}:6881"], answer.Peers);
        Assert.Equal("role-needed", (await world.AskAsync(publisher, "GET", path)).Code);
        Assert.Equal(401, (await world.AskAsync(null, "GET", path)).Status);
        Assert.Equal(404, (await world.AskAsync(root, "GET", $"/v1/catalogue/{fields.Id}/2/peers")).Status);
    }

    private static async Task<HubMember> WithFileAsync(HubWorld world, HubMember admin, TimeSpan lifetime)
    {
        using var key = MemberIdentity.Create();
        var until = (world.Time.GetUtcNow() + lifetime).ToUnixTimeSeconds();
        var row = new NewMember(key.CreateRequest(), "Eve", "member", until, null, null);
        var issued = (await IssueAsync(world, admin, row)).As(HubJson.Default.IssuedCertificates);
        return new HubMember(MemberIdentity.Load(key.Export()), issued.Certificates[0], default);
    }

    private static Task<HubAnswer> RenewAsync(HubWorld world, HubMember who, byte[] request) =>
        world.TellAsync(who, "/v1/renew", new RenewRequest(request), HubJson.Default.RenewRequest);

    private static Task<HubAnswer> MakeAsync(HubWorld world, HubMember who, NewInvitation row) =>
        world.TellAsync(who, "/v1/invitations", new NewInvitations([row]), HubJson.Default.NewInvitations);

    private static Task<HubAnswer> IssueAsync(HubWorld world, HubMember who, NewMember row) =>
        world.TellAsync(who, "/v1/certificates", new NewMembers([row]), HubJson.Default.NewMembers);

    private static Task<HubAnswer> IssueAsync(HubWorld world, HubMember who, int count)
    {
        using var key = MemberIdentity.Create();
        var until = (world.Time.GetUtcNow() + TimeSpan.FromDays(90)).ToUnixTimeSeconds();
        var row = new NewMember(key.CreateRequest(), "Eve", "member", until, null, null);
        return world.TellAsync(
            who,
            "/v1/certificates",
            new NewMembers([.. Enumerable.Repeat(row, count)]),
            HubJson.Default.NewMembers
        );
    }
}
