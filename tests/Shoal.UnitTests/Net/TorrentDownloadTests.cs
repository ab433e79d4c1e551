using System.Net;
using System.Text;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class TorrentDownloadTests
{
    private static readonly IPAddress Global = IPAddress.Parse("93.184.216.34");
    private static readonly IPAddress OtherGlobal = IPAddress.Parse("93.184.216.35");

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.16.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("224.0.0.1", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("::1", true)]
    [InlineData("::", true)]
    [InlineData("fe80::1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("ff02::1", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("64:ff9b::10.0.0.1", true)]
    [InlineData("64:ff9b::8.8.8.8", false)]
    [InlineData("2002:7f00:1::", true)]
    [InlineData("2606:4700::1", false)]
    public void Local_addresses_are_known(string address, bool isLocal) =>
        Assert.Equal(isLocal, OutboundNetwork.IsLocal(IPAddress.Parse(address)));

    [Fact]
    public async Task A_torrent_is_fetched()
    {
        var network = new CannedNetwork { [Global] = Response("200 OK", "d4:infoe") };
        Assert.Equal("d4:infoe", Encoding.ASCII.GetString(await Fetch(network, "http://global/x.torrent")));
        Assert.StartsWith("GET /x.torrent HTTP/1.1\r\n", network.Requests[0], StringComparison.Ordinal);
        Assert.Contains("User-Agent: Shoal/", network.Requests[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirects_are_followed_within_the_world()
    {
        var network = new CannedNetwork
        {
            [Global] = Response("302 Found", "", "Location: http://other/y"),
            [OtherGlobal] = Response("200 OK", "e"),
        };
        Assert.Equal("e"u8.ToArray(), await Fetch(network, "http://global/x"));
    }

    [Theory]
    [InlineData("http://local/x")]
    [InlineData("http://mixed/x")]
    [InlineData("http://127.0.0.1:6969/x")]
    [InlineData("http://[::1]/x")]
    public async Task The_world_does_not_redirect_into_the_local_network(string target)
    {
        var network = new CannedNetwork { [Global] = Response("301 Moved", "", "Location: " + target) };
        await Fails(network, "http://global/x", "download-failed", "local network");
        Assert.Single(network.Requests);
    }

    [Fact]
    public async Task A_server_at_home_may_redirect_within_home()
    {
        var network = new CannedNetwork
        {
            [IPAddress.Parse("192.168.1.9")] = Response("302 Found", "", "Location: http://127.0.0.1/y"),
            [IPAddress.Loopback] = Response("200 OK", "e"),
        };
        Assert.Equal("e"u8.ToArray(), await Fetch(network, "http://local/x"));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://global/x")]
    public async Task Only_http_is_followed(string target)
    {
        var network = new CannedNetwork { [Global] = Response("302 Found", "", "Location: " + target) };
        await Fails(network, "http://global/x", "bad-redirect", "not to http or https");
    }

    [Fact]
    public async Task Circles_end()
    {
        var network = new CannedNetwork { [Global] = Response("302 Found", "", "Location: /again") };
        await Fails(network, "http://global/x", "bad-redirect", "more than 5 redirects");
        Assert.Equal(6, network.Requests.Count);
    }

    [Theory]
    [InlineData("//")]
    [InlineData("http://[")]
    [InlineData("http://a b/")]
    [InlineData("//global:99999/")]
    [InlineData("javascript:alert(1)")]
    public async Task A_redirect_to_nonsense_is_one_clear_line(string target)
    {
        var network = new CannedNetwork { [Global] = Response("302 Found", "", "Location: " + target) };
        var error = await Assert.ThrowsAsync<DownloadException>(() => Fetch(network, "http://global/x"));
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task A_body_that_does_not_unpack_is_one_clear_line()
    {
        var network = new CannedNetwork { [Global] = Response("200 OK", "this is not gzip", "Content-Encoding: gzip") };
        await Fails(network, "http://global/x", "download-failed", "");
    }

    [Fact]
    public async Task A_bomb_is_refused_when_it_has_grown_too_large()
    {
        using var packed = new MemoryStream();
        await using (
            var gzip = new System.IO.Compression.GZipStream(
                packed,
                System.IO.Compression.CompressionMode.Compress,
                true
            )
        )
        {
            await gzip.WriteAsync(new byte[50_000_000]);
        }

        var body = Encoding.Latin1.GetString(packed.ToArray());
        var network = new CannedNetwork { [Global] = Response("200 OK", body, "Content-Encoding: gzip") };
        await Fails(network, "http://global/x", "too-large", "larger than it may be");
    }

    [Fact]
    public async Task Too_much_is_refused_whether_it_is_declared_or_not()
    {
        var network = new CannedNetwork
        {
            [Global] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + new string('x', 10_000_001),
        };
        await Fails(network, "http://global/x", "too-large", "larger than it may be");
    }

    [Fact]
    public async Task Failures_name_the_url_and_the_fault()
    {
        var network = new CannedNetwork { [Global] = Response("404 Not Found", "no") };
        await Fails(network, "http://global/x", "download-failed", "404 Not Found");
        await Fails(network, "http://nowhere/x", "download-failed", "no such host");
        await Fails(new CannedNetwork { [Global] = "nonsense\r\n\r\n" }, "http://global/x", "download-failed", "");
        await Fails(network, "http://", "bad-url", "not a URL");
    }

    [Theory]
    [InlineData("http://global/x", false)]
    [InlineData("http://local/x", true)]
    public async Task An_answer_says_whether_it_came_from_the_own_network(string url, bool isLocal)
    {
        var network = new CannedNetwork
        {
            [Global] = Response("200 OK", "e"),
            [IPAddress.Parse("192.168.1.9")] = Response("200 OK", "e"),
        };
        var request = new FetchRequest { MaxBytes = 100, MayBeLocal = true };
        var answer = await new TorrentDownload(network, mayBeLocal: true).FetchAsync(
            url,
            request,
            CancellationToken.None
        );
        Assert.Equal(isLocal, answer.IsLocal);
    }

    private static Task<byte[]> Fetch(CannedNetwork network, string url) =>
        new TorrentDownload(network).FetchAsync(url, CancellationToken.None);

    private static async Task Fails(CannedNetwork network, string url, string code, string words)
    {
        var error = await Assert.ThrowsAsync<DownloadException>(() => Fetch(network, url));
        Assert.Equal(code, error.Code);
        Assert.StartsWith(url, error.Message, StringComparison.Ordinal);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static string Response(string status, string body, string header = "X: y") =>
        $"HTTP/1.1 {status}\r\n{header}\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}";

    /// <summary>Hosts with fixed addresses; each address answers every connection with the same bytes.</summary>
    private sealed class CannedNetwork : IDownloadNetwork
    {
        private static readonly Dictionary<string, IPAddress[]> Hosts = new()
        {
            ["global"] = [Global],
            ["other"] = [OtherGlobal],
            ["local"] = [IPAddress.Parse("192.168.1.9")],
            ["mixed"] = [IPAddress.Parse("192.168.1.9"), OtherGlobal],
        };

        private readonly Dictionary<IPAddress, string> _answers = [];

        public List<string> Requests { get; } = [];

        public string this[IPAddress address]
        {
            set => _answers[address] = value;
        }

        public Task<(Stream Stream, bool IsLocal)> ConnectAsync(
            string host,
            int port,
            Func<bool, string?> whyNot,
            CancellationToken cancellation
        )
        {
            var addresses =
                Hosts.TryGetValue(host, out var known) ? known
                : IPAddress.TryParse(host, out var literal) ? [literal]
                : throw new IOException("no such host");
            foreach (var address in addresses)
            {
                var isLocal = OutboundNetwork.IsLocal(address);
                if (whyNot(isLocal) is { } why)
                {
                    throw new IOException(why);
                }

                if (_answers.TryGetValue(address, out var answer))
                {
                    return Task.FromResult<(Stream, bool)>((new CannedStream(answer, Requests), isLocal));
                }
            }

            throw new IOException("refused");
        }
    }

    private sealed class CannedStream(string answer, List<string> requests)
        : MemoryStream(Encoding.Latin1.GetBytes(answer))
    {
        public override void Write(ReadOnlySpan<byte> buffer) => requests.Add(Encoding.ASCII.GetString(buffer));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
    }
}
