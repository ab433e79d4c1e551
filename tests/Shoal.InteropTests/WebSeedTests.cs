using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Web seeds (BEP 19) with nginx.</summary>
public sealed class WebSeedTests(Library library)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Long enough to tell of those who leave when it is complete.
    private static readonly string[] s_stay = ["--seed-time", "2s"];

    [Theory]
    [InlineData("v1", false)]
    [InlineData("v2", false)]
    [InlineData("hybrid", false)]
    [InlineData("v1", true)]
    [InlineData("v2", true)]
    [InlineData("hybrid", true)]
    public async Task A_web_seed_alone_is_enough(string format, bool isSingleFile)
    {
        await using var lab = await WebLab.CreateAsync(isSingleFile ? library.SingleFile : library.Content, format);
        var web = await lab.ServeAsync();
        var leech = lab.Get(lab.Sample.File, s_stay);
        await lab.AssertCompleteAsync(leech);
        Assert.Contains(
            leech.Process.Lines,
            line =>
                ShoalClient.IsEvent(line, "peer")
                && line.Contains($"\"address\":\"{web.Url}\"", StringComparison.Ordinal)
                && line.Contains("\"transport\":\"http\"", StringComparison.Ordinal)
                && line.Contains("\"source\":\"webseed\"", StringComparison.Ordinal)
        );
        Assert.All(web.Requests, request => Assert.InRange(request.Status, 200, 206));
        // Every byte of the files once, and no padding.
        Assert.Equal(lab.Sample.Size, web.Sent);
    }

    /// <summary>The same folder on the same server is a web seed of the same torrent to others.</summary>
    [Theory]
    [InlineData("v1")]
    [InlineData("hybrid")]
    public async Task Our_torrents_lead_libtorrent_to_the_web_seed_too(string format)
    {
        await using var lab = await WebLab.CreateAsync(library.Content, format);
        var web = await lab.ServeAsync();
        var target = lab.Leech.SubFolder("got");
        var leech = await new LibtorrentClient().GetAsync(lab.Leech, lab.Sample, magnet: false, target);
        await leech.WaitCompleteAsync(Patience);
        await leech.StopAsync();
        DataSet.AssertSame(lab.Sample.Content, Path.Combine(target, lab.Sample.Name));
        Assert.NotEmpty(web.Requests);
    }

    /// <summary>A link with its metadata from a peer, and most of its content from the web.</summary>
    [Fact]
    public async Task A_seed_and_a_web_seed_share_the_load()
    {
        await using var lab = await WebLab.CreateAsync(library.Content, "hybrid");
        var web = await lab.ServeAsync("limit_rate 2m;");
        await lab.SeedAsync("--upload-limit", "4MiB/s");
        var magnet = $"{lab.Sample.Magnet}&ws={Uri.EscapeDataString(web.Url)}&x.pe={lab.Seed.Address}:{Host.Port}";
        var leech = lab.Get(magnet, s_stay);
        await lab.AssertCompleteAsync(leech);
        var fromPeer = DownloadedFrom(leech, lab.Seed.EndPoint);
        var fromWeb = DownloadedFrom(leech, web.Url);
        Assert.True(fromPeer > lab.Sample.Size / 5, $"{fromPeer} from the peer, {fromWeb} from the web");
        Assert.True(fromWeb > lab.Sample.Size / 5, $"{fromPeer} from the peer, {fromWeb} from the web");
        Assert.InRange(web.Sent, fromWeb - (16 << 20), fromWeb + (1 << 20));
    }

    [Fact]
    public async Task A_server_with_other_content_is_dropped_and_the_download_completes()
    {
        await using var lab = await WebLab.CreateAsync(library.Content, "v1");
        var root = lab.Web.SubFolder("spoilt");
        await Lab.RunAsync("cp", ["-r", lab.Sample.Content, root]);
        var large = Path.Combine(root, lab.Sample.Name, "large.bin");
        await using (var file = File.Open(large, FileMode.Open))
        {
            // A byte in every piece.
            for (var at = 100L; at < file.Length; at += 64 * 1024)
            {
                file.Position = at;
                file.WriteByte(0xAA);
            }
        }

        var web = await lab.ServeAsync(root: root);
        await lab.SeedAsync("--upload-limit", "8MiB/s");
        var leech = lab.Get(lab.Sample.File, "--peer", lab.Seed.EndPoint);
        await lab.AssertCompleteAsync(leech);
        Assert.Contains(
            leech.Process.Lines,
            line =>
                line.Contains("\"web-seed-failed\"", StringComparison.Ordinal)
                && line.Contains("something else", StringComparison.Ordinal)
        );
        Assert.Contains(
            leech.Process.Lines,
            line =>
                ShoalClient.IsEvent(line, "peer-gone")
                && line.Contains("sent-bad-data", StringComparison.Ordinal)
                && line.Contains(web.Url, StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_without_ranges_is_enough_and_sends_little_twice(bool isSingleFile)
    {
        await using var lab = await WebLab.CreateAsync(isSingleFile ? library.SingleFile : library.Content, "v1");
        var web = await lab.ServeAsync("max_ranges 0;");
        await lab.AssertCompleteAsync(lab.Get(lab.Sample.File));
        Assert.All(web.Requests, request => Assert.Equal(200, request.Status));
        Assert.InRange(web.Sent, lab.Sample.Size, lab.Sample.Size * 3 / 2);
    }

    [Fact]
    public async Task A_redirect_to_another_server_is_followed()
    {
        await using var lab = await WebLab.CreateAsync(library.Content, "hybrid");
        var mirror = await WebHost.StartAsync(lab.Seed, lab.Sample.Parent);
        var web = await lab.ServeAsync($"location / {{ return 302 {mirror.Url.TrimEnd('/')}$request_uri; }}");
        await lab.AssertCompleteAsync(lab.Get(lab.Sample.File));
        Assert.All(web.Requests, request => Assert.Equal(302, request.Status));
        Assert.Equal(lab.Sample.Size, mirror.Sent);
    }

    [Fact]
    public async Task A_file_that_is_not_there_comes_from_a_peer()
    {
        await using var lab = await WebLab.CreateAsync(library.Content, "hybrid");
        var web = await lab.ServeAsync("location ~ large {  return 404; }");
        await lab.SeedAsync();
        var leech = lab.Get(lab.Sample.File, [.. s_stay, "--peer", lab.Seed.EndPoint, "--sequential"]);
        await lab.AssertCompleteAsync(leech);
        Assert.True(DownloadedFrom(leech, lab.Seed.EndPoint) >= DataSet.LargeFile);
        Assert.InRange(web.Requests.Count(request => request.Status == 404), 0, 4);
    }

    [Fact]
    public async Task A_server_that_dies_is_used_again_when_it_is_back()
    {
        await using var lab = await WebLab.CreateAsync(library.Content, "v1");
        var web = await lab.ServeAsync("limit_rate 3m;");
        var leech = lab.Get(lab.Sample.File);
        await leech.Process.WaitForLineAsync(
            line => ShoalClient.IsEvent(line, "progress") && !line.Contains("\"done\":0,", StringComparison.Ordinal),
            Patience
        );
        await web.Process.StopAsync();
        await leech.Process.WaitForLineAsync(
            line => line.Contains("\"web-seed-failed\"", StringComparison.Ordinal),
            Patience
        );
        await lab.ServeAsync();
        await lab.AssertCompleteAsync(leech);
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused()
    {
        await using var lab = await WebLab.CreateAsync(library.SingleFile, "v1", "https");
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=web", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Parse(lab.Web.Address));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.Now.AddDays(-1), DateTimeOffset.Now.AddDays(1));
        var folder = lab.Web.SubFolder("tls");
        await File.WriteAllTextAsync(Path.Combine(folder, "key"), key.ExportPkcs8PrivateKeyPem());
        await File.WriteAllTextAsync(Path.Combine(folder, "certificate"), certificate.ExportCertificatePem());
        var web = await lab.ServeAsync(
            $"listen {lab.Web.Address}:443 ssl; ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key;"
        );
        var leech = lab.Get(lab.Sample.File);
        var warning = await leech.Process.WaitForLineAsync(
            line => line.Contains("\"web-seed-failed\"", StringComparison.Ordinal),
            Patience
        );
        Assert.Contains("certificate", warning, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(web.Requests);
    }

    [Fact]
    public async Task Without_web_seeds_no_server_is_asked()
    {
        await using var lab = await WebLab.CreateAsync(library.SingleFile, "v1");
        var web = await lab.ServeAsync();
        var leech = lab.Get(lab.Sample.File, "--no-web-seeds", "--timeout", "3s");
        Assert.Equal(1, await leech.Process.WaitForExitAsync(Patience));
        Assert.Empty(web.Requests);
    }

    /// <summary>What came from a source, by its last word.</summary>
    private static long DownloadedFrom(RunningClient client, string address) =>
        client
            .Process.Lines.Where(line => ShoalClient.IsEvent(line, "peer-gone"))
            .Select(line => JsonSerializer.Deserialize<JsonElement>(line))
            .Where(gone => gone.GetProperty("address").GetString() == address)
            .Sum(gone => gone.GetProperty("downloaded").GetInt64());

    /// <summary>A web server, a seed that may be started, and a leech.</summary>
    private sealed class WebLab(Lab lab, Sample sample, Host web, Host seed, Host leech) : IAsyncDisposable
    {
        public Sample Sample => sample;
        public Host Web => web;
        public Host Seed => seed;
        public Host Leech => leech;

        public static async Task<WebLab> CreateAsync(string content, string format, string scheme = "http")
        {
            var lab = await Lab.CreateAsync();
            var (web, seed, leech) = (
                await lab.AddHostAsync("web"),
                await lab.AddHostAsync("seed"),
                await lab.AddHostAsync("leech")
            );
            var file = Path.Combine(web.Folder, "sample.torrent");
            var url = scheme == "http" ? WebHost.UrlOf(web) : $"https://{web.Address}/";
            await Lab.RunAsync(
                Tools.Shoal,
                ["create", content, "-o", file, "--format", format, "--piece-length", "64KiB", "--web-seed", url]
            );
            return new WebLab(lab, await Sample.ReadAsync(file, content), web, seed, leech);
        }

        public Task<WebHost> ServeAsync(string options = "", string? root = null) =>
            WebHost.StartAsync(web, root ?? sample.Parent, options);

        public async Task SeedAsync(params string[] options)
        {
            var running = ShoalClient.Start(seed, ["seed", sample.File, "--data", sample.Parent, .. options]);
            await running.WaitCompleteAsync(Patience);
        }

        public RunningClient Get(string source, params string[] options) =>
            ShoalClient.Start(leech, ["get", source, "-o", leech.SubFolder("got"), .. options]);

        public async Task AssertCompleteAsync(RunningClient client)
        {
            await client.WaitCompleteAsync(Patience);
            Assert.Equal(0, await client.Process.WaitForExitAsync(Patience));
            DataSet.AssertSame(sample.Content, Path.Combine(leech.SubFolder("got"), sample.Name));
        }

        public ValueTask DisposeAsync() => lab.DisposeAsync();
    }
}
