namespace Shoal.Membership;

/// <summary>What a certificate is worth.</summary>
/// <param name="Fault">None: the rest holds.</param>
/// <param name="Grant">Whose it is.</param>
/// <param name="Serial">Its number.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo in DER; empty where there is a fault.</param>
public readonly record struct MembershipVerdict(
    MembershipFault Fault,
    MemberGrant Grant = default,
    CertificateSerial Serial = default,
    ReadOnlyMemory<byte> PublicKey = default
)
{
    public bool IsOk => Fault == MembershipFault.None;
}

/// <summary>
/// Decides whether a certificate makes its holder a member. Never throws, whatever the certificate; consults nothing but its
/// parameters, so neither the system's trusted roots nor the network. Safe to use from any thread.
/// </summary>
/// <param name="authority">Of the publication.</param>
/// <param name="limits">What is read at most.</param>
public sealed class MembershipVerifier(AuthorityCertificate authority, MembershipLimits? limits = null)
{
    private readonly MembershipLimits _limits = limits ?? MembershipLimits.Default;

    public AuthorityCertificate Authority => authority;

    /// <summary>The first second of a certificate, to look at one that is not good now; the beginning of time for what is none.</summary>
    public static DateTimeOffset BeginOf(ReadOnlySpan<byte> certificate) =>
        CertificateReader.TryRead(certificate.ToArray())?.NotBefore ?? default;

    /// <param name="certificate">In DER; from a stranger.</param>
    /// <param name="revoked">The newest list known; null: none.</param>
    /// <param name="now">By our clock.</param>
    public MembershipVerdict Verify(ReadOnlySpan<byte> certificate, RevocationList? revoked, DateTimeOffset now)
    {
        if (ReadIssued(certificate, now, out var serial, out var fault) is not { } parts)
        {
            return new MembershipVerdict(fault);
        }

        if (
            parts.Uris is not [var uri]
            || !CertificateProfile.TryReadMemberUri(uri, authority.Publication, out var member, out var role)
        )
        {
            return new MembershipVerdict(MembershipFault.WrongName);
        }

        // A certificate that is good for one end only is not a member's: every member is at both.
        if (
            !parts.Purposes.Contains(CertificateProfile.ClientAuthentication)
            || !parts.Purposes.Contains(CertificateProfile.ServerAuthentication)
        )
        {
            return new MembershipVerdict(MembershipFault.WrongUse);
        }

        var grant = new MemberGrant(member, role, parts.NotBefore, parts.NotAfter);
        return revoked is not null && revoked.Covers(member, serial)
            ? new MembershipVerdict(MembershipFault.Revoked, grant, serial)
            : new MembershipVerdict(MembershipFault.None, grant, serial, parts.PublicKey);
    }

    /// <summary>Whether the certificate is that of a hub of the publication. The caller checks that it names the host.</summary>
    public MembershipFault VerifyHub(ReadOnlySpan<byte> certificate, RevocationList? revoked, DateTimeOffset now) =>
        ReadIssued(certificate, now, out var serial, out var fault) is not { } parts ? fault
        : parts.Uris is not [var uri] || uri != CertificateProfile.HubUri(authority.Publication)
            ? MembershipFault.WrongName
        : !parts.Purposes.Contains(CertificateProfile.ServerAuthentication) ? MembershipFault.WrongUse
        : revoked is not null && revoked.Covers(serial) ? MembershipFault.Revoked
        : MembershipFault.None;

    /// <summary>What holds for all certificates of the authority. The cheap questions come first, the signature last.</summary>
    private CertificateParts? ReadIssued(
        ReadOnlySpan<byte> certificate,
        DateTimeOffset now,
        out CertificateSerial serial,
        out MembershipFault fault
    )
    {
        serial = default;
        fault = MembershipFault.Malformed;
        if (
            certificate.Length > _limits.MaxCertificateLength
            || CertificateReader.TryRead(certificate.ToArray()) is not { } parts
            || !CertificateSerial.TryRead(parts.Serial.Span, out serial)
        )
        {
            return null;
        }

        fault = Check(parts, now);
        return fault == MembershipFault.None ? parts : null;
    }

    private MembershipFault Check(CertificateParts parts, DateTimeOffset now)
    {
        if (!parts.Issuer.Span.SequenceEqual(authority.Name.Span))
        {
            return MembershipFault.OtherAuthority;
        }

        if (parts.SignatureAlgorithm != CertificateProfile.EcdsaWithSha256)
        {
            return MembershipFault.WrongAlgorithm;
        }

        using (var key = CertificateProfile.ImportKey(parts.PublicKey.Span))
        {
            if (key is null)
            {
                return MembershipFault.WrongAlgorithm;
            }
        }

        // RFC 5280: "A certificate-using system MUST reject the certificate if it encounters a critical extension it does
        // not recognize".
        return parts.HasUnknownCritical ? MembershipFault.UnknownExtension
            : parts.IsAuthority || parts.MaySign != true ? MembershipFault.WrongUse
            : parts.NotAfter < parts.NotBefore || parts.NotAfter - parts.NotBefore > _limits.MaxLifetime
                ? MembershipFault.TooLong
            : now < parts.NotBefore ? MembershipFault.NotYetValid
            : now > parts.NotAfter ? MembershipFault.Expired
            : authority.CheckSignature(parts);
    }
}
