using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Membership;

/// <summary>
/// The private half of a publication: issues certificates and signs revocation lists. Whoever has its key decides who is a
/// member. One caller at a time.
/// </summary>
public sealed class PublicationAuthority : IDisposable
{
    /// <summary>Random bytes of a serial number.</summary>
    public const int SerialSize = 16;

    private readonly ECDsa _key;
    private readonly X509SignatureGenerator _generator;

    private PublicationAuthority(ECDsa key, AuthorityCertificate certificate)
    {
        _key = key;
        _generator = X509SignatureGenerator.CreateForECDsa(key);
        Certificate = certificate;
    }

    public AuthorityCertificate Certificate { get; }

    public PublicationId Publication => Certificate.Publication;

    /// <summary>A new publication; the platform draws its key.</summary>
    public static PublicationAuthority Create(DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Of(key, SelfSign(key, now));
    }

    /// <summary>Takes what <see cref="Export"/> and <see cref="AuthorityCertificate.Der"/> gave.</summary>
    /// <exception cref="CryptographicException">It is no key, or not the certificate's.</exception>
    public static PublicationAuthority Load(ReadOnlySpan<byte> pkcs8, ReadOnlySpan<byte> certificate)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(pkcs8, out _);
            var authority = Of(key, certificate);
            return authority.Publication == PublicationId.Of(key.ExportSubjectPublicKeyInfo())
                ? authority
                : throw new CryptographicException("the key is not the certificate's");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>The private key, PKCS #8 in DER.</summary>
    public byte[] Export() => _key.ExportPkcs8PrivateKey();

    /// <summary>A secret for one purpose: whoever has the authority's key can make it again, nobody else can.</summary>
    public byte[] DeriveKey(ReadOnlySpan<byte> purpose)
    {
        var secret = _key.ExportParameters(includePrivateParameters: true).D!;
        try
        {
            return HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, SHA256.HashSizeInBytes, info: purpose.ToArray());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>Issues a member's certificate, if whoever asks has the key that it names.</summary>
    /// <param name="request">PKCS #10 in DER, as <see cref="MemberIdentity.CreateRequest"/> makes it; only its key counts.</param>
    /// <param name="grant">What the authority decided.</param>
    /// <param name="serial"><see cref="SerialSize"/> random bytes.</param>
    /// <param name="fault">Why not.</param>
    public X509Certificate2? Issue(
        ReadOnlySpan<byte> request,
        in MemberGrant grant,
        ReadOnlySpan<byte> serial,
        out MembershipFault fault
    )
    {
        if (TryReadRequest(request, out fault) is not { } publicKey)
        {
            return null;
        }

        var uri = CertificateProfile.MemberUri(Publication, grant.Member, grant.Role);
        var uses = CertificateProfile.Uses(
            CertificateProfile.ClientAuthentication,
            CertificateProfile.ServerAuthentication
        );
        return Sign(publicKey, uri, [], uses, grant.NotBefore, grant.NotAfter, serial, out fault);
    }

    /// <summary>Issues the certificate that a hub serves HTTPS with. It is no member's: peers do not take it.</summary>
    /// <param name="request">As for a member.</param>
    /// <param name="hosts">Names and addresses at which members call it.</param>
    /// <param name="now">By the authority's clock; backdated like those of members.</param>
    /// <param name="lifetime">From now on.</param>
    /// <param name="serial"><see cref="SerialSize"/> random bytes.</param>
    /// <param name="fault">Why not.</param>
    public X509Certificate2? IssueHub(
        ReadOnlySpan<byte> request,
        IEnumerable<string> hosts,
        DateTimeOffset now,
        TimeSpan lifetime,
        ReadOnlySpan<byte> serial,
        out MembershipFault fault
    )
    {
        if (TryReadRequest(request, out fault) is not { } publicKey)
        {
            return null;
        }

        var validity = MemberGrant.Starting(default, MemberRole.Member, now, lifetime);
        var uri = CertificateProfile.HubUri(Publication);
        var uses = CertificateProfile.Uses(CertificateProfile.ServerAuthentication);
        return Sign(publicKey, uri, hosts, uses, validity.NotBefore, validity.NotAfter, serial, out fault);
    }

    /// <summary>Signs what a list says; <see cref="RevocationList"/> describes the fields.</summary>
    /// <exception cref="ArgumentException">More entries than <see cref="MembershipLimits.MaxRevoked"/>.</exception>
    public RevocationList Revoke(
        long version,
        DateTimeOffset now,
        IEnumerable<MemberId> members,
        IEnumerable<CertificateSerial> serials
    ) => RevocationList.Create(this, version, now, members, serials);

    public void Dispose() => _key.Dispose();

    /// <summary>Signs the SHA-256 of the message: r and s, 32 bytes each.</summary>
    internal byte[] SignMessage(ReadOnlySpan<byte> message) =>
        _key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    private X509Certificate2? Sign(
        PublicKey key,
        string uri,
        IEnumerable<string> hosts,
        X509Extension uses,
        DateTimeOffset notBefore,
        DateTimeOffset notAfter,
        ReadOnlySpan<byte> serial,
        out MembershipFault fault
    )
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(serial.Length, SerialSize);
        if (notAfter <= notBefore || notAfter - notBefore > MembershipLimits.Default.MaxLifetime)
        {
            fault = MembershipFault.TooLong;
            return null;
        }

        // The subject says nothing: the alternative name does, and what stands twice can contradict itself.
        var request = new CertificateRequest(CertificateProfile.Name("member"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true)
        );
        request.CertificateExtensions.Add(uses);
        request.CertificateExtensions.Add(CertificateProfile.AlternativeName(uri, hosts));
        // RFC 5280: "MUST be a positive integer".
        Span<byte> positive = stackalloc byte[SerialSize];
        serial.CopyTo(positive);
        positive[0] = (byte)(positive[0] & 0x7F | 0x40);
        fault = MembershipFault.None;
        return request.Create(CertificateProfile.AuthorityName(Publication), _generator, notBefore, notAfter, positive);
    }

    private static PublicKey? TryReadRequest(ReadOnlySpan<byte> request, out MembershipFault fault)
    {
        fault = MembershipFault.Malformed;
        if (request.Length > MembershipLimits.Default.MaxRequestLength)
        {
            return null;
        }

        try
        {
            // Without this option it throws for a signature that is not by the request's own key: who asks for a
            // certificate of somebody else's key gets none.
            var read = CertificateRequest.LoadSigningRequest(
                request,
                HashAlgorithmName.SHA256,
                out var length,
                CertificateRequestLoadOptions.Default
            );
            using var key = CertificateProfile.ImportKey(read.PublicKey.ExportSubjectPublicKeyInfo());
            fault =
                length != request.Length ? MembershipFault.Malformed
                : key is null ? MembershipFault.WrongAlgorithm
                : MembershipFault.None;
            return fault == MembershipFault.None ? read.PublicKey : null;
        }
        catch (Exception exception)
            when (exception is CryptographicException or ArgumentException or NotSupportedException)
        {
            // What does not parse and what is signed wrongly is thrown alike.
            fault = MembershipFault.BadSignature;
            return null;
        }
    }

    private static PublicationAuthority Of(ECDsa key, ReadOnlySpan<byte> certificate) =>
        AuthorityCertificate.TryRead(certificate, out var read, out var fault)
            ? new PublicationAuthority(key, read)
            : throw new CryptographicException($"this is no authority's certificate ({fault})");

    private static byte[] SelfSign(ECDsa key, DateTimeOffset now)
    {
        var name = CertificateProfile.AuthorityName(PublicationId.Of(key.ExportSubjectPublicKeyInfo()));
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        // Path length 0: its members issue nothing.
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true)
        );
        var begin = MemberGrant.Starting(default, MemberRole.Administrator, now, TimeSpan.Zero).NotBefore;
        // RFC 5280: "To indicate that a certificate has no well-defined expiration date, the notAfter SHOULD be assigned
        // the GeneralizedTime value of 99991231235959Z."
        var end = new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);
        using var certificate = request.Create(name, X509SignatureGenerator.CreateForECDsa(key), begin, end, [1]);
        return certificate.RawData;
    }
}
