using System.Net;
using Shoal.Cli;

namespace Shoal.UnitTests;

public sealed class ValueTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("16384", 16384)]
    [InlineData("16KiB", 16384)]
    [InlineData("16 kib", 16384)]
    [InlineData("512K", 524288)]
    [InlineData("1MiB", 1048576)]
    [InlineData("1.5MiB", 1572864)]
    [InlineData("2MB", 2000000)]
    [InlineData("10kB", 10000)]
    [InlineData("3G", 3221225472)]
    [InlineData("7b", 7)]
    public void Sizes_are_read(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var value));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("KiB")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("0.3K")]
    [InlineData("1XiB")]
    [InlineData("1e9")]
    [InlineData("0x10")]
    [InlineData("1 2")]
    [InlineData("20Mbit")]
    [InlineData("9999999P")]
    [InlineData("99999999999999999999999999999999999999999")]
    [InlineData("1iB")]
    public void What_is_no_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData("2MiB/s", 2097152)]
    [InlineData("20Mbit/s", 2500000)]
    [InlineData("1kbit", 125)]
    [InlineData("100K", 102400)]
    [InlineData("0", 0)]
    [InlineData("1Gbit/s", 125000000)]
    public void Rates_are_read(string text, long bytes)
    {
        Assert.True(Rate.TryParse(text, out var value));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("/s")]
    [InlineData("fast")]
    [InlineData("1MiB/m")]
    [InlineData("-1K")]
    public void What_is_no_rate_is_refused(string text) => Assert.False(Rate.TryParse(text, out _));

    [Theory]
    [InlineData("90", 90)]
    [InlineData("1.5h", 5400)]
    [InlineData("1h30m", 5400)]
    [InlineData("2d", 172800)]
    [InlineData("0s", 0)]
    [InlineData("1w", 604800)]
    [InlineData("10min", 600)]
    public void Durations_are_read(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out var value));
        Assert.Equal(seconds, value.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("-5s")]
    [InlineData("5x")]
    [InlineData("1h30")]
    [InlineData("1..2h")]
    [InlineData("1000000w")]
    [InlineData("99999999999999999999999999999999999999999999999999d")]
    public void What_is_no_duration_is_refused(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "0.98 KiB")]
    [InlineData(1024, "1 KiB")]
    [InlineData(16384, "16 KiB")]
    [InlineData(1572864, "1.5 MiB")]
    [InlineData(123456789, "118 MiB")]
    [InlineData(long.MaxValue, "8 EiB")]
    public void Sizes_are_printed_short(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));

    [Theory]
    [InlineData(0.2, "1s")]
    [InlineData(59, "59s")]
    [InlineData(61, "1m 1s")]
    [InlineData(7500, "2h 5m")]
    [InlineData(273600, "3d 4h")]
    public void Durations_are_printed_short(double seconds, string text) =>
        Assert.Equal(text, Duration.Format(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("example.org:6881", "example.org", 6881)]
    [InlineData("127.0.0.1:1", "127.0.0.1", 1)]
    [InlineData("[::1]:65535", "::1", 65535)]
    public void Hosts_with_ports_are_split(string text, string host, int port)
    {
        Assert.True(EndPointText.TrySplit(text, anyPort: false, out var foundHost, out var foundPort));
        Assert.Equal((host, port), (foundHost, foundPort));
    }

    [Theory]
    [InlineData("example.org")]
    [InlineData("example.org:0")]
    [InlineData("example.org:65536")]
    [InlineData("example.org:-1")]
    [InlineData(":6881")]
    [InlineData("::1:6881")]
    [InlineData("[::x]:6881")]
    [InlineData("a b:1")]
    public void What_is_no_host_with_port_is_refused(string text) =>
        Assert.False(EndPointText.TrySplit(text, anyPort: false, out _, out _));

    [Theory]
    [InlineData(":6969", "[::]:6969")]
    [InlineData("*:0", "[::]:0")]
    [InlineData("127.0.0.1:80", "127.0.0.1:80")]
    public void Addresses_to_listen_on_are_read(string text, string endPoint)
    {
        Assert.True(EndPointText.TryParseListen(text, out var value));
        Assert.Equal(IPEndPoint.Parse(endPoint), value);
    }

    [Theory]
    [InlineData("localhost:80")]
    [InlineData("1:80")]
    [InlineData("80")]
    public void Names_are_no_addresses_to_listen_on(string text) =>
        Assert.False(EndPointText.TryParseListen(text, out _));

    [Theory]
    [InlineData("*.mkv", "film/reels/1.mkv", true)]
    [InlineData("*.mkv", "film/reels/1.mp4", false)]
    [InlineData("*.MKV", "film/1.mkv", true)]
    [InlineData("reels", "film/reels/1.mkv", true)]
    [InlineData("film/reels/*", "film/reels/1.mkv", true)]
    [InlineData("reels/*.mkv", "film/reels/1.mkv", true)]
    [InlineData("reels/*.mkv", "film/reels/old/1.mkv", false)]
    [InlineData("**/*.mkv", "film/reels/old/1.mkv", true)]
    [InlineData("reels/", "film/reels/old/1.mkv", true)]
    [InlineData("film", "film/reels/old/1.mkv", true)]
    [InlineData("?.mkv", "film/10.mkv", false)]
    [InlineData("a[b].txt", "a[b].txt", true)]
    [InlineData("a.b", "axb", false)]
    public void Globs_choose_files(string glob, string path, bool matches) =>
        Assert.Equal(matches, new FileGlob(glob).Matches(path, "film"));

    [Fact]
    public void The_state_directory_follows_the_platform()
    {
        Assert.Equal(
            "/x/state/shoal",
            CliHost.DefaultStateDirectory(name => name == "XDG_STATE_HOME" ? "/x/state" : "/h", "/account")
        );
        Assert.Equal(
            "/h/.local/state/shoal",
            CliHost.DefaultStateDirectory(name => name == "HOME" ? "/h" : null, "/account")
        );
        Assert.Equal(
            "/h/.local/state/shoal",
            CliHost.DefaultStateDirectory(name => name == "HOME" ? "/h" : "relative", "/account")
        );
        Assert.Equal("/account/.local/state/shoal", CliHost.DefaultStateDirectory(_ => null, "/account"));
        Assert.StartsWith(Path.GetTempPath(), CliHost.DefaultStateDirectory(_ => null, "/"), StringComparison.Ordinal);
    }
}
