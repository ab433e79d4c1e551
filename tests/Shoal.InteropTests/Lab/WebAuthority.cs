using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.InteropTests;

/// <summary>Issues certificates for servers of a lab, and is trusted by whoever is given <see cref="File"/>.</summary>
internal sealed class WebAuthority : IDisposable
{
    private readonly string _folder;
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;

    public WebAuthority(string folder)
    {
        _folder = folder;
        var request = Request("CN=Lab authority", _key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = request.CreateSelfSigned(DateTimeOffset.Now.AddYears(-1), DateTimeOffset.Now.AddYears(1));
        System.IO.File.WriteAllText(File, _certificate.ExportCertificatePem());
    }

    /// <summary>In PEM, for SSL_CERT_FILE.</summary>
    public string File => Path.Combine(_folder, "authority.pem");

    /// <summary>Directives of an nginx server that answers HTTPS at the host's address, port 443.</summary>
    /// <param name="host">Where it listens.</param>
    /// <param name="name">The address the certificate is for.</param>
    /// <param name="expired">Whether its time is over.</param>
    public string Issue(Host host, string name, bool expired = false)
    {
        using var key = RSA.Create(2048);
        var request = Request("CN=Lab server", key);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(name));
        request.CertificateExtensions.Add(names.Build());
        var now = DateTimeOffset.Now;
        using var issued = request.Create(
            _certificate,
            now.AddDays(-30),
            expired ? now.AddDays(-1) : now.AddDays(30),
            RandomNumberGenerator.GetBytes(8)
        );
        var (keyFile, file) = (Path.Combine(_folder, "server.key"), Path.Combine(_folder, "server.pem"));
        System.IO.File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        System.IO.File.WriteAllText(file, issued.ExportCertificatePem());
        return $"listen {host.Address}:443 ssl; ssl_certificate {file}; ssl_certificate_key {keyFile};";
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static CertificateRequest Request(string name, RSA key) =>
        new(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
}
