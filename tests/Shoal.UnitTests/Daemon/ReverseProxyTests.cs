using System.Net;
using Microsoft.AspNetCore.Http;
using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class ReverseProxyTests
{
    private static readonly PublicSite Site = PublicSite.TryParse("https://nas.home/shoal/")!;

    [Theory]
    [InlineData("https://nas.home", "https://nas.home", "")]
    [InlineData("https://nas.home/shoal/", "https://nas.home", "/shoal")]
    [InlineData("http://nas.home:8080/a/b", "http://nas.home:8080", "/a/b")]
    public void A_public_address_has_an_origin_and_a_path(string text, string origin, string path)
    {
        var site = PublicSite.TryParse(text)!;
        Assert.Equal((origin, path), (site.Origin, site.Path));
        Assert.Equal(origin + path, site.Url);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/shoal")]
    [InlineData("ftp://nas.home/")]
    [InlineData("https://me:pass@nas.home/")]
    [InlineData("https://nas.home/?a=b")]
    [InlineData("https://nas.home/#a")]
    [InlineData("https://nas.home//x")]
    public void What_is_no_public_address_is_refused(string text) => Assert.Null(PublicSite.TryParse(text));

    [Fact]
    public void The_path_of_the_proxy_is_taken_off_and_only_that()
    {
        (string, string) Enter(string path)
        {
            var request = Request("nas.home", path);
            Site.Enter(request);
            return (request.PathBase.Value ?? "", request.Path.Value ?? "");
        }

        Assert.Equal(("/shoal", "/api/v1/status"), Enter("/shoal/api/v1/status"));
        Assert.Equal(("/shoal", "/"), Enter("/shoal/"));
        // From a proxy that takes it off itself, and from callers of this machine.
        Assert.Equal(("", "/api/v1/status"), Enter("/api/v1/status"));
        Assert.Equal(("", "/shoals/x"), Enter("/shoals/x"));
        // Relative links of the page would lead astray from here.
        Assert.True(Site.Enter(Request("nas.home", "/shoal")));
        Assert.False(Site.Enter(Request("nas.home", "/shoal/")));
    }

    [Fact]
    public void Cookies_are_for_the_path_and_the_way_that_the_browser_uses()
    {
        (string, bool) Of(HttpRequest request)
        {
            Site.Enter(request);
            return (RequestSite.CookiePath(request, Site), RequestSite.IsSecure(request, Site));
        }

        Assert.Equal(("/shoal/", true), Of(Request("nas.home", "/shoal/login")));
        Assert.Equal(("/shoal/", true), Of(Request("nas.home", "/login")));
        Assert.Equal(("/", false), Of(Request("192.168.1.2:9470", "/login")));
        // The proxy keeps the name to itself, but the browser says where its page is from.
        Assert.Equal(("/shoal/", true), Of(Request("127.0.0.1:9470", "/login", "https://nas.home")));
        Assert.Equal(("/shoal/", false), Of(Request("127.0.0.1:9470", "/shoal/login", "https://other.home")));
    }

    [Fact]
    public void Our_page_is_known_by_the_public_address_and_other_sites_stay_others()
    {
        bool IsOurs(string origin, string host) => RequestSite.IsOurs(origin, Request(host, "/"), Site);
        Assert.True(IsOurs("https://nas.home", "127.0.0.1:9470"));
        Assert.True(IsOurs("http://127.0.0.1:9470", "127.0.0.1:9470"));
        Assert.False(IsOurs("http://nas.home", "127.0.0.1:9470"));
        Assert.False(IsOurs("https://nas.home:444", "127.0.0.1:9470"));
        Assert.False(IsOurs("https://evil.example", "nas.home"));
        Assert.False(IsOurs("null", "nas.home"));
    }

    [Fact]
    public void Links_lead_where_the_caller_came_by()
    {
        string Url(string host, string path)
        {
            var request = Request(host, path);
            Site.Enter(request);
            return RequestSite.Url(request, Site);
        }

        Assert.Equal("https://nas.home/shoal", Url("nas.home", "/shoal/stream"));
        Assert.Equal("https://nas.home/shoal", Url("nas.home", "/stream"));
        Assert.Equal("http://192.168.1.2:9470", Url("192.168.1.2:9470", "/stream"));
    }

    [Fact]
    public void Who_calls_is_what_trusted_proxies_say_and_nothing_that_the_caller_wrote_himself()
    {
        IPNetwork[] trusted = [ForwardedRequest.Parse("127.0.0.1")!.Value, ForwardedRequest.Parse("10.0.0.0/8")!.Value];
        string Client(string proxy, params string[] header) =>
            ForwardedRequest.ClientOf(IPAddress.Parse(proxy), header, trusted).ToString();
        Assert.Equal("192.0.2.7", Client("127.0.0.1", "192.0.2.7"));
        Assert.Equal("192.0.2.7", Client("127.0.0.1", "203.0.113.1", "192.0.2.7", "10.1.2.3"));
        Assert.Equal("192.0.2.7", Client("::ffff:127.0.0.1", "203.0.113.1", "192.0.2.7:4711"));
        Assert.Equal("2001:db8::1", Client("127.0.0.1", "[2001:db8::1]:80"));
        // What nobody can read ends the list: the proxy itself is held to account.
        Assert.Equal("127.0.0.1", Client("127.0.0.1", "192.0.2.7", "unknown"));
        Assert.Equal("127.0.0.1", Client("127.0.0.1"));
        Assert.Equal("10.0.0.1", Client("127.0.0.1", "10.0.0.1"));
        Assert.Null(ForwardedRequest.Parse("nas.home"));
        Assert.Null(ForwardedRequest.Parse("10.0.0.0/99"));
    }

    [Fact]
    public void Headers_of_strangers_are_left_alone()
    {
        IPNetwork[] trusted = [ForwardedRequest.Parse("127.0.0.1")!.Value];
        HttpContext Apply(string from, IReadOnlyList<IPNetwork> networks, string prefix = "/shoal/")
        {
            var context = Request("127.0.0.1:9470", "/x").HttpContext;
            context.Connection.RemoteIpAddress = IPAddress.Parse(from);
            context.Request.Headers["X-Forwarded-For"] = "192.0.2.7";
            context.Request.Headers["X-Forwarded-Proto"] = "http, https";
            context.Request.Headers["X-Forwarded-Host"] = "nas.home";
            context.Request.Headers["X-Forwarded-Prefix"] = prefix;
            ForwardedRequest.Apply(context, networks);
            return context;
        }

        var believed = Apply("127.0.0.1", trusted);
        Assert.Equal("192.0.2.7", $"{believed.Connection.RemoteIpAddress}");
        Assert.Equal(
            ("https", "nas.home", "/shoal"),
            (believed.Request.Scheme, believed.Request.Host.Value, believed.Request.PathBase.Value)
        );
        foreach (var context in new[] { Apply("192.0.2.1", trusted), Apply("127.0.0.1", []) })
        {
            Assert.NotEqual("192.0.2.7", $"{context.Connection.RemoteIpAddress}");
            Assert.Equal(
                ("http", "127.0.0.1:9470", ""),
                (context.Request.Scheme, context.Request.Host.Value, context.Request.PathBase.Value)
            );
        }

        foreach (var prefix in new[] { "//evil.example", "/a\"b", "shoal", "/", "/../x", "/" + new string('a', 300) })
        {
            Assert.Equal("", Apply("127.0.0.1", trusted, prefix).Request.PathBase.Value);
        }
    }

    private static HttpRequest Request(string host, string path, string? origin = null)
    {
        var request = new DefaultHttpContext().Request;
        (request.Scheme, request.Host, request.Path) = ("http", new HostString(host), path);
        if (origin is not null)
        {
            request.Headers.Origin = origin;
        }

        return request;
    }
}
