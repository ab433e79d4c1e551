using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Files of a torrent are played while they come in from a real client, and every byte is what it should be.</summary>
public sealed class StreamTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task Seeks_in_a_file_that_is_still_coming_in_give_its_bytes(string format)
    {
        var sample = await library.DataAsync(format);
        await using var lab = await Lab.CreateAsync("play" + format);
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        // All of it would take a quarter of a minute.
        var seed = await new LibtorrentClient("--upload-limit", "3000000").SeedAsync(near, sample, sample.Parent);
        await using var daemon = await DaemonProcess.StartAsync(far);
        var target = far.SubFolder("got");
        var id = (await daemon.Client.AddAsync(Wish(sample, target, near), None)).Id;
        var film = await LargeAsync(daemon, id);
        var content = await File.ReadAllBytesAsync(Path.Combine(sample.Content, "large.bin"));
        Assert.Equal(content.Length, film.Size);
        using var http = Http(daemon);
        var path = $"stream/{id}/{film.Index}/large.bin";
        using (var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path)))
        {
            Assert.Equal(HttpStatusCode.OK, head.StatusCode);
            Assert.Equal(content.Length, head.Content.Headers.ContentLength);
            Assert.Equal("bytes", Assert.Single(head.Headers.AcceptRanges));
        }

        var random = new Random(7);
        for (var seek = 0; seek < 8; seek++)
        {
            var from = random.Next(content.Length - 300_000);
            await AssertPartAsync(http, path, content, from, from + random.Next(1, 300_000));
        }

        // The last bytes, and two readers at once.
        await AssertPartAsync(http, path, content, content.Length - 1000, content.Length);
        await Task.WhenAll(
            AssertPartAsync(http, path, content, 1_000_000, 2_500_000),
            AssertPartAsync(http, path, content, 30_000_000, 31_500_000)
        );
        var item = (await daemon.Client.TorrentAsync(id, None)).Torrent;
        Assert.True(item.Progress < 1, $"all of it is here ({item.Progress}): this proved nothing");

        // To the end, then all of the torrent: what was read out of order is in its place.
        using var whole = await http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        var all = await whole.Content.ReadAsByteArrayAsync();
        Assert.True(content.AsSpan().SequenceEqual(all));
        await daemon.WaitCompleteAsync(id);
        await seed.StopAsync();
        await daemon.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));
    }

    private static AddTorrent Wish(Sample sample, string target, Host seed) =>
        new()
        {
            Metainfo = Convert.ToBase64String(File.ReadAllBytes(sample.File)),
            SaveDirectory = target,
            Peers = [seed.EndPoint],
        };

    private static async Task<FileItem> LargeAsync(DaemonProcess daemon, string id)
    {
        await daemon.WaitAsync(id, item => item.State is TorrentPhase.Downloading or TorrentPhase.Seeding);
        var files = await daemon.Client.FilesAsync(id, None);
        return files.Files.Single(file => file.Path.EndsWith("/large.bin", StringComparison.Ordinal));
    }

    private static async Task AssertPartAsync(HttpClient http, string path, byte[] content, int from, int to)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Range = new RangeHeaderValue(from, to - 1);
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal($"bytes {from}-{to - 1}/{content.Length}", answer.Content.Headers.ContentRange?.ToString());
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(content.AsSpan(from, to - from).SequenceEqual(bytes), $"{from}-{to} are other bytes");
    }

    /// <summary>Over the daemon's socket, whichever network it lives in.</summary>
    private static HttpClient Http(DaemonProcess daemon)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(
                    new UnixDomainSocketEndPoint(Path.Combine(daemon.State, "daemon", "socket")),
                    cancel
                );
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri("http://localhost/"), Timeout = Patience };
    }
}
