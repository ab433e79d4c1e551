using System.Text;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>A member ends its membership at the hub: only its own, for good, and so that all others hear of it.</summary>
public sealed class LeaveTests
{
    [Fact]
    public async Task Who_leaves_is_on_the_list_at_once_and_comes_back_only_by_an_invitation()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(root, uses: 2);
        var ada = await world.JoinAsync(link);
        var waiting = world.AskAsync(root, "GET", "/v1/revocations?after=0&wait=50");
        var left = await LeaveAsync(world, ada);
        Assert.Equal((200, 1), (left.Status, left.As(HubJson.Default.LeaveAnswer).Version));
        // Whoever waits is told, and takes it for the authority's word.
        var list = await ListOf(world, (await waiting).As(HubJson.Default.RevocationAnswer));
        Assert.NotNull(list);
        Assert.Equal([ada.Id], list.Members);
        foreach (var path in (string[])["/v1/catalogue", "/v1/revocations?after=0"])
        {
            Assert.Equal("certificate-revoked", (await world.AskAsync(ada, "GET", path)).Code);
        }

        Assert.Equal("certificate-revoked", (await LeaveAsync(world, ada)).Code);
        await world.RestartAsync();
        Assert.Equal("certificate-revoked", (await world.AskAsync(ada, "GET", "/v1/catalogue")).Code);
        var members = (await world.AskAsync(root, "GET", "/v1/members")).As(HubJson.Default.MemberPage).Members;
        Assert.NotNull(members.Single(one => one.Id == ada.Id.ToString()).RevokedAt);
        // The second use of the link makes another member.
        var again = await world.JoinAsync(link);
        Assert.NotEqual(ada.Id, again.Id);
        Assert.Equal(200, (await world.AskAsync(again, "GET", "/v1/catalogue")).Status);
    }

    [Fact]
    public async Task Nobody_ends_the_membership_of_another()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var ada = await world.JoinAsync(await world.InviteAsync(root));
        var mallory = await world.JoinAsync(await world.InviteAsync(root));
        Assert.Equal(401, (await LeaveAsync(world, null)).Status);
        // Whatever is named anywhere: whose certificate it is goes, or nobody.
        foreach (var path in (string[])[$"/v1/leave/{ada.Id}", $"/v1/members/{ada.Id}/leave"])
        {
            Assert.Equal(404, (await LeaveAsync(world, mallory, path: path)).Status);
        }

        foreach (var body in (string[])["", "[]", "{}", "{\"withPublished\":1}", "{\"withPublished\":null}"])
        {
            Assert.Equal(
                400,
                (await world.SendAsync(mallory, "POST", "/v1/leave", Encoding.UTF8.GetBytes(body))).Status
            );
        }

        Assert.Equal(405, (await world.AskAsync(mallory, "GET", "/v1/leave")).Status);
        var named = $"{{\"withPublished\":true,\"member\":\"{ada.Id}\",\"members\":[\"{ada.Id}\"]}}";
        var answer = await world.SendAsync(
            mallory,
            "POST",
            $"/v1/leave?member={ada.Id}",
            Encoding.UTF8.GetBytes(named)
        );
        Assert.Equal(200, answer.Status);
        Assert.Equal("certificate-revoked", (await world.AskAsync(mallory, "GET", "/v1/catalogue")).Code);
        Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        // Nor with a certificate of another publication.
        await using var elsewhere = await HubWorld.StartAsync();
        var stranger = await elsewhere.AddAsync(MemberRole.Administrator);
        Assert.Equal("certificate-other-authority", (await LeaveAsync(world, stranger)).Code);
        // Nor with one that has expired.
        world.Time.Advance(TimeSpan.FromDays(8));
        Assert.Equal("certificate-expired", (await LeaveAsync(world, ada)).Code);
    }

    [Fact]
    public async Task The_key_of_a_file_ends_nothing_once_the_invited_has_his_own()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        using var key = MemberIdentity.Create();
        var until = (world.Time.GetUtcNow() + TimeSpan.FromDays(90)).ToUnixTimeSeconds();
        var made = await world.TellAsync(
            root,
            "/v1/certificates",
            new NewMembers([new NewMember(key.CreateRequest(), "Ada", "member", until, null, null)]),
            HubJson.Default.NewMembers
        );
        var certificate = made.As(HubJson.Default.IssuedCertificates).Certificates[0];
        // Whoever made the file, or found it, and the invited.
        using var finder = new HubMember(MemberIdentity.Load(key.Export()), certificate, default);
        using var own = MemberIdentity.Create();
        var renewed = await world.TellAsync(
            finder,
            "/v1/renew",
            new RenewRequest(own.CreateRequest()),
            HubJson.Default.RenewRequest
        );
        using var ada = new HubMember(
            MemberIdentity.Load(own.Export()),
            renewed.As(HubJson.Default.MembershipAnswer).Certificate,
            default
        );
        Assert.Equal(200, (await world.AskAsync(finder, "GET", "/v1/catalogue")).Status);
        Assert.Equal("key-replaced", (await LeaveAsync(world, finder)).Code);
        Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        Assert.Equal(200, (await LeaveAsync(world, ada)).Status);
        Assert.Equal("certificate-revoked", (await world.AskAsync(finder, "GET", "/v1/catalogue")).Code);
    }

    [Fact]
    public async Task One_administrator_stays_whoever_goes_and_by_which_call()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(root);
        var ada = await world.JoinAsync(link);
        Assert.Equal("last-administrator", (await LeaveAsync(world, root)).Code);
        Assert.Equal("last-administrator", (await RevokeAsync(world, root, root, ada)).Code);
        Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        var next = await world.InviteAsync(root, MemberRole.Administrator);
        // An invitation is no administrator yet.
        Assert.Equal("last-administrator", (await LeaveAsync(world, root)).Code);
        var ben = await world.JoinAsync(next);
        var mine = await world.InviteAsync(root);
        Assert.Equal("last-administrator", (await RevokeAsync(world, ben, root, ben)).Code);
        Assert.Equal(200, (await LeaveAsync(world, root)).Status);
        // Links of who goes let nobody in; who came by him stays.
        Assert.Equal("invitation-revoked", (await world.JoinAsync(mine, ben.Identity.CreateRequest())).Code);
        Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        Assert.Equal("last-administrator", (await LeaveAsync(world, ben)).Code);
    }

    [Fact]
    public async Task A_publisher_goes_with_what_he_has_published_or_not_at_all()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var ada = await world.JoinAsync(await world.InviteAsync(root, MemberRole.Publisher));
        foreach (var (who, seed) in new[] { (ada, 1), (root, 2) })
        {
            var (request, _, _) = world.Entry(who, seed);
            await world.TellAsync(who, "/v1/catalogue", request, HubJson.Default.PublishRequest);
        }

        async Task<int> CountAsync() =>
            (await world.AskAsync(root, "GET", "/v1/catalogue")).As(HubJson.Default.CatalogueAnswer).Entries.Count;
        Assert.Equal(2, await CountAsync());
        Assert.Equal("has-published", (await LeaveAsync(world, ada)).Code);
        Assert.Equal(200, (await world.AskAsync(ada, "GET", "/v1/catalogue")).Status);
        Assert.Equal(2, await CountAsync());
        Assert.Equal(200, (await LeaveAsync(world, ada, withPublished: true)).Status);
        Assert.Equal(1, await CountAsync());
        await world.RestartAsync();
        Assert.Equal(1, await CountAsync());
    }

    [Fact]
    public async Task Who_comes_and_goes_without_end_takes_neither_the_others_time_nor_the_room_of_administrators()
    {
        var limits = new HubLimits { LeavesAtOnce = 3, RevokedWithLeaves = 5 };
        await using var world = await HubWorld.StartAsync(limits);
        var root = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(root, uses: 1000);
        async Task<HubAnswer> ComeAndGoAsync() => await LeaveAsync(world, await world.JoinAsync(link));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(200, (await ComeAndGoAsync()).Status);
        }

        var fourth = await ComeAndGoAsync();
        Assert.Equal((429, "too-many-leaves"), (fourth.Status, fourth.Code));
        Assert.Equal(3, world.Hub.Status.RevocationVersion);
        world.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(200, (await ComeAndGoAsync()).Status);
        Assert.Equal(200, (await ComeAndGoAsync()).Status);
        var full = await ComeAndGoAsync();
        Assert.Equal((507, "list-full"), (full.Status, full.Code));
        // An administrator has the other half.
        Assert.Equal(200, (await RevokeAsync(world, root, await world.JoinAsync(link))).Status);
    }

    private static async Task<RevocationList?> ListOf(HubWorld world, RevocationAnswer answer)
    {
        var authority = await world.AskAsync(null, "GET", "/v1/authority");
        return
            AuthorityCertificate.TryRead(authority.As(HubJson.Default.AuthorityAnswer).Certificate, out var of, out _)
            && RevocationList.TryRead(answer.List, of, out var list, out _)
            ? list
            : null;
    }

    private static Task<HubAnswer> LeaveAsync(
        HubWorld world,
        HubMember? who,
        bool withPublished = false,
        string path = "/v1/leave"
    ) => world.TellAsync(who, path, new LeaveRequest(withPublished), HubJson.Default.LeaveRequest);

    private static Task<HubAnswer> RevokeAsync(HubWorld world, HubMember who, params HubMember[] whom) =>
        world.TellAsync(
            who,
            "/v1/members/revoke",
            new RevokeRequest([.. whom.Select(one => one.Id.ToString())], false),
            HubJson.Default.RevokeRequest
        );
}
