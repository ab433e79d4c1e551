using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>A hub whose database went back to a copy has forgotten revocations; any member reminds it of them.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task Who_was_revoked_before_the_database_went_back_is_so_again_when_a_member_comes()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var (bad, good) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Member));
        var (worse, worst) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Member));
        await world.RestartAsync(() => Copy(world, "hub.db", "copy.db"));
        await RevokeAsync(world, root, bad);
        var first = await ListAsync(world, good);
        await world.RestartAsync(() => Copy(world, "copy.db", "hub.db"));
        Assert.Equal(200, (await world.AskAsync(bad, "GET", "/v1/catalogue")).Status);
        Assert.Equal(204, (await RemindAsync(world, good, first)).Status);
        Assert.Equal("certificate-revoked", (await world.AskAsync(bad, "GET", "/v1/catalogue")).Code);
        // Newer than what members have, or they would not take it.
        var second = await ListAsync(world, good, after: 1);
        Assert.Equal(2, world.Hub.Status.RevocationVersion);

        // Also where the hub has revoked others since, and so has a list of the same number and then a higher one.
        await world.RestartAsync(() => Copy(world, "copy.db", "hub.db"));
        await RevokeAsync(world, root, worse);
        await RevokeAsync(world, root, worst);
        Assert.Equal(2, world.Hub.Status.RevocationVersion);
        Assert.Equal(204, (await RemindAsync(world, good, second)).Status);
        foreach (var gone in new[] { bad, worse, worst })
        {
            Assert.Equal("certificate-revoked", (await world.AskAsync(gone, "GET", "/v1/catalogue")).Code);
        }

        Assert.Equal(3, world.Hub.Status.RevocationVersion);
        await world.RestartAsync();
        Assert.Equal("certificate-revoked", (await world.AskAsync(bad, "GET", "/v1/catalogue")).Code);
    }

    [Fact]
    public async Task Nothing_is_taken_but_what_the_authority_has_signed_and_an_old_list_changes_nothing()
    {
        await using var world = await HubWorld.StartAsync();
        var root = await world.AddAsync(MemberRole.Administrator);
        var (bad, good) = (await world.AddAsync(MemberRole.Member), await world.AddAsync(MemberRole.Member));
        await RevokeAsync(world, root, bad);
        var old = await ListAsync(world, good);
        await RevokeAsync(world, root, await world.AddAsync(MemberRole.Member));
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(204, (await RemindAsync(world, good, old)).Status);
        }

        Assert.Equal(2, world.Hub.Status.RevocationVersion);
        using var other = PublicationAuthority.Create(world.Time.GetUtcNow());
        var theirs = other.Revoke(9, world.Time.GetUtcNow(), [root.Id], []).Encoded.ToArray();
        Assert.Equal("bad-list", (await RemindAsync(world, good, theirs)).Code);
        var changed = (byte[])old.Clone();
        changed[^1] ^= 1;
        Assert.Equal("bad-list", (await RemindAsync(world, good, changed)).Code);
        Assert.Equal("bad-list", (await RemindAsync(world, good, [])).Code);
        Assert.Equal("bad-list", (await RemindAsync(world, good, new byte[500_000])).Code);
        Assert.Equal(400, (await world.SendAsync(good, "POST", "/v1/revocations", [1])).Status);
        Assert.Equal(401, (await RemindAsync(world, null, old)).Status);
        Assert.Equal("certificate-revoked", (await RemindAsync(world, bad, old)).Code);
        Assert.Equal(2, world.Hub.Status.RevocationVersion);
        Assert.Equal(200, (await world.AskAsync(root, "GET", "/v1/catalogue")).Status);
    }

    private static void Copy(HubWorld world, string from, string to)
    {
        var folder = Path.Combine(world.Folder, "hub");
        // What SQLite has beside it belongs to the file that was there.
        File.Delete(Path.Combine(folder, to + "-wal"));
        File.Delete(Path.Combine(folder, to + "-shm"));
        File.Copy(Path.Combine(folder, from), Path.Combine(folder, to), overwrite: true);
    }

    private static async Task<byte[]> ListAsync(HubWorld world, HubMember who, long after = 0) =>
        (await world.AskAsync(who, "GET", $"/v1/revocations?after={after}")).As(HubJson.Default.RevocationAnswer).List!;

    private static Task<HubAnswer> RemindAsync(HubWorld world, HubMember? who, byte[] list) =>
        world.TellAsync(who, "/v1/revocations", new KnownRevocations(list), HubJson.Default.KnownRevocations);

    private static async Task RevokeAsync(HubWorld world, HubMember root, HubMember who)
    {
        var request = new RevokeRequest([who.Id.ToString()], false);
        var answer = await world.TellAsync(root, "/v1/members/revoke", request, HubJson.Default.RevokeRequest);
        Assert.Equal(200, answer.Status);
    }
}
