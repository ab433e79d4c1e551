using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.InteropTests;

/// <summary>Our HTTP client of trackers against servers that mean it harm (checklist 16 and 17), on loopback.</summary>
public sealed class HttpTrackerClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const string Good = "d8:intervali60e5:peers6:\u0001\u0002\u0003\u0004\u0000\u0005e";

    /// <summary>Answers each connection with what the test says to its request line, and remembers the requests.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Func<string, byte[]> _answer;
        private readonly Task _run;

        public Server(Func<string, byte[]> answer)
        {
            _answer = answer;
            _listener.Start();
            _run = Task.Run(RunAsync);
        }

        public List<string> Requests { get; } = [];

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _run;
            _listener.Dispose();
        }

        private async Task RunAsync()
        {
            while (true)
            {
                try
                {
                    using var connection = await _listener.AcceptTcpClientAsync();
                    var stream = connection.GetStream();
                    using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
                    var request = new StringBuilder();
                    while (await reader.ReadLineAsync() is { Length: > 0 } line)
                    {
                        request.AppendLine(line);
                    }

                    lock (Requests)
                    {
                        Requests.Add(request.ToString());
                    }

                    await stream.WriteAsync(_answer(request.ToString().Split(' ')[1]));
                }
                catch (IOException)
                {
                    // The client has heard enough.
                }
                catch (Exception exception) when (exception is SocketException or InvalidOperationException)
                {
                    return;
                }
            }
        }
    }

    private static byte[] Respond(string head, byte[] body) =>
        [.. Encoding.Latin1.GetBytes($"HTTP/1.1 {head}\r\nConnection: close\r\n\r\n"), .. body];

    private static byte[] Respond(string head, string body = "") => Respond(head, Encoding.Latin1.GetBytes(body));

    private static async Task<TrackerReply> AskAsync(string url)
    {
        Assert.True(TrackerUrl.TryParse(url, out var parsed));
        using var client = new HttpTrackerClient(
            new TrackerClientLimits(),
            new DirectEgress(LocalBinding.Everywhere),
            TimeProvider.System
        );
        var job = new AnnounceJob
        {
            Id = 1,
            Kind = AnnounceJobKind.Announce,
            Url = parsed,
            InfoHash = new InfoHash("aaaaaaaaaaaaaaaaaaaa"u8),
            Origin = IPAddress.Any,
        };
        var request = new AnnounceRequest { InfoHash = job.InfoHash, PeerId = new PeerId("-SH0001-abcdefghijkl"u8) };
        return await client.AskAsync(job, request, CancellationToken.None).WaitAsync(Patience);
    }

    [Theory]
    [InlineData(5, true)]
    [InlineData(6, false)]
    public async Task At_most_five_redirects_are_followed(int redirects, bool works)
    {
        var left = redirects;
        await using var server = new Server(target =>
            left-- > 0 ? Respond($"302 Found\r\nLocation: {target}") : Respond("200 OK", Good)
        );
        var reply = await AskAsync($"http://127.0.0.1:{server.Port}/announce");
        Assert.Equal(works, reply.Answer is { Peers.Count: 1 });
        Assert.Equal(6, server.Requests.Count);
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/announce")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1/announce")]
    [InlineData("/admin")]
    [InlineData("/announce?delete=everything")]
    [InlineData("http://224.0.0.1/announce")]
    public async Task Redirects_into_the_machine_are_not_followed(string location)
    {
        await using var server = new Server(_ => Respond($"302 Found\r\nLocation: {location}"));
        var reply = await AskAsync($"http://127.0.0.1:{server.Port}/announce");
        Assert.Equal(TrackerFailure.Forbidden, reply.Failure);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("/shutdown")]
    [InlineData("/announce?passkey=1")]
    [InlineData("/announce/../shutdown")]
    public async Task Only_announces_are_asked_of_this_machine(string path)
    {
        await using var server = new Server(_ => Respond("200 OK", Good));
        Assert.Equal(TrackerFailure.Forbidden, (await AskAsync($"http://127.0.0.1:{server.Port}{path}")).Failure);
        Assert.Equal(TrackerFailure.Forbidden, (await AskAsync($"http://localhost:{server.Port}{path}")).Failure);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Long_answers_and_bombs_are_cut_off()
    {
        var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(new byte[50_000_000]);
        }

        var packed = bomb.ToArray();
        Assert.InRange(packed.Length, 0, 512 * 1024);
        await using var server = new Server(target =>
            target.Contains("port=0", StringComparison.Ordinal)
                ? Respond("200 OK\r\nContent-Encoding: gzip", packed)
                : Respond("500 Unexpected")
        );
        var reply = await AskAsync($"http://127.0.0.1:{server.Port}/announce");
        Assert.Equal((TrackerFailure.BadAnswer, "the answer is too long"), (reply.Failure, reply.Message));
    }

    [Fact]
    public async Task Compressed_answers_are_read()
    {
        var body = new MemoryStream();
        using (var gzip = new GZipStream(body, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.Latin1.GetBytes(Good));
        }

        await using var server = new Server(_ => Respond("200 OK\r\nContent-Encoding: gzip", body.ToArray()));
        Assert.Single((await AskAsync($"http://127.0.0.1:{server.Port}/announce")).Answer!.Peers);
    }

    [Fact]
    public async Task Credentials_stay_at_the_first_origin()
    {
        await using var second = new Server(_ => Respond("200 OK", Good));
        await using var first = new Server(target =>
            Respond($"307 Go\r\nLocation: http://127.0.0.1:{second.Port}{target}")
        );
        Assert.NotNull((await AskAsync($"http://me:secret@127.0.0.1:{first.Port}/announce")).Answer);
        Assert.Contains("Authorization: Basic bWU6c2VjcmV0", first.Requests[0]);
        Assert.DoesNotContain("Authorization", second.Requests[0]);
    }

    [Fact]
    public async Task Refusals_are_read_whatever_the_status()
    {
        await using var server = new Server(_ =>
            Respond("404 Not Found", "d14:failure reason4:gone8:retry in5:nevere")
        );
        var reply = await AskAsync($"http://127.0.0.1:{server.Port}/announce");
        Assert.Equal(("gone", AnnounceAnswer.Never), (reply.Answer!.Failure, reply.Answer.RetryIn));
    }

    [Fact]
    public async Task What_is_no_tracker_says_so()
    {
        await using var server = new Server(_ => Respond("200 OK", "<html>"));
        var reply = await AskAsync($"http://127.0.0.1:{server.Port}/announce");
        Assert.Equal(TrackerFailure.BadAnswer, reply.Failure);
        Assert.Equal(TrackerFailure.NoAddress, (await AskAsync($"http://[::1]:{server.Port}/announce")).Failure);
    }
}
