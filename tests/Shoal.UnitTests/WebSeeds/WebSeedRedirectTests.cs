using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Where a web seed may lead, and what it is told on the way.</summary>
public sealed class WebSeedRedirectTests
{
    private const int Block = PieceLayout.BlockSize;
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block)
        .Single(16 * Block)
        .Build();

    [Fact]
    public async Task A_redirect_is_followed_once_and_remembered()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect("http://mirror/x/content"));
        web.Add("mirror", request => WebReply.File(request, Torrent.Range));
        var limits = new WebSeedLimits { MaxRequests = 1, MaxBlocksPerRun = 4 };
        await using var link = new WebSeedLinkFixture(Torrent, web, limits: limits);
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(16);
        Assert.Equal(["server", "mirror", "mirror", "mirror", "mirror"], web.Requests.Select(request => request.Host));
        Assert.Equal("/x/content", web.Requests[1].Target);
        Assert.Equal((0L, 4L * Block - 1), web.Requests[1].Range);
    }

    [Fact]
    public async Task When_the_place_it_led_to_is_gone_the_web_seed_is_asked_again()
    {
        var web = new MemoryWeb();
        var asked = 0;
        web.Add("server", _ => Redirect($"http://mirror{++asked}/content?expires=1"));
        web.Add(
            "mirror1",
            request => request.Range?.From == 0 ? WebReply.File(request, Torrent.Range) : WebReply.Of("403 Expired", [])
        );
        web.Add("mirror2", request => WebReply.File(request, Torrent.Range));
        var limits = new WebSeedLimits { MaxRequests = 1, MaxBlocksPerRun = 4 };
        await using var link = new WebSeedLinkFixture(Torrent, web, limits: limits);
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(16);
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Circles_end_after_five_redirects()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect("/again"));
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        Assert.Contains("redirects", await link.FailsAsync(WebSeedFault.BadAnswer), StringComparison.Ordinal);
        Assert.Equal(6, web.Requests.Count);
    }

    [Theory]
    [InlineData(nameof(NetworkReach.Local))]
    [InlineData(nameof(NetworkReach.Loopback))]
    public async Task The_world_does_not_redirect_into_the_local_network(string reach)
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect("http://inside/admin"));
        web.Add("inside", request => WebReply.File(request, Torrent.Range), Enum.Parse<NetworkReach>(reach));
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.Forbidden);
        Assert.Equal(["inside"], web.Refused.Distinct());
        Assert.DoesNotContain(web.Requests, request => request.Host == "inside");
    }

    [Fact]
    public async Task The_world_does_not_lead_in_by_way_of_itself()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect("http://second/x"));
        web.Add("second", _ => Redirect("http://inside/x"));
        web.Add("inside", request => WebReply.File(request, Torrent.Range), NetworkReach.Local);
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.Forbidden);
        Assert.DoesNotContain(web.Requests, request => request.Host == "inside");
    }

    [Fact]
    public async Task A_server_at_home_may_be_used_and_redirect_within_home()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect("http://nas/content"), NetworkReach.Loopback);
        web.Add("nas", request => WebReply.File(request, Torrent.Range), NetworkReach.Local);
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(16);
    }

    [Theory]
    [InlineData("http://server/delete?all=1", "")]
    [InlineData("http://server/x", "/delete?all=1")]
    public async Task No_query_goes_to_the_local_network(string url, string redirect)
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect(redirect), NetworkReach.Local);
        await using var link = new WebSeedLinkFixture(Torrent, web, url);
        link.Request(link.AllBlocks);
        Assert.Contains("query", await link.FailsAsync(WebSeedFault.Forbidden), StringComparison.Ordinal);
        Assert.DoesNotContain(web.Requests, request => request.Target.Contains('?', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ftp://other/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("javascript:alert(1)")]
    public async Task Only_http_is_followed(string target)
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect(target));
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.Forbidden);
        Assert.Single(web.Requests);
    }

    [Theory]
    [InlineData("http://")]
    [InlineData("//server:99999/")]
    [InlineData("http://a b/")]
    public async Task A_redirect_to_nonsense_ends_it(string target)
    {
        var web = new MemoryWeb();
        web.Add("server", _ => Redirect(target));
        await using var link = new WebSeedLinkFixture(Torrent, web);
        link.Request(link.AllBlocks);
        await link.WaitForAsync(SwarmEventKind.PeerLeft);
        Assert.NotNull(link.Failure);
    }

    [Fact]
    public async Task Many_servers_are_not_visited_by_redirects()
    {
        var web = new MemoryWeb();
        var torrent = new TorrentBuilder(TorrentFormat.V2, Block);
        for (var i = 0; i < 30; i++)
        {
            torrent.File($"{i:00}", 100, i);
        }

        var built = torrent.Build();
        var serve = WebSeedLinkFixture.Serve(built);
        web.Add("server", request => Redirect($"http://mirror{request.Target[^2..]}{request.Target}"));
        for (var i = 0; i < 30; i++)
        {
            web.Add($"mirror{i:00}", serve);
        }

        await using var link = new WebSeedLinkFixture(built, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.BadAnswer);
        Assert.InRange(web.Requests.Select(request => request.Host).Distinct().Count(), 2, 8);
    }

    [Fact]
    public async Task Credentials_stay_at_the_first_origin()
    {
        var web = new MemoryWeb();
        web.Add("server", request => request.Target == "/moved" ? Redirect("http://other/x") : Redirect("/moved"));
        web.Add("other", request => WebReply.File(request, Torrent.Range));
        await using var link = new WebSeedLinkFixture(Torrent, web, "http://me:secret@server/x");
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(16);
        var expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:secret"));
        Assert.All(
            web.Requests,
            request =>
                Assert.Equal(
                    request.Host == "server" ? expected : null,
                    request.Headers.GetValueOrDefault("authorization")
                )
        );
        Assert.Equal(3, web.Requests.Count);
        Assert.DoesNotContain("secret", link.Introduction.WebSeed!.Display, StringComparison.Ordinal);
    }

    private static WebReply Redirect(string target) => WebReply.Of("302 Found", [], $"Location: {target}");
}
