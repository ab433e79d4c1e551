using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Membership;

namespace Shoal.Testing;

/// <summary>A publication of tests: issues what an authority issues, and what none would.</summary>
internal sealed class Authority : IDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    private readonly Random _random;

    public Authority(int seed = 1, DateTimeOffset? at = null)
    {
        _random = new Random(seed);
        At = at ?? Now;
        Publication = PublicationAuthority.Create(At);
        Key = Bytes(PublicationTag.KeySize);
        Verifier = new MembershipVerifier(Publication.Certificate);
    }

    /// <summary>When it does what it does.</summary>
    public DateTimeOffset At { get; }

    public PublicationAuthority Publication { get; }

    /// <summary>What its members call each other with.</summary>
    public byte[] Key { get; }

    public MembershipVerifier Verifier { get; }

    public MemberId NewMember() => new(Bytes(MemberId.Size));

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    public MemberGrant Grant(MemberRole role = MemberRole.Member, int days = 7) =>
        MemberGrant.Starting(NewMember(), role, At, TimeSpan.FromDays(days));

    /// <summary>A certificate in DER.</summary>
    public byte[] Issue(MemberIdentity identity, in MemberGrant grant)
    {
        using var certificate = Publication.Issue(identity.CreateRequest(), grant, Bytes(16), out var fault);
        return certificate?.RawData ?? throw new InvalidOperationException($"not issued: {fault}");
    }

    /// <summary>A certificate of this authority that differs from what it would issue.</summary>
    public byte[] Forge(Action<CertificateRequest> change, bool isMember = true, int days = 7) =>
        Forge(ECDsa.Create(ECCurve.NamedCurves.nistP256), change, isMember, days);

    public byte[] Forge(ECDsa key, Action<CertificateRequest> change, bool isMember = true, int days = 7)
    {
        using var owned = key;
        using var signer = ECDsa.Create();
        signer.ImportPkcs8PrivateKey(Publication.Export(), out _);
        var request = new CertificateRequest(CertificateProfile.Name("member"), key, HashAlgorithmName.SHA256);
        if (isMember)
        {
            AddMemberExtensions(request);
        }

        change(request);
        using var certificate = request.Create(
            CertificateProfile.AuthorityName(Publication.Publication),
            X509SignatureGenerator.CreateForECDsa(signer),
            At.AddHours(-1),
            At.AddDays(days),
            Bytes(8)
        );
        return certificate.RawData;
    }

    public void AddMemberExtensions(CertificateRequest request, string? uri = null, bool bothEnds = true)
    {
        string[] purposes = bothEnds
            ? [CertificateProfile.ClientAuthentication, CertificateProfile.ServerAuthentication]
            : [CertificateProfile.ClientAuthentication];
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true)
        );
        request.CertificateExtensions.Add(CertificateProfile.Uses(purposes));
        request.CertificateExtensions.Add(
            CertificateProfile.AlternativeName(
                uri ?? CertificateProfile.MemberUri(Publication.Publication, NewMember(), MemberRole.Member),
                []
            )
        );
    }

    public void Dispose() => Publication.Dispose();
}
