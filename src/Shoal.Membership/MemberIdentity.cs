using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Membership;

/// <summary>
/// The key of one installation in one publication. It is made where it is used and never leaves: what the authority gets
/// is a request with the public half. One caller at a time.
/// </summary>
public sealed class MemberIdentity : IDisposable
{
    private readonly ECDsa _key;

    private MemberIdentity(ECDsa key)
    {
        _key = key;
        PublicKey = key.ExportSubjectPublicKeyInfo();
    }

    /// <summary>SubjectPublicKeyInfo in DER.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>A new key; the platform draws it.</summary>
    public static MemberIdentity Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Takes what <see cref="Export"/> gave.</summary>
    /// <exception cref="CryptographicException">It is no such key.</exception>
    public static MemberIdentity Load(ReadOnlySpan<byte> pkcs8)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(pkcs8, out _);
            using var same = CertificateProfile.ImportKey(key.ExportSubjectPublicKeyInfo());
            return same is not null ? new MemberIdentity(key) : throw new CryptographicException("not a key on P-256");
        }
        catch (PlatformNotSupportedException exception)
        {
            // A curve that this platform has not heard of.
            key.Dispose();
            throw new CryptographicException("not a key on P-256", exception);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The private key, PKCS #8 in DER, for a file that only its owner can read; <see cref="PassphraseSeal"/> protects it
    /// further.
    /// </summary>
    public byte[] Export() => _key.ExportPkcs8PrivateKey();

    /// <summary>A request for a certificate: PKCS #10 in DER, signed with the key. It names nobody.</summary>
    public byte[] CreateRequest() =>
        new CertificateRequest(
            CertificateProfile.Name("member"),
            _key,
            HashAlgorithmName.SHA256
        ).CreateSigningRequest();

    /// <summary>Signs the SHA-256 of the message: r and s, 32 bytes each.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message) =>
        _key.SignData(message, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    /// <summary>Whether <see cref="Sign"/> of the key's owner made the signature; false for keys that are none.</summary>
    public static bool IsSigned(
        ReadOnlySpan<byte> subjectPublicKeyInfo,
        ReadOnlySpan<byte> message,
        ReadOnlySpan<byte> signature
    )
    {
        using var key = CertificateProfile.ImportKey(subjectPublicKeyInfo);
        return key is not null
            && key.VerifyData(
                message,
                signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            );
    }

    /// <summary>The certificate with the key, as TLS needs it. The caller disposes of it.</summary>
    /// <exception cref="ArgumentException">The certificate is another key's.</exception>
    /// <exception cref="CryptographicException">It is no certificate.</exception>
    public X509Certificate2 WithCertificate(ReadOnlySpan<byte> der)
    {
        using var bare = X509CertificateLoader.LoadCertificate(der);
        var whole = bare.CopyWithPrivateKey(_key);
        if (!OperatingSystem.IsWindows())
        {
            return whole;
        }

        // Windows' TLS cannot use a key that is in no store of its own; this makes it one that goes with the certificate.
        using (whole)
        {
            return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
        }
    }

    public void Dispose() => _key.Dispose();
}
