using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>SSL torrents with libtorrent, which invented them: only who has a certificate that the torrent's own signed.</summary>
public sealed class SslTorrentTests(Library library) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // How long nobody may have got anything before it counts as refused: on this network a transfer takes a second.
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(8);

    private readonly string _folder = Directory.CreateTempSubdirectory("shoal-ssl-").FullName;
    private readonly Issuer _issuer = new("root");

    public void Dispose()
    {
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("v1", "tcp")]
    [InlineData("v1", "utp")]
    [InlineData("hybrid", "tcp")]
    [InlineData("v2", "tcp")]
    public async Task Libtorrent_and_we_exchange_them_both_ways(string format, string transport)
    {
        var sample = await CreateAsync(format);
        // One with the torrent's name, the other for all torrents.
        var ours = Ours(Certify(_issuer, "ours", sample.Name), transport);
        var theirs = await TheirsAsync(Certify(_issuer, "theirs", "*"), transport);
        await TransferAsync($"ssl-{format}-{transport}-up", sample, ours, theirs);
        await TransferAsync($"ssl-{format}-{transport}-down", sample, theirs, ours);
    }

    [Fact]
    public async Task Who_has_another_certificate_is_refused_by_either()
    {
        var sample = await CreateAsync("v1");
        using var other = new Issuer("other");
        var ours = Ours(Certify(_issuer, "ours", sample.Name), "tcp");
        var stranger = await TheirsAsync(Certify(other, "stranger", "*"), "tcp");
        await RefusalAsync("ssl-other-up", sample, ours, stranger);
        await RefusalAsync("ssl-other-down", sample, stranger, ours);
        var misnamed = await TheirsAsync(Certify(_issuer, "misnamed", "another torrent"), "tcp");
        await RefusalAsync("ssl-name-up", sample, ours, misnamed);
        await RefusalAsync("ssl-name-down", sample, misnamed, ours);
    }

    [Fact]
    public async Task We_do_not_begin_without_a_good_certificate()
    {
        var sample = await CreateAsync("v1");
        using var other = new Issuer("other");
        await using var lab = await Lab.CreateAsync();
        var host = await lab.AddHostAsync("getting");
        string[][] wrong =
        [
            [],
            Options(Certify(other, "stranger", "*")),
            Options(Certify(_issuer, "misnamed", "another torrent")),
        ];
        foreach (var options in wrong)
        {
            var client = new ShoalClient(options);
            var getter = await client.GetAsync(host, sample, magnet: false, host.SubFolder("got"));
            var line = await getter.Process.WaitForLineAsync(line => ShoalClient.IsEvent(line, "error"), Patience);
            Assert.Contains("certificate", line, StringComparison.Ordinal);
        }
    }

    private async Task<Sample> CreateAsync(string format)
    {
        var root = Path.Combine(_folder, "root.pem");
        await File.WriteAllTextAsync(root, _issuer.Pem);
        var file = Path.Combine(_folder, $"{format}.torrent");
        string[] options = ["--format", format, "--tracker", Lab.TrackerUrl, "--ssl-cert", root];
        await Lab.RunAsync(Tools.Shoal, ["create", library.Content, "-o", file, .. options]);
        return await Sample.ReadAsync(file, library.Content);
    }

    private (string Certificate, string Key) Certify(Issuer issuer, string file, string name)
    {
        var (certificate, key) = (Path.Combine(_folder, $"{file}.pem"), Path.Combine(_folder, $"{file}.key"));
        var (certificatePem, keyPem) = issuer.Issue(name);
        File.WriteAllText(certificate, certificatePem);
        File.WriteAllText(key, keyPem);
        return (certificate, key);
    }

    private static string[] Options((string Certificate, string Key) files) =>
        ["--certificate", files.Certificate, "--key", files.Key];

    private static ShoalClient Ours((string Certificate, string Key) files, string transport) =>
        new([.. Options(files), "--transport", transport]);

    private async Task<LibtorrentClient> TheirsAsync((string Certificate, string Key) files, string transport)
    {
        // It wants parameters of a key exchange that it will not use.
        var parameters = Path.Combine(_folder, "dh.pem");
        if (!File.Exists(parameters))
        {
            string[] options = ["-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", parameters];
            await Lab.RunAsync("openssl", ["genpkey", .. options]);
        }

        return new LibtorrentClient("--ssl", files.Certificate, files.Key, parameters, "--transport", transport);
    }

    private static async Task TransferAsync(string name, Sample sample, IClient from, IClient to)
    {
        await using var lab = await Lab.CreateAsync(name);
        var (seed, getter, target) = await StartAsync(lab, sample, from, to);
        await getter.WaitCompleteAsync(Patience);
        var ours = (from is ShoalClient ? seed : getter).Process;
        using var json = JsonDocument.Parse(ours.Lines.First(line => ShoalClient.IsEvent(line, "peer")));
        Assert.Equal("tls", json.RootElement.GetProperty("encryption").GetString());
        await getter.StopAsync();
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name), to.MakesEmptyFiles);
    }

    private static async Task RefusalAsync(string name, Sample sample, IClient from, IClient to)
    {
        await using var lab = await Lab.CreateAsync(name);
        var (seed, getter, _) = await StartAsync(lab, sample, from, to);
        await Task.Delay(LongEnough);
        foreach (var process in (ClientProcess[])[seed.Process, getter.Process])
        {
            Assert.False(process.HasExited);
            Assert.DoesNotContain(process.Lines, line => ShoalClient.IsEvent(line, "peer"));
        }

        Assert.DoesNotContain(getter.Process.Lines, line => line.Contains("\"complete\"", StringComparison.Ordinal));
    }

    private static async Task<(RunningClient Seed, RunningClient Getter, string Target)> StartAsync(
        Lab lab,
        Sample sample,
        IClient from,
        IClient to
    )
    {
        var tracker = TrackerHost.Start(lab, sample);
        var near = await lab.AddHostAsync("seeding");
        var far = await lab.AddHostAsync("getting");
        var seed = await from.SeedAsync(near, sample, Transfers.PrepareContent(near, sample, from));
        await tracker.WaitForSeedsAsync(sample, 1, seed.Process);
        var target = far.SubFolder("got");
        var getter = await to.GetAsync(far, sample, magnet: false, target, near.EndPoint);
        return (seed, getter, target);
    }

    /// <summary>Signs certificates, as whoever made the torrent would.</summary>
    private sealed class Issuer : IDisposable
    {
        private readonly X509Certificate2 _root;

        public Issuer(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        }

        public string Pem => _root.ExportCertificatePem() + "\n";

        public (string Certificate, string Key) Issue(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=peer", key, HashAlgorithmName.SHA256);
            // Names of torrents are no host names: the platform's builder would refuse them.
            var writer = new System.Formats.Asn1.AsnWriter(System.Formats.Asn1.AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                // RFC 5280: "dNSName [2] IA5String"
                writer.WriteOctetString(
                    System.Text.Encoding.UTF8.GetBytes(name),
                    new System.Formats.Asn1.Asn1Tag(System.Formats.Asn1.TagClass.ContextSpecific, 2)
                );
            }

            request.CertificateExtensions.Add(new X509Extension("2.5.29.17", writer.Encode(), critical: false));
            using var certificate = request.Create(
                _root,
                DateTimeOffset.UtcNow.AddHours(-2),
                DateTimeOffset.UtcNow.AddHours(20),
                RandomNumberGenerator.GetBytes(8)
            );
            return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
        }

        public void Dispose() => _root.Dispose();
    }
}
