using System.Formats.Asn1;

namespace Shoal.Membership;

/// <summary>A certificate as it was read (RFC 5280); nothing in it is believed yet.</summary>
internal sealed record CertificateParts
{
    /// <summary>What the signature is about.</summary>
    public required ReadOnlyMemory<byte> Signed { get; init; }
    public required byte[] Signature { get; init; }
    public required string SignatureAlgorithm { get; init; }

    /// <summary>The serial number's bytes, big-endian, as they stand there.</summary>
    public required ReadOnlyMemory<byte> Serial { get; init; }
    public required ReadOnlyMemory<byte> Issuer { get; init; }
    public required DateTimeOffset NotBefore { get; init; }
    public required DateTimeOffset NotAfter { get; init; }
    public required ReadOnlyMemory<byte> PublicKey { get; init; }

    /// <summary>It may issue others.</summary>
    public bool IsAuthority { get; set; }

    /// <summary>Bit 0 of KeyUsage; null: the extension is not there.</summary>
    public bool? MaySign { get; set; }

    /// <summary>Object identifiers of the extended key usage.</summary>
    public List<string> Purposes { get; } = [];

    /// <summary>URIs of the alternative name.</summary>
    public List<string> Uris { get; } = [];

    public bool HasUnknownCritical { get; set; }
}

/// <summary>
/// Reads certificates of strangers. The platform's own parsers differ in what they take and some fetch what certificates
/// name; this one reads the few fields that count, in DER, and refuses what is unlike it.
/// </summary>
internal static class CertificateReader
{
    /// <summary>Most extensions; certificates of ours have six.</summary>
    private const int MaxExtensions = 16;

    /// <returns>Null: malformed.</returns>
    public static CertificateParts? TryRead(ReadOnlyMemory<byte> der)
    {
        try
        {
            return Read(der);
        }
        catch (Exception exception)
            when (exception is AsnContentException or ArgumentException or OverflowException or FormatException)
        {
            return null;
        }
    }

    private static CertificateParts? Read(ReadOnlyMemory<byte> der)
    {
        var file = new AsnReader(der, AsnEncodingRules.DER);
        var certificate = file.ReadSequence();
        file.ThrowIfNotEmpty();
        var signed = certificate.PeekEncodedValue();
        var body = certificate.ReadSequence();
        var algorithm = ReadAlgorithm(certificate);
        var signature = certificate.ReadBitString(out var unused);
        certificate.ThrowIfNotEmpty();

        // RFC 5280: "When extensions are used, ... version MUST be 3 (value is 2)."
        var version = body.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        var isVersion3 = version.TryReadInt32(out var number) && number == 2;
        var serial = body.ReadIntegerBytes();
        var isSameAlgorithm = ReadAlgorithm(body) == algorithm;
        var issuer = body.ReadEncodedValue();
        var validity = body.ReadSequence();
        var notBefore = ReadTime(validity);
        var notAfter = ReadTime(validity);
        validity.ThrowIfNotEmpty();
        // The subject: whoever signed it may have written anything there, we look at the alternative name.
        body.ReadEncodedValue();
        var parts = new CertificateParts
        {
            Signed = signed,
            Signature = signature,
            SignatureAlgorithm = algorithm,
            Serial = serial,
            Issuer = issuer,
            NotBefore = notBefore,
            NotAfter = notAfter,
            PublicKey = body.ReadEncodedValue(),
        };
        if (!isVersion3 || !isSameAlgorithm || unused != 0 || !body.HasData)
        {
            return null;
        }

        var outer = body.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 3));
        body.ThrowIfNotEmpty();
        var extensions = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (extensions.HasData)
        {
            // RFC 5280: "A certificate MUST NOT include more than one instance of a particular extension."
            if (seen.Count == MaxExtensions || !seen.Add(ReadExtension(extensions.ReadSequence(), parts)))
            {
                return null;
            }
        }

        return parts;
    }

    private static string ReadExtension(AsnReader extension, CertificateParts parts)
    {
        var id = extension.ReadObjectIdentifier();
        var isCritical = extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean) && extension.ReadBoolean();
        var value = new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER);
        extension.ThrowIfNotEmpty();
        switch (id)
        {
            case CertificateProfile.BasicConstraints:
                var constraints = value.ReadSequence();
                parts.IsAuthority =
                    constraints.HasData
                    && constraints.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean)
                    && constraints.ReadBoolean();
                break;
            case CertificateProfile.KeyUsage:
                var bits = value.ReadBitString(out _);
                parts.MaySign = bits.Length > 0 && (bits[0] & 0x80) != 0;
                // Bit 5 is keyCertSign.
                parts.IsAuthority |= bits.Length > 0 && (bits[0] & 0x04) != 0;
                break;
            case CertificateProfile.ExtendedKeyUsage:
                var purposes = value.ReadSequence();
                while (purposes.HasData)
                {
                    parts.Purposes.Add(purposes.ReadObjectIdentifier());
                }

                break;
            case CertificateProfile.SubjectAlternativeName:
                var names = value.ReadSequence();
                // RFC 5280: "uniformResourceIdentifier [6] IA5String"
                var uri = new Asn1Tag(TagClass.ContextSpecific, 6);
                while (names.HasData)
                {
                    if (names.PeekTag().HasSameClassAndValue(uri))
                    {
                        parts.Uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
                    }
                    else
                    {
                        names.ReadEncodedValue();
                    }
                }

                break;
            default:
                parts.HasUnknownCritical |= isCritical;
                break;
        }

        return id;
    }

    private static string ReadAlgorithm(AsnReader from)
    {
        var algorithm = from.ReadSequence();
        var id = algorithm.ReadObjectIdentifier();
        // RFC 5758: "the encoding MUST omit the parameters field". Anything there makes it another algorithm.
        return algorithm.HasData ? id + " with parameters" : id;
    }

    private static DateTimeOffset ReadTime(AsnReader from) =>
        from.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? from.ReadUtcTime() : from.ReadGeneralizedTime();
}
