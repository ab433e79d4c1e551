using System.Security.Cryptography;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>A certificate that was issued, and the key that it is for.</summary>
/// <param name="KeyHash">SHA-256 of SubjectPublicKeyInfo.</param>
internal sealed record IssuedCertificate(byte[] Der, byte[] KeyHash, MemberGrant Grant);

/// <summary>A certificate that is asked for.</summary>
internal readonly record struct IssueWish(byte[] Request, MemberId Member, MemberRole Role, TimeSpan Lifetime);

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
        lock (_lock)
        {
            return Issue(keys.Authority, request, member, role, lifetime);
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

    /// <summary>The same for many, on all processors: in the order of the wishes, null for those that are no good.</summary>
    public IReadOnlyList<IssuedCertificate?> IssueMany(IReadOnlyList<IssueWish> wishes)
    {
        byte[] key;
        lock (_lock)
        {
            key = keys.Authority.Export();
        }

        var issued = new IssuedCertificate?[wishes.Count];
        Parallel.For(
            0,
            wishes.Count,
            // One caller at a time: each has its own.
            () => PublicationAuthority.Load(key, Authority.Der.Span),
            (at, _, authority) =>
            {
                var wish = wishes[at];
                issued[at] = Issue(authority, wish.Request, wish.Member, wish.Role, wish.Lifetime);
                return authority;
            },
            authority => authority.Dispose()
        );
        CryptographicOperations.ZeroMemory(key);
        return issued;
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

    private IssuedCertificate? Issue(
        PublicationAuthority authority,
        ReadOnlySpan<byte> request,
        MemberId member,
        MemberRole role,
        TimeSpan lifetime
    )
    {
        var grant = MemberGrant.Starting(member, role, time.GetUtcNow(), lifetime);
        var serial = RandomNumberGenerator.GetBytes(PublicationAuthority.SerialSize);
        using var certificate = authority.Issue(request, grant, serial, out _);
        return certificate is null
            ? null
            : new IssuedCertificate(
                certificate.RawData,
                SHA256.HashData(certificate.PublicKey.ExportSubjectPublicKeyInfo()),
                grant
            );
    }

    public static MemberId NewMember() => new(RandomNumberGenerator.GetBytes(MemberId.Size));
}
