using System.Buffers;
using System.Net;
using System.Text;
using Shoal.Protocol;
using Shoal.Testing;
using Shoal.Tracker;

namespace Shoal.UnitTests;

public sealed class HttpTrackerHandlerTests
{
    private const string Query =
        "?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-SH0001-abcdefghijkl&port=1000&uploaded=0&downloaded=0&left=5";

    private readonly ShardedRegistry _registry;
    private readonly HttpTrackerHandler _handler;

    public HttpTrackerHandlerTests()
        : this(new TrackerOptions()) { }

    private HttpTrackerHandlerTests(TrackerOptions options)
    {
        _registry = new ShardedRegistry(options);
        _handler = new HttpTrackerHandler(_registry);
    }

    private byte[] Get(string target, string from = "10.0.0.1", string local = "10.0.0.254", int status = 200)
    {
        var output = new ArrayBufferWriter<byte>();
        var said = _handler.Handle("GET", target, IPAddress.Parse(from), IPAddress.Parse(local), output);
        Assert.Equal(status, (int)said);
        return output.WrittenSpan.ToArray();
    }

    private AnnounceAnswer Announce(string target, string from = "10.0.0.1", string local = "10.0.0.254")
    {
        var body = Get(target, from, local);
        Assert.True(
            HttpTrackerAnswer.TryReadAnnounce(body, AnnounceLimits.Default, out var answer),
            Encoding.UTF8.GetString(body)
        );
        return answer;
    }

    [Fact]
    public void WhoIsInTheFilterIsForgottenAndGetsNoAnswer()
    {
        foreach (var address in (string[])["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1", "2001:db8:1::1"])
        {
            Announce("/announce" + Query, address);
        }

        _registry.SetFilter(Filter("10.0.0.0/31\n2001:db8::/48\n10.0.0.3\n"));
        Assert.Empty(Get("/announce" + Query, "::ffff:10.0.0.1", status: 403));
        Assert.Empty(Get("/scrape" + Query, "2001:db8::5", status: 403));
        var answer = Announce("/announce" + Query, "10.0.0.9");
        Assert.Equal(["10.0.0.2:1000", "[2001:db8:1::1]:1000"], answer.Peers.Select(peer => peer.ToString()));
        Assert.Equal(3, _registry.Counters.Peers);
        _registry.SetFilter(IpFilter.Empty);
        Announce("/announce" + Query, "10.0.0.1");
    }

    internal static IpFilter Filter(string list)
    {
        var builder = new IpFilterBuilder(IpFilterLimits.Default);
        var reader = new IpFilterReader(IpFilterLimits.Default, builder);
        Assert.True(reader.TryRead(Encoding.ASCII.GetBytes(list)) && reader.TryFinish(), reader.Error);
        return builder.Build();
    }

    [Fact]
    public void PeersFindEachOtherOverBothFamilies()
    {
        Announce("/announce" + Query, "10.0.0.1");
        Announce("/announce" + Query, "2001:db8::1");
        var answer = Announce("/announce" + Query + "&compact=1", "::ffff:10.0.0.2");
        Assert.Equal(["10.0.0.1:1000", "[2001:db8::1]:1000"], answer.Peers.Select(peer => peer.ToString()));
        Assert.Equal((3, 0), (answer.Leeches!.Value, answer.Seeds!.Value));
        Assert.Equal(IPAddress.Parse("10.0.0.2"), answer.ExternalAddress);
        Assert.Equal((TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1)), (answer.Interval, answer.MinInterval));
        var wordy = Announce("/announce" + Query + "&compact=0", "10.0.0.2");
        Assert.Equal(answer.Peers, wordy.Peers);
        Assert.Contains(
            "2:ip8:10.0.0.1",
            Encoding.ASCII.GetString(Get("/announce" + Query + "&compact=0", "10.0.0.2"))
        );
    }

    // Checklist 17: "Our tracker ignores `ip=`".
    [Theory]
    [InlineData("ip=192.0.2.1")]
    [InlineData("ipv4=192.0.2.1")]
    [InlineData("ipv4=192.0.2.1:6881")]
    [InlineData("ipv6=2001:db8::66")]
    public void OnlyTheConnectionsAddressCounts(string parameter)
    {
        Announce($"/announce{Query}&{parameter}", "10.0.0.1");
        var answer = Announce("/announce" + Query, "10.0.0.2");
        Assert.Equal("10.0.0.1:1000", Assert.Single(answer.Peers).ToString());
    }

    [Fact]
    public void WantedIsCapped()
    {
        for (var i = 0; i < 300; i++)
        {
            Announce("/announce" + Query, $"10.0.{i / 200}.{i % 200 + 1}");
        }

        Assert.Equal(50, Announce("/announce" + Query, "10.1.0.1").Peers.Count);
        Assert.Equal(200, Announce("/announce" + Query + "&numwant=99999999", "10.1.0.1").Peers.Count);
        Assert.Equal(7, Announce("/announce" + Query + "&numwant=7", "10.1.0.1").Peers.Count);
        Assert.Empty(Announce("/announce" + Query + "&numwant=0", "10.1.0.1").Peers);
        Assert.Equal(50, Announce("/announce" + Query + "&numwant=-1", "10.1.0.1").Peers.Count);
    }

    [Fact]
    public void RefusalsSayWhy()
    {
        Assert.Contains("info_hash", Announce("/announce").Failure);
        Assert.Contains(
            "port",
            Announce("/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa").Failure
        );
        Assert.Contains("info_hash", Announce("/scrape").Failure);
        Get("/nothing", status: 404);
        Get("http://elsewhere/announce", status: 404);
        var output = new ArrayBufferWriter<byte>();
        Assert.Equal(
            HttpTrackerStatus.MethodNotAllowed,
            _handler.Handle("POST", "/announce" + Query, IPAddress.Loopback, IPAddress.Loopback, output)
        );
        Assert.Equal(0, output.WrittenCount);
    }

    [Fact]
    public void ScrapeCountsWhatWasAskedFor()
    {
        Announce("/announce" + Query, "10.0.0.1");
        Announce("/announce" + Query.Replace("left=5", "left=0") + "&event=completed", "10.0.0.1");
        Announce("/announce" + Query + "&event=paused", "10.0.0.2");
        var body = Get(
            "/scrape?info_hash=bbbbbbbbbbbbbbbbbbbb&info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash=aaaaaaaaaaaaaaaaaaaa"
        );
        Assert.Equal(
            "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi1e11:downloadersi0e10:incompletei1ee"
                + "20:bbbbbbbbbbbbbbbbbbbbd8:completei0e10:downloadedi0e11:downloadersi0e10:incompletei0eeee",
            Encoding.ASCII.GetString(body)
        );
        Assert.Equal(1, _registry.Counters.Swarms);
    }

    [Fact]
    public void SecretPathMovesTheScrapeToo()
    {
        var tests = new HttpTrackerHandlerTests(new TrackerOptions { Path = "/k3y/announce" });
        tests.Get("/announce" + Query, status: 404);
        tests.Get("/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa", status: 404);
        Assert.Null(tests.Announce("/k3y/announce" + Query).Failure);
        Assert.NotEmpty(tests.Get("/k3y/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa"));
    }

    [Fact]
    public void OnlyListedInfoHashesAreServed()
    {
        var tests = new HttpTrackerHandlerTests(new TrackerOptions { AllowOnlyListed = true });
        var answer = tests.Announce("/announce" + Query);
        Assert.Equal(AnnounceAnswer.Never, answer.RetryIn);
        tests._registry.Allow(new InfoHash("aaaaaaaaaaaaaaaaaaaa"u8));
        Assert.Null(tests.Announce("/announce" + Query).Failure);
    }

    [Fact]
    public void PeersOnTheTrackersMachineAreGivenUnderItsAddress()
    {
        Announce("/announce" + Query, "127.0.0.1", "127.0.0.1");
        Announce("/announce" + Query, "::1", "::1");
        Assert.Equal(
            ["10.0.0.254:1000"],
            Announce("/announce" + Query, "10.0.0.1").Peers.Select(peer => peer.ToString())
        );
        var own = Announce("/announce" + Query, "127.0.0.1", "127.0.0.1").Peers.Select(peer => peer.ToString());
        Assert.Equal(["10.0.0.1:1000", "[::1]:1000"], own);
    }

    [Fact]
    public void StatisticsAreShown() =>
        Assert.Contains("torrents 0\npeers 0\n", Encoding.UTF8.GetString(Get("/")), StringComparison.Ordinal);

    [Fact]
    public void NoTargetThrows()
    {
        var original = Encoding.ASCII.GetBytes("/announce" + Query + "&event=started&numwant=5&compact=0&key=1");
        Fuzz.Run(
            20_000,
            random =>
            {
                var target = Encoding.Latin1.GetString(Fuzz.Mutate(random, original));
                var output = new ArrayBufferWriter<byte>();
                _handler.Handle("GET", target, IPAddress.Parse("10.0.0.1"), IPAddress.Loopback, output);
                Assert.InRange(output.WrittenCount, 0, 10_000);
            }
        );
    }
}
