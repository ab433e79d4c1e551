using System.Globalization;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary><c>shoal get --stream</c>: a file is played from the command that fetches it.</summary>
public sealed class GetStreamTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Jumps_in_a_file_that_get_is_fetching_give_its_bytes_and_nobody_else_finds_it()
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync("getplay");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("get"));
        // All of it would take eight seconds.
        await new LibtorrentClient("--upload-limit", "6000000").SeedAsync(near, sample, sample.Parent);
        var target = far.SubFolder("got");
        var get = ShoalClient.Start(
            far,
            ["get", sample.File, "-o", target, "--stream", "--peer", near.EndPoint, "--timeout", "60s"]
        );
        var line = await get.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "streaming"), Patience);
        var told = JsonElement.Parse(line);
        var url = new Uri(told.GetProperty("url").GetString()!);
        var content = await File.ReadAllBytesAsync(Path.Combine(sample.Content, "large.bin"));
        Assert.Equal(
            (content.Length, "application/octet-stream", "127.0.0.1"),
            (told.GetProperty("size").GetInt32(), told.GetProperty("type").GetString(), url.Host)
        );
        Assert.EndsWith("/large.bin", told.GetProperty("path").GetString());
        Assert.EndsWith("/large.bin", url.AbsolutePath);

        var answer = Path.Combine(far.SubFolder("answers"), "bytes");
        async Task<int> CurlAsync(string url, params string[] options)
        {
            File.Delete(answer);
            return int.Parse(
                await far.RunAsync("curl", ["-s", "-m", "30", "-o", answer, "-w", "%{http_code}", .. options, url]),
                CultureInfo.InvariantCulture
            );
        }

        async Task PartAsync(int from, int to)
        {
            Assert.Equal(206, await CurlAsync(url.AbsoluteUri, "-r", $"{from}-{to - 1}"));
            var bytes = await File.ReadAllBytesAsync(answer);
            Assert.True(content.AsSpan(from, to - from).SequenceEqual(bytes), $"{from}-{to} are other bytes");
        }

        var random = new Random(11);
        await PartAsync(content.Length - 1000, content.Length);
        for (var seek = 0; seek < 6; seek++)
        {
            var from = random.Next(content.Length - 300_000);
            await PartAsync(from, from + random.Next(1, 300_000));
        }

        Assert.DoesNotContain(get.Process.Lines, line => ShoalClient.IsEvent(line, "complete"));
        var parts = url.AbsolutePath.Split('/');
        var site = url.GetLeftPart(UriPartial.Authority);
        Assert.True(parts[1].Length >= 32);
        Assert.Equal(404, await CurlAsync($"{site}/{parts[1][..^1]}/{parts[2]}/x"));
        Assert.Equal(404, await CurlAsync($"{site}/{new string('0', parts[1].Length)}/{parts[2]}/x"));
        Assert.Equal(404, await CurlAsync($"{site}/"));
        Assert.Equal(404, await CurlAsync($"{site}/{parts[1]}/99999/x"));
        Assert.Equal(404, await CurlAsync($"{site}/{parts[1]}/..%2f..%2fetc/passwd", "--path-as-is"));
        Assert.Equal(421, await CurlAsync(url.AbsoluteUri, "-H", "Host: evil.example"));
        Assert.Equal(405, await CurlAsync(url.AbsoluteUri, "-d", "x=y"));
        Assert.Equal(416, await CurlAsync(url.AbsoluteUri, "-r", $"{content.Length}-"));

        Assert.Equal(200, await CurlAsync(url.AbsoluteUri));
        var all = await File.ReadAllBytesAsync(answer);
        Assert.True(content.AsSpan().SequenceEqual(all));
        await get.WaitCompleteAsync(Patience);
        // Whoever played it just now may come back: it is served on, until we are told to end.
        Assert.Equal(200, await CurlAsync(url.AbsoluteUri, "-I"));
        Assert.False(get.Process.HasExited);
        await get.StopAsync(Signals.Interrupt);
        Assert.Equal(130, await get.Process.WaitForExitAsync(Patience));
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));
    }
}
