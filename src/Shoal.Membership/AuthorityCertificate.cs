using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>
/// The public half of a publication's authority: what members hold everybody else's certificates and lists against. Safe
/// to use from any thread.
/// </summary>
public sealed class AuthorityCertificate
{
    private readonly byte[] _publicKey;

    private AuthorityCertificate(byte[] der, byte[] publicKey)
    {
        Der = der;
        _publicKey = publicKey;
        Publication = PublicationId.Of(publicKey);
        Name = CertificateProfile.AuthorityName(Publication).RawData;
    }

    public PublicationId Publication { get; }

    /// <summary>The certificate, in DER.</summary>
    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>What the issuer field of its certificates says, in DER.</summary>
    internal ReadOnlyMemory<byte> Name { get; }

    /// <summary>
    /// Reads an authority's certificate. It is self-signed, so whoever gives it out must be trusted, or the
    /// <see cref="Publication"/> be known from elsewhere. Its dates mean nothing: an authority is one as long as its key is.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> der,
        [NotNullWhen(true)] out AuthorityCertificate? authority,
        out MembershipFault fault
    )
    {
        authority = null;
        fault = MembershipFault.Malformed;
        if (der.Length > MembershipLimits.Default.MaxCertificateLength)
        {
            return false;
        }

        var copy = der.ToArray();
        if (CertificateReader.TryRead(copy) is not { } parts)
        {
            return false;
        }

        var found = new AuthorityCertificate(copy, parts.PublicKey.ToArray());
        fault =
            !parts.IsAuthority ? MembershipFault.WrongUse
            : !parts.Issuer.Span.SequenceEqual(found.Name.Span) ? MembershipFault.OtherAuthority
            : found.CheckSignature(parts);
        authority = fault == MembershipFault.None ? found : null;
        return authority is not null;
    }

    /// <summary>Whether the authority's key made the signature (r and s, 32 bytes each) over the SHA-256 of the message.</summary>
    internal bool HasSigned(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        using var key = CertificateProfile.ImportKey(_publicKey);
        return key is not null
            && key.VerifyData(
                message,
                signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            );
    }

    internal MembershipFault CheckSignature(CertificateParts certificate)
    {
        if (certificate.SignatureAlgorithm != CertificateProfile.EcdsaWithSha256)
        {
            return MembershipFault.WrongAlgorithm;
        }

        using var key = CertificateProfile.ImportKey(_publicKey);
        return key is null ? MembershipFault.WrongAlgorithm
            : key.VerifyData(
                certificate.Signed.Span,
                certificate.Signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.Rfc3279DerSequence
            )
                ? MembershipFault.None
            : MembershipFault.BadSignature;
    }
}
