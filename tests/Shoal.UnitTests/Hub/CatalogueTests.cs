using System.Net;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class CatalogueTests
{
    [Fact]
    public async Task What_a_publisher_publishes_every_member_finds_and_can_check()
    {
        await using var world = await HubWorld.StartAsync();
        var (publisher, member) = (await world.AddAsync(MemberRole.Publisher), await world.AddAsync(MemberRole.Member));
        var (request, _, fields) = world.Entry(publisher);
        Assert.Equal(204, (await PublishAsync(world, publisher, request)).Status);
        // The same again, since the answer got lost.
        Assert.Equal(204, (await PublishAsync(world, publisher, request)).Status);
        var item = Assert.Single((await ListAsync(world, member)).Entries);
        var verifier = await VerifierAsync(world);
        Assert.True(CatalogueEntry.TryRead(item.Entry, verifier, null, out var entry, out _));
        Assert.Equal(fields, entry.Fields);
        Assert.Equal(publisher.Id, entry.Publisher);
        var torrent = await world.AskAsync(member, "GET", $"/v1/catalogue/{fields.Id}/1/torrent");
        Assert.Equal(request.Torrent, torrent.Body);
        await world.RestartAsync();
        Assert.Single((await ListAsync(world, member)).Entries);
    }

    [Fact]
    public async Task Nobody_publishes_for_another_or_what_the_entry_does_not_say()
    {
        await using var world = await HubWorld.StartAsync();
        var (ada, ben) = (await world.AddAsync(MemberRole.Publisher), await world.AddAsync(MemberRole.Publisher));
        var member = await world.AddAsync(MemberRole.Member);
        var (request, _, fields) = world.Entry(ada);
        Assert.Equal("not-yours", (await PublishAsync(world, ben, request)).Code);
        Assert.Equal(204, (await PublishAsync(world, ada, request)).Status);
        Assert.Equal("not-yours", (await PublishAsync(world, ben, world.Entry(ben, 1, fields.Id, 2).Request)).Code);
        Assert.Equal("version-taken", (await PublishAsync(world, ada, world.Entry(ada, 2, fields.Id, 1).Request)).Code);
        var other = world.Entry(ada, 3).Request;
        Assert.Equal("bad-torrent", (await PublishAsync(world, ada, other with { Torrent = request.Torrent })).Code);
        Assert.Equal("bad-torrent", (await PublishAsync(world, ada, other with { Torrent = [] })).Code);
        Assert.Equal("bad-entry", (await PublishAsync(world, ada, other with { Entry = [1, 2, 3] })).Code);
        // A member signs like a publisher, and yet is none.
        var (forged, _, _) = world.Entry(member, 4);
        Assert.Equal("bad-entry", (await PublishAsync(world, ada, forged)).Code);
        world.Time.Advance(TimeSpan.FromDays(2));
        Assert.Equal("bad-entry", (await PublishAsync(world, ada, other)).Code);
    }

    [Fact]
    public async Task A_quota_bounds_what_a_publisher_has_in_the_catalogue()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var link = await world.InviteAsync(admin, MemberRole.Publisher, publishBytes: 45_000);
        var publisher = await world.JoinAsync(link);
        Assert.Equal(204, (await PublishAsync(world, publisher, world.Entry(publisher, 1).Request)).Status);
        Assert.Equal(204, (await PublishAsync(world, publisher, world.Entry(publisher, 2).Request)).Status);
        var (request, _, fields) = world.Entry(publisher, 3);
        Assert.Equal("quota-exceeded", (await PublishAsync(world, publisher, request)).Code);
        var withdrawn = await world.AskAsync(publisher, "DELETE", $"/v1/catalogue/{new EntryId(1)}/1");
        Assert.Equal(204, withdrawn.Status);
        Assert.Equal(204, (await PublishAsync(world, publisher, request)).Status);
        Assert.Equal(404, (await world.AskAsync(admin, "DELETE", $"/v1/catalogue/{fields.Id}/7")).Status);
    }

    [Fact]
    public async Task Entries_of_a_revoked_publisher_are_gone()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var publisher = await world.AddAsync(MemberRole.Publisher);
        var (request, metainfo, fields) = world.Entry(publisher);
        await PublishAsync(world, publisher, request);
        await RevokeAsync(world, admin, publisher);
        Assert.Empty((await ListAsync(world, admin)).Entries);
        Assert.Equal(404, (await world.AskAsync(admin, "GET", $"/v1/catalogue/{fields.Id}/1/torrent")).Status);
        Assert.Equal("this torrent is not served here", Failure(await AnnounceAsync(world, admin, metainfo, 1)));
    }

    [Fact]
    public async Task Members_find_each_other_at_the_address_they_call_from_and_nobody_else()
    {
        await using var world = await HubWorld.StartAsync();
        var (publisher, ben) = (await world.AddAsync(MemberRole.Publisher), await world.AddAsync(MemberRole.Member));
        ben.Address = IPAddress.Parse("192.0.2.44");
        var (request, metainfo, _) = world.Entry(publisher);
        await PublishAsync(world, publisher, request);
        Assert.Empty(Peers(await AnnounceAsync(world, publisher, metainfo, 6881, left: 0)));
        var peers = Peers(await AnnounceAsync(world, ben, metainfo, 6882, "&ip=203.0.113.1&ipv4=203.0.113.2"));
        Assert.Equal([new IPEndPoint(publisher.Address, 6881)], peers);
        peers = Peers(await AnnounceAsync(world, publisher, metainfo, 6881));
        Assert.Equal([new IPEndPoint(ben.Address, 6882)], peers);
        var item = Assert.Single((await ListAsync(world, ben)).Entries);
        Assert.Equal((0, 2), (item.Complete, item.Incomplete));
        // The hub is no tracker for whatever members have besides.
        var other = world.Entry(publisher, 9).Metainfo;
        Assert.Equal("this torrent is not served here", Failure(await AnnounceAsync(world, ben, other, 1)));
        await world.RestartAsync();
        Assert.Empty(Peers(await AnnounceAsync(world, ben, metainfo, 6882)));
    }

    [Fact]
    public async Task A_revoked_member_is_listed_no_more()
    {
        await using var world = await HubWorld.StartAsync();
        var admin = await world.AddAsync(MemberRole.Administrator);
        var (publisher, ben) = (await world.AddAsync(MemberRole.Publisher), await world.AddAsync(MemberRole.Member));
        ben.Address = IPAddress.Parse("2001:db8::44");
        var (request, metainfo, _) = world.Entry(publisher);
        await PublishAsync(world, publisher, request);
        await AnnounceAsync(world, ben, metainfo, 6882);
        Assert.Single(Peers(await AnnounceAsync(world, publisher, metainfo, 6881)));
        await RevokeAsync(world, admin, ben);
        Assert.Empty(Peers(await AnnounceAsync(world, publisher, metainfo, 6881)));
        Assert.Equal("certificate-revoked", (await AnnounceAsync(world, ben, metainfo, 6882)).Code);
        Assert.Equal(1, world.Hub.Status.OnlineMembers);
    }

    [Fact]
    public async Task A_member_has_so_many_places_and_gets_so_many_peers()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { PeersPerMember = 3, PeersPerSwarm = 1 });
        var publisher = await world.AddAsync(MemberRole.Publisher);
        var (request, metainfo, _) = world.Entry(publisher);
        await PublishAsync(world, publisher, request);
        for (var port = 1; port <= 3; port++)
        {
            Assert.Equal(port - 1, Peers(await AnnounceAsync(world, publisher, metainfo, port)).Count);
        }

        Assert.Contains(
            "too many",
            Failure(await AnnounceAsync(world, publisher, metainfo, 4)),
            StringComparison.Ordinal
        );
        for (var i = 0; i < 80; i++)
        {
            var member = await world.AddAsync(MemberRole.Member);
            member.Address = IPAddress.Parse($"192.0.2.{i + 1}");
            await AnnounceAsync(world, member, metainfo, 7000);
        }

        // However many are asked for: enumerating is slow.
        Assert.Equal(50, Peers(await AnnounceAsync(world, publisher, metainfo, 1, "&numwant=5000")).Count);
        world.Time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(0, world.Hub.Status.OnlineMembers);
    }

    [Fact]
    public async Task Many_torrents_are_announced_at_once_and_each_is_answered_as_it_would_be_alone()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { AnnouncesPerMember = 20 });
        var publisher = await world.AddAsync(MemberRole.Publisher);
        var ben = await world.AddAsync(MemberRole.Member);
        ben.Address = IPAddress.Parse("192.0.2.44");
        var torrents = new List<Metainfo>();
        foreach (var seed in (int[])[1, 2, 3])
        {
            var (request, metainfo, _) = world.Entry(publisher, seed);
            torrents.Add(metainfo);
            Assert.Equal(204, (await PublishAsync(world, publisher, request)).Status);
        }

        var stranger = world.Entry(publisher, 9).Metainfo;
        string[] all = [.. torrents.Append(stranger).Select(metainfo => QueryOf(metainfo, 6881))];
        Task<HubAnswer> Tell(HubMember? who, params string[] queries) =>
            world.TellAsync(who, "/v1/announces", new AnnouncesRequest(queries), HubJson.Default.AnnouncesRequest);
        Assert.Equal(200, (await Tell(publisher, all)).Status);
        var answers = (await Tell(ben, [.. all, "nonsense"])).As(HubJson.Default.AnnouncesAnswer).Answers;
        Assert.Equal(5, answers.Count);
        foreach (var answer in answers.Take(3))
        {
            Assert.Equal([new IPEndPoint(publisher.Address, 6881)], Peers(new HubAnswer(200, answer)));
        }

        Assert.Equal("this torrent is not served here", Failure(new HubAnswer(200, answers[3])));
        Assert.NotNull(Failure(new HubAnswer(200, answers[4])));
        // Not to ask for one swarm again and again, not for strangers, not without end.
        Assert.Equal(400, (await Tell(ben, all[0], all[0], all[0])).Status);
        Assert.Equal(400, (await Tell(ben)).Status);
        Assert.Equal(400, (await Tell(ben, [.. Enumerable.Range(0, 201).Select(i => $"{i}")])).Status);
        Assert.Equal(401, (await Tell(null, all)).Status);
        Assert.Equal(200, (await Tell(ben, [.. Enumerable.Range(0, 15).Select(i => $"{i}")])).Status);
        Assert.Equal((429, "too-many-requests"), ((await Tell(ben, "1")).Status, (await Tell(ben, "1")).Code));
        Assert.Equal(200, (await Tell(publisher, "1")).Status);
    }

    [Fact]
    public async Task Who_has_all_of_a_large_catalogue_is_listed_everywhere()
    {
        await using var world = await HubWorld.StartAsync(new HubLimits { PeersPerMember = 3, PeersPerSwarm = 2 });
        var publisher = await world.AddAsync(MemberRole.Publisher);
        for (var seed = 1; seed <= 5; seed++)
        {
            var (request, metainfo, _) = world.Entry(publisher, seed);
            await PublishAsync(world, publisher, request);
            // By two addresses: ten places, and the catalogue has ten names.
            foreach (var port in (int[])[1, 2])
            {
                Assert.Null(Failure(await AnnounceAsync(world, publisher, metainfo, port)));
            }
        }
    }

    private static Task<HubAnswer> PublishAsync(HubWorld world, HubMember who, PublishRequest request) =>
        world.TellAsync(who, "/v1/catalogue", request, HubJson.Default.PublishRequest);

    private static async Task<CatalogueAnswer> ListAsync(HubWorld world, HubMember who) =>
        (await world.AskAsync(who, "GET", "/v1/catalogue")).As(HubJson.Default.CatalogueAnswer);

    private static Task<HubAnswer> RevokeAsync(HubWorld world, HubMember admin, HubMember who) =>
        world.TellAsync(
            admin,
            "/v1/members/revoke",
            new RevokeRequest([who.Id.ToString()], false),
            HubJson.Default.RevokeRequest
        );

    private static Task<HubAnswer> AnnounceAsync(
        HubWorld world,
        HubMember who,
        Metainfo metainfo,
        int port,
        string more = "",
        int left = 1
    ) => world.AskAsync(who, "GET", $"/announce?{QueryOf(metainfo, port, left)}{more}");

    private static string QueryOf(Metainfo metainfo, int port, int left = 1)
    {
        var hash = string.Concat(metainfo.InfoHashes.Primary.ToArray().Select(b => $"%{b:x2}"));
        return $"info_hash={hash}&peer_id=-SH0001-aaaaaaaaaaaa&port={port}&uploaded=0&downloaded=0&left={left}&compact=1";
    }

    private static List<IPEndPoint> Peers(HubAnswer answer)
    {
        Assert.Equal(200, answer.Status);
        Span<BencodeToken> table = stackalloc BencodeToken[64];
        Assert.True(Bencode.TryParse(answer.Body, table, BencodeMode.Strict, out var root, out _));
        Assert.False(root.Find("failure reason"u8).Exists);
        var peers = new List<IPEndPoint>();
        CompactPeers.Read(root.Find("peers"u8).Bytes, System.Net.Sockets.AddressFamily.InterNetwork, 1000, peers);
        CompactPeers.Read(root.Find("peers6"u8).Bytes, System.Net.Sockets.AddressFamily.InterNetworkV6, 1000, peers);
        return peers;
    }

    private static string? Failure(HubAnswer answer)
    {
        Span<BencodeToken> table = stackalloc BencodeToken[64];
        Assert.True(Bencode.TryParse(answer.Body, table, BencodeMode.Strict, out var root, out _));
        return root.Find("failure reason"u8).TextOrNull();
    }

    private static async Task<MembershipVerifier> VerifierAsync(HubWorld world)
    {
        var answer = await world.AskAsync(null, "GET", "/v1/authority");
        Assert.True(
            AuthorityCertificate.TryRead(
                answer.As(HubJson.Default.AuthorityAnswer).Certificate,
                out var authority,
                out _
            )
        );
        return new MembershipVerifier(authority);
    }
}
