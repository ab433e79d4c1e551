using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class ProxyOptionsTests
{
    [Theory]
    [InlineData("socks5://127.0.0.1:1080", "Socks5", "127.0.0.1", 1080, null, null)]
    [InlineData("socks5h://[::1]:9050", "Socks5", "::1", 9050, null, null)]
    [InlineData("http://proxy.example:80", "HttpConnect", "proxy.example", 80, null, null)]
    [InlineData("http://proxy.example:3128/", "HttpConnect", "proxy.example", 3128, null, null)]
    [InlineData("socks5://me:p%40ss%3A@proxy:1", "Socks5", "proxy", 1, "me", "p@ss:")]
    [InlineData("socks5://me@proxy:1", "Socks5", "proxy", 1, "me", null)]
    public void What_users_write_is_read(string url, string kind, string host, int port, string? user, string? password)
    {
        Assert.True(ProxyOptions.TryParse(url, out var proxy, out _));
        Assert.Equal((kind, host, port), (proxy.Kind.ToString(), proxy.Host.Trim('[', ']'), proxy.Port));
        Assert.Equal((user, password), (proxy.User, proxy.Password));
    }

    [Theory]
    [InlineData("proxy:1080")]
    [InlineData("socks4://proxy:1080")]
    [InlineData("https://proxy:443")]
    [InlineData("http://proxy")]
    [InlineData("socks5://proxy")]
    [InlineData("socks5://:1080")]
    [InlineData("socks5://me:secret@proxy:1080/path")]
    [InlineData("http://me:secret@proxy:1080?secret")]
    [InlineData("socks5://:secret@proxy:1080")]
    [InlineData("socks5://me:secret@")]
    [InlineData("secret")]
    public void What_is_no_proxy_is_refused_without_repeating_secrets(string url)
    {
        Assert.False(ProxyOptions.TryParse(url, out _, out var error));
        Assert.DoesNotContain("secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Credentials_longer_than_the_protocol_can_carry_are_refused() =>
        Assert.False(ProxyOptions.TryParse($"socks5://{new string('u', 256)}:x@proxy:1", out _, out _));

    [Fact]
    public void Credentials_are_in_no_text()
    {
        Assert.True(ProxyOptions.TryParse("http://me:secret@[2001:db8::1]:3128", out var proxy, out _));
        Assert.Equal("http://[2001:db8::1]:3128", proxy.ToString());
        Assert.DoesNotContain("secret", new EngineOptions { StateDirectory = "x", Proxy = proxy }.ToString());
    }
}
