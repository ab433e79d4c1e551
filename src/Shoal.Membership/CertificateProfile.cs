using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Membership;

/// <summary>
/// How certificates of publications look. docs/formats/membership.md is the description; this and
/// <see cref="CertificateReader"/> are the only places that know it.
/// </summary>
internal static class CertificateProfile
{
    public const string EcPublicKey = "1.2.840.10045.2.1";
    public const string P256 = "1.2.840.10045.3.1.7";
    public const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";
    public const string KeyUsage = "2.5.29.15";
    public const string SubjectAlternativeName = "2.5.29.17";
    public const string BasicConstraints = "2.5.29.19";
    public const string ExtendedKeyUsage = "2.5.29.37";
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private const string CommonName = "2.5.4.3";
    private const string Prefix = "urn:shoal:";
    private const string HubPart = "hub";
    private static readonly string[] RoleNames = ["member", "publisher", "administrator"];

    /// <summary>The name of the authority, in its own certificate and as issuer in all others.</summary>
    public static X500DistinguishedName AuthorityName(PublicationId publication) => Name(publication.ToString());

    /// <summary>A common name; always of the same bytes, whatever the platform prefers.</summary>
    public static X500DistinguishedName Name(string commonName)
    {
        var name = new X500DistinguishedNameBuilder();
        name.Add(CommonName, commonName, UniversalTagNumber.UTF8String);
        return name.Build();
    }

    public static string MemberUri(PublicationId publication, MemberId member, MemberRole role) =>
        $"{Prefix}{publication}:{member}:{RoleNames[(int)role]}";

    public static string HubUri(PublicationId publication) => $"{Prefix}{publication}:{HubPart}";

    public static bool TryReadMemberUri(string uri, PublicationId publication, out MemberId member, out MemberRole role)
    {
        (member, role) = (default, default);
        var begin = $"{Prefix}{publication}:";
        if (!uri.StartsWith(begin, StringComparison.Ordinal))
        {
            return false;
        }

        var parts = uri[begin.Length..].Split(':');
        if (parts.Length != 2 || Array.IndexOf(RoleNames, parts[1]) is not (>= 0 and var index))
        {
            return false;
        }

        role = (MemberRole)index;
        // One text for one member: what reads alike must be alike.
        return MemberId.TryParse(parts[0], out member) && parts[0] == member.ToString();
    }

    public static X509Extension AlternativeName(string uri, IEnumerable<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        foreach (var host in hosts)
        {
            if (System.Net.IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        return names.Build();
    }

    public static X509Extension Uses(params string[] purposes)
    {
        var oids = new OidCollection();
        foreach (var purpose in purposes)
        {
            oids.Add(new Oid(purpose));
        }

        return new X509EnhancedKeyUsageExtension(oids, critical: true);
    }

    /// <summary>The public key, if it is on P-256; the caller disposes of it.</summary>
    public static ECDsa? ImportKey(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        var key = ECDsa.Create();
        try
        {
            if (IsP256(subjectPublicKeyInfo))
            {
                key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out var read);
                if (read == subjectPublicKeyInfo.Length)
                {
                    return key;
                }
            }
        }
        catch (CryptographicException)
        {
            // A point that is not on the curve.
        }

        key.Dispose();
        return null;
    }

    // RFC 5480: an AlgorithmIdentifier with the named curve. Explicit parameters are refused before anybody computes with them.
    private static bool IsP256(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        try
        {
            var reader = new AsnReader(subjectPublicKeyInfo.ToArray(), AsnEncodingRules.DER).ReadSequence();
            var algorithm = reader.ReadSequence();
            return algorithm.ReadObjectIdentifier() == EcPublicKey
                && algorithm.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier)
                && algorithm.ReadObjectIdentifier() == P256;
        }
        catch (Exception exception) when (exception is AsnContentException or CryptographicException)
        {
            return false;
        }
    }
}
