using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>An SSL torrent cannot be used, for a reason that the user can understand.</summary>
public sealed class SslTorrentException : IOException
{
    public SslTorrentException() { }

    public SslTorrentException(string message)
        : base(message) { }

    public SslTorrentException(string message, Exception innerException)
        : base(message, innerException) { }
}

/// <summary>
/// SSL torrents as libtorrent has them: the info dictionary holds a certificate, and peers are who has one that it signed, made
/// out to the torrent's name or to "*". The server name of TLS is the infohash, for all on the way to read, and the one who
/// is called shows its certificate to whoever names it.
/// </summary>
internal sealed class SslTorrentSecurity : ILinkSecurity
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private const string AnyName = "*";
    private const string AlternativeName = "2.5.29.17";

    private readonly Metainfo _metainfo;
    private readonly ILinkHost _host;
    private readonly TimeProvider _time;
    private readonly X509Certificate2Collection _roots = [];
    private readonly SslStreamCertificateContext _identity;

    /// <param name="metainfo">With a certificate in it.</param>
    /// <param name="identity">Ours, with its key.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="time">The clock of validities.</param>
    /// <exception cref="SslTorrentException">There is no identity, or one that peers will not take.</exception>
    public SslTorrentSecurity(Metainfo metainfo, X509Certificate2? identity, ILinkHost host, TimeProvider time)
    {
        (_metainfo, _host, _time) = (metainfo, host, time);
        try
        {
            _roots.ImportFromPem(Encoding.UTF8.GetString(metainfo.SslCertificate.Span));
        }
        catch (CryptographicException exception)
        {
            throw new SslTorrentException("the certificate in the torrent cannot be read", exception);
        }

        if (_roots.Count == 0)
        {
            throw new SslTorrentException("the certificate in the torrent cannot be read");
        }

        if (identity is not { HasPrivateKey: true })
        {
            throw new SslTorrentException(
                "only who has a certificate for this torrent, and its key, can take part in it"
            );
        }

        if (!IsGood(identity, []))
        {
            throw new SslTorrentException(
                $"the certificate is not one for this torrent: signed by the one in it, valid now, and made out to '{metainfo.Name}' or '*'"
            );
        }

        _identity = SslStreamCertificateContext.Create(identity, null, offline: true);
    }

    public ILinkHost? Find(InfoHash name) => _metainfo.InfoHashes.OnTheWire.Contains(name) ? _host : null;

    public Task<SecureOutcome> CallAsync(ITransport transport) =>
        ConcludeAsync(
            TlsTransport.CallAsync(
                transport,
                new SslClientAuthenticationOptions
                {
                    TargetHost = $"{_metainfo.InfoHashes.Primary}",
                    EnabledSslProtocols = Protocols,
                    ClientCertificateContext = _identity,
                    RemoteCertificateValidationCallback = (_, shown, chain, _) => IsGood(shown, chain),
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = TlsTransport.NoLookingElsewhere,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                }
            )
        );

    public Task<SecureOutcome> AnswerAsync(ITransport transport) =>
        ConcludeAsync(
            TlsTransport.AnswerAsync(
                transport,
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = _identity,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = Protocols,
                    RemoteCertificateValidationCallback = (_, shown, chain, _) => IsGood(shown, chain),
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = TlsTransport.NoLookingElsewhere,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                }
            )
        );

    private static async Task<SecureOutcome> ConcludeAsync(Task<TlsTransport?> handshake)
    {
        var tls = await handshake.ConfigureAwait(false);
        return tls is null ? new SecureOutcome(null, null, DisconnectReason.NotAMember) : new SecureOutcome(tls);
    }

    private bool IsGood(X509Certificate? shown, X509Chain? sent) =>
        shown is X509Certificate2 certificate && IsGood(certificate, sent is null ? [] : sent.ChainPolicy.ExtraStore);

    private bool IsGood(X509Certificate2 certificate, X509Certificate2Collection others)
    {
        try
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(_roots);
            chain.ChainPolicy.ExtraStore.AddRange(others);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
            return chain.Build(certificate) && IsFor(certificate, _metainfo.Name);
        }
        catch (CryptographicException)
        {
            // What the platform cannot read is nobody's.
            return false;
        }
    }

    /// <summary>libtorrent looks at the alternative names, and at the common name as well.</summary>
    private static bool IsFor(X509Certificate2 certificate, string name) =>
        certificate
            .Extensions.Where(extension => extension.Oid?.Value == AlternativeName)
            .SelectMany(extension => DnsNames(extension.RawData))
            .Append(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false))
            .Any(one => one == name || one == AnyName);

    // RFC 5280: "dNSName [2] IA5String". The platform's reader takes ASCII only; names of torrents are UTF-8, and others write
    // and compare these bytes.
    private static List<string> DnsNames(byte[] extension)
    {
        var found = new List<string>();
        var dnsName = new Asn1Tag(TagClass.ContextSpecific, 2);
        try
        {
            var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag().HasSameClassAndValue(dnsName))
                {
                    found.Add(Encoding.UTF8.GetString(names.ReadOctetString(dnsName)));
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
        catch (AsnContentException)
        {
            // What follows is nobody's name.
        }

        return found;
    }
}
