using System.Buffers.Binary;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>
/// What a member answers calls with: a key for an hour in a certificate that says nothing to outsiders, and the proof, shown to
/// members only, that it answers for the member.
/// </summary>
/// <param name="Context">For TLS.</param>
/// <param name="Proof">
/// The member's certificate, counted by two bytes, and the signature of its key over <see cref="Vow"/>.
/// </param>
/// <param name="MadeAt">By our clock.</param>
internal sealed record MemberEnd(SslStreamCertificateContext Context, byte[] Proof, DateTimeOffset MadeAt)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    public DateTimeOffset RenewAfter => MadeAt + Lifetime;

    /// <summary>What is signed by the member's key; <paramref name="endKey"/> is the SubjectPublicKeyInfo of the other.</summary>
    public static byte[] Vow(ReadOnlySpan<byte> endKey) => [.. "shoal member end 1\0"u8, .. SHA256.HashData(endKey)];

    public static MemberEnd Create(
        ReadOnlySpan<byte> publicationKey,
        MemberIdentity identity,
        ReadOnlySpan<byte> certificate,
        DateTimeOffset now
    )
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = key.ExportSubjectPublicKeyInfo();
        // As in any certificate that somebody made for himself. Its number is random to who does not know the publication's
        // key.
        var name = new X500DistinguishedName("CN=localhost");
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        using var bare = request.Create(
            name,
            X509SignatureGenerator.CreateForECDsa(key),
            now.AddDays(-30),
            now.AddDays(335),
            PublicationTag.Answer(publicationKey, publicKey)
        );
        using var ephemeral = MemberIdentity.Load(key.ExportPkcs8PrivateKey());
        var whole = ephemeral.WithCertificate(bare.RawData);
        var signature = identity.Sign(Vow(publicKey));
        var proof = new byte[2 + certificate.Length + signature.Length];
        BinaryPrimitives.WriteUInt16BigEndian(proof, (ushort)certificate.Length);
        certificate.CopyTo(proof.AsSpan(2));
        signature.CopyTo(proof, 2 + certificate.Length);
        return new MemberEnd(SslStreamCertificateContext.Create(whole, null, offline: true), proof, now);
    }
}
