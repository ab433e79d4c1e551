using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Engine;

/// <summary>
/// Certificates of web servers are checked as the system does (on Linux SSL_CERT_FILE and SSL_CERT_DIR say whom it trusts),
/// never less; this only says in plain words why one was refused.
/// </summary>
internal static class CertificateCheck
{
    public static SslClientAuthenticationOptions Options =>
        new()
        {
            RemoteCertificateValidationCallback = static (_, _, chain, errors) =>
                errors == SslPolicyErrors.None
                    ? true
                    : throw new AuthenticationException(Explain(errors, StatusOf(chain))),
        };

    /// <summary>One reason, the plainest.</summary>
    internal static string Explain(SslPolicyErrors errors, X509ChainStatusFlags chain) =>
        (errors & SslPolicyErrors.RemoteCertificateNotAvailable) != 0 ? "the server shows no certificate"
        : (errors & SslPolicyErrors.RemoteCertificateNameMismatch) != 0
            ? "the server's certificate is for another name than the one that was asked for"
        : (chain & X509ChainStatusFlags.NotTimeValid) != 0 ? "the server's certificate has expired, or is not valid yet"
        : $"nobody whom this system trusts vouches for the server's certificate ({chain})";

    private static X509ChainStatusFlags StatusOf(X509Chain? chain) =>
        (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
}
