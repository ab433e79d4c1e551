using System.Security.Cryptography;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>A certificate that was issued, and the key that it is for.</summary>
/// <param name="KeyHash">SHA-256 of SubjectPublicKeyInfo.</param>
internal sealed record IssuedCertificate(byte[] Der, byte[] KeyHash, MemberGrant Grant);

/// <summary>The authority as the hub's requests use it: safe from any thread, and nobody else has its key.</summary>
internal sealed class Issuer(HubKeys keys, TimeProvider time)
{
    private readonly Lock _lock = new();

    public AuthorityCertificate Authority => keys.Authority.Certificate;

    public PublicationId Publication => keys.Authority.Publication;

    public ReadOnlyMemory<byte> PublicationKey => keys.PublicationKey;

    /// <summary>A certificate for the key of the request; null: the request is no good.</summary>
    public IssuedCertificate? Issue(ReadOnlySpan<byte> request, MemberId member, MemberRole role, TimeSpan lifetime)
    {
        var grant = MemberGrant.Starting(member, role, time.GetUtcNow(), lifetime);
        var serial = RandomNumberGenerator.GetBytes(PublicationAuthority.SerialSize);
        lock (_lock)
        {
            using var certificate = keys.Authority.Issue(request, grant, serial, out _);
            return certificate is null
                ? null
                : new IssuedCertificate(
                    certificate.RawData,
                    SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()),
                    grant
                );
        }
    }

    /// <summary>As <see cref="PublicationAuthority.DeriveKey"/>.</summary>
    public byte[] DeriveKey(ReadOnlySpan<byte> purpose)
    {
        lock (_lock)
        {
            return keys.Authority.DeriveKey(purpose);
        }
    }

    public RevocationList Revoke(long version, IEnumerable<MemberId> members, IEnumerable<CertificateSerial> serials)
    {
        lock (_lock)
        {
            return keys.Authority.Revoke(version, time.GetUtcNow(), members, serials);
        }
    }

    /// <summary>The certificate that this hub answers with, for a key that lives as long as the process.</summary>
    public System.Security.Cryptography.X509Certificates.X509Certificate2 IssueHub(
        IEnumerable<string> hosts,
        TimeSpan lifetime
    )
    {
        using var identity = MemberIdentity.Create();
        var serial = RandomNumberGenerator.GetBytes(PublicationAuthority.SerialSize);
        lock (_lock)
        {
            using var certificate =
                keys.Authority.IssueHub(
                    identity.CreateRequest(),
                    hosts,
                    time.GetUtcNow(),
                    lifetime,
                    serial,
                    out var fault
                ) ?? throw new InvalidOperationException($"the authority does not issue our own certificate: {fault}");
            return identity.WithCertificate(certificate.RawData);
        }
    }

    public static MemberId NewMember() => new(RandomNumberGenerator.GetBytes(MemberId.Size));
}
