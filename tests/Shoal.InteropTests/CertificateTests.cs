using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>
/// Trackers and web seeds over HTTPS: nginx before opentracker, and before files. The certificate must hold, and when it
/// does not nothing is asked and one line says why.
/// </summary>
public sealed class CertificateTests(Library library)
{
    private const string Elsewhere = "10.99.0.77";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("tracker")]
    [InlineData("web-seed")]
    public async Task A_server_that_a_trusted_authority_vouches_for_is_used(string kind)
    {
        await using var lab = await TlsLab.CreateAsync(library, kind);
        await lab.ServeAsync(lab.Lab.Hub.Address);
        var leech = lab.Get(trusts: true);
        Assert.Equal(0, await leech.WaitForExitAsync(Patience));
        lab.AssertSame();
    }

    [Theory]
    [InlineData("tracker", "untrusted", "nobody whom this system trusts")]
    [InlineData("tracker", "elsewhere", "for another name")]
    [InlineData("tracker", "expired", "has expired")]
    [InlineData("web-seed", "untrusted", "nobody whom this system trusts")]
    [InlineData("web-seed", "elsewhere", "for another name")]
    [InlineData("web-seed", "expired", "has expired")]
    public async Task Another_is_refused_for_one_plain_reason(string kind, string fault, string reason)
    {
        await using var lab = await TlsLab.CreateAsync(library, kind);
        var web = await lab.ServeAsync(
            fault == "elsewhere" ? Elsewhere : lab.Lab.Hub.Address,
            expired: fault == "expired"
        );
        var leech = lab.Get(trusts: fault != "untrusted", "--timeout", "8s");
        Assert.Equal(1, await leech.WaitForExitAsync(Patience));
        var warning = Assert.Single(
            leech.Lines,
            line => line.Contains($"\"code\":\"{kind}-failed\"", StringComparison.Ordinal)
        );
        using var json = JsonDocument.Parse(warning);
        var message = json.RootElement.GetProperty("message").GetString()!;
        Assert.Contains("certificate", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", message, StringComparison.Ordinal);
        Assert.Empty(web.Requests);
    }

    /// <summary>The hub has the servers and, for the tracker, the seed; the other machine fetches.</summary>
    private sealed class TlsLab(Lab lab, Sample sample, string source, Host leech) : IAsyncDisposable
    {
        private readonly WebAuthority _authority = new(lab.Hub.SubFolder("tls"));

        public Lab Lab => lab;

        public static async Task<TlsLab> CreateAsync(Library library, string kind)
        {
            var lab = await InteropTests.Lab.CreateAsync($"tls-{kind}");
            var hub = lab.Hub;
            var leech = await lab.AddHostAsync("leech");
            var file = Path.Combine(hub.Folder, "sample.torrent");
            var url = kind == "tracker" ? $"https://{hub.Address}/announce" : $"https://{hub.Address}/";
            await InteropTests.Lab.RunAsync(
                Tools.Shoal,
                [
                    "create",
                    library.SingleFile,
                    "-o",
                    file,
                    "--format",
                    "v1",
                    kind == "tracker" ? "--tracker" : "--web-seed",
                    url,
                ]
            );
            var sample = await Sample.ReadAsync(file, library.SingleFile);
            if (kind == "tracker")
            {
                var tracker = TrackerHost.Start(lab, sample);
                // nginx stands between, so the tracker takes everybody for somebody at the hub: there the seed is.
                var open = Path.Combine(hub.Folder, "open.torrent");
                await InteropTests.Lab.RunAsync(
                    Tools.Shoal,
                    ["create", sample.Content, "-o", open, "--format", "v1", "--tracker", InteropTests.Lab.TrackerUrl]
                );
                Assert.Equal(sample.InfoHash, (await Sample.ReadAsync(open, sample.Content)).InfoHash);
                var seed = ShoalClient.Start(hub, ["seed", open, "--data", sample.Parent]);
                await tracker.WaitForSeedsAsync(sample, 1, seed.Process);
            }

            return new TlsLab(lab, sample, file, leech);
        }

        public Task<WebHost> ServeAsync(string name, bool expired = false)
        {
            var forward = $"location /announce {{ proxy_pass http://{lab.Hub.Address}:6969; }}";
            return WebHost.StartAsync(lab.Hub, sample.Parent, $"{_authority.Issue(lab.Hub, name, expired)} {forward}");
        }

        public ClientProcess Get(bool trusts, params string[] options) =>
            leech.Start(
                "env",
                [
                    $"SSL_CERT_FILE={(trusts ? _authority.File : "/etc/ssl/certs/ca-certificates.crt")}",
                    Tools.Shoal,
                    "get",
                    source,
                    "-o",
                    leech.SubFolder("got"),
                    "--json",
                    "--bind",
                    leech.Address,
                    "--no-dht",
                    "--no-lsd",
                    "--no-port-mapping",
                    "--state",
                    leech.SubFolder("state"),
                    .. options,
                ]
            );

        public void AssertSame() =>
            DataSet.AssertSame(sample.Content, Path.Combine(leech.SubFolder("got"), sample.Name));

        public async ValueTask DisposeAsync()
        {
            _authority.Dispose();
            await lab.DisposeAsync();
        }
    }
}
