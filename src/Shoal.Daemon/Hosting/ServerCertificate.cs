using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>The certificate that the daemon shows over HTTPS: one that the user gives, or one of its own making.</summary>
internal static class ServerCertificate
{
    /// <summary>Browsers take no certificate for longer.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(397);

    /// <summary>One that ends sooner is made anew at the start.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(60);

    /// <summary>Null: plain HTTP.</summary>
    /// <param name="own">Where one of our own making is kept, with its key.</param>
    /// <exception cref="DaemonStartException">It cannot be used; the message names the file.</exception>
    public static X509Certificate2? Load(DaemonSettings settings, string own, DateTimeOffset now)
    {
        switch ((string)settings["http.tls"])
        {
            case "files":
                return Given((string)settings["http.certificate"], (string)settings["http.key"]);
            case "self-signed":
                string[] names =
                [
                    "localhost",
                    "127.0.0.1",
                    "::1",
                    Environment.MachineName,
                    .. settings.HttpHosts,
                    .. settings.HttpListen.Select(end => end.Address.ToString()),
                ];
                return Own(own, [.. names.Distinct(StringComparer.OrdinalIgnoreCase)], now);
            default:
                return null;
        }
    }

    private static X509Certificate2 Given(string certificate, string key)
    {
        if (certificate.Length == 0)
        {
            throw new DaemonStartException(
                "bad-certificate",
                "http.certificate: http.tls = \"files\" needs a file with the certificate (PEM)"
            );
        }

        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key.Length > 0 ? key : null);
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException(
                "bad-certificate",
                $"http.certificate, http.key: '{certificate}'{(key.Length > 0 ? $" with '{key}'" : "")} cannot be used: {error.Message}",
                error
            );
        }
    }

    private static X509Certificate2 Own(string path, string[] names, DateTimeOffset now)
    {
        try
        {
            if (File.Exists(path) && TryLoad(path) is { } kept)
            {
                if (
                    kept.NotAfter - RenewBefore > now.LocalDateTime
                    && kept.NotBefore <= now.LocalDateTime
                    && HasAll(kept, names)
                )
                {
                    return kept;
                }

                kept.Dispose();
            }

            var made = Make(names, now);
            AtomicFile.Write(path, System.Text.Encoding.ASCII.GetBytes(made));
            return X509Certificate2.CreateFromPem(made, made);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DaemonStartException("state-folder", $"cannot keep a certificate: {error.Message}", error);
        }
    }

    private static X509Certificate2? TryLoad(string path)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(path);
        }
        catch (CryptographicException)
        {
            // Broken: it is made anew, and browsers ask again whether they trust it.
            return null;
        }
    }

    private static bool HasAll(X509Certificate2 certificate, string[] names)
    {
        var extension = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        var has = (extension?.EnumerateDnsNames() ?? [])
            .Concat(extension?.EnumerateIPAddresses().Select(address => address.ToString()) ?? [])
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return names.All(has.Contains);
    }

    private static string Make(string[] names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Shoal", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(
            // Server authentication.
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false)
        );
        // A day back: clocks differ.
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + Lifetime);
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }
}
