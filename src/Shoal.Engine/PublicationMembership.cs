using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>
/// Our membership in one publication, for the torrents of it: who we are there, and how we know the others. One for all torrents
/// of the publication in an engine. Safe to use from any thread. Where it is kept, how certificates are renewed and where lists come
/// from is the business of who made it.
/// </summary>
public sealed class PublicationMembership
{
    private readonly byte[] _publicationKey;
    private readonly MembershipVerifier _verifier;
    private readonly Lock _lock = new();
    private MemberIdentity _identity;
    private X509Certificate2? _certificate;
    private byte[] _certificateBytes = [];
    private MemberEnd? _end;
    private RevocationList? _revocations;

    /// <param name="authority">Of the publication.</param>
    /// <param name="publicationKey">What members call each other with; <see cref="PublicationTag.KeySize"/> bytes.</param>
    /// <param name="identity">Our key; not used by others any more, and never disposed of here.</param>
    /// <param name="certificate">Ours, in DER.</param>
    /// <param name="revocations">The newest list known; null: none.</param>
    /// <exception cref="ArgumentException">The certificate is another key's, or not of the publication; or the list is not.</exception>
    public PublicationMembership(
        AuthorityCertificate authority,
        ReadOnlySpan<byte> publicationKey,
        MemberIdentity identity,
        ReadOnlySpan<byte> certificate,
        RevocationList? revocations = null
    )
    {
        ArgumentNullException.ThrowIfNull(authority);
        ArgumentOutOfRangeException.ThrowIfNotEqual(publicationKey.Length, PublicationTag.KeySize);
        if (revocations is not null && revocations.Publication != authority.Publication)
        {
            throw new ArgumentException("the list is another publication's", nameof(revocations));
        }

        _verifier = new MembershipVerifier(authority);
        _publicationKey = publicationKey.ToArray();
        _identity = identity;
        _revocations = revocations;
        Renew(certificate);
    }

    public PublicationId Publication => _verifier.Authority.Publication;

    public AuthorityCertificate Authority => _verifier.Authority;

    /// <summary>Who we are, by our certificate.</summary>
    public MemberGrant Grant { get; private set; }

    /// <summary>The newest list known; null: none.</summary>
    public RevocationList? Revocations => Volatile.Read(ref _revocations);

    /// <summary>Raised when a newer list was taken, whoever brought it: keep it for the next run. From any thread; quick.</summary>
    public event Action<RevocationList>? RevocationsChanged;

    /// <summary>Our certificate is another one now. Connections that are open stay so.</summary>
    /// <param name="certificate">In DER.</param>
    /// <param name="next">The key that it is for, from now on ours, as that of the constructor; null: the same.</param>
    /// <exception cref="ArgumentException">It is another key's, or not of the publication.</exception>
    [MemberNotNull(nameof(_certificate))]
    public void Renew(ReadOnlySpan<byte> certificate, MemberIdentity? next = null)
    {
        var identity = next ?? _identity;
        // What it says, not whether it is good now: a certificate that has expired may be renewed, and peers decide.
        var bytes = certificate.ToArray();
        var verdict = _verifier.Verify(bytes, null, MembershipVerifier.BeginOf(bytes));
        if (!verdict.IsOk || !verdict.PublicKey.Span.SequenceEqual(identity.PublicKey.Span))
        {
            throw new ArgumentException(
                $"this is no certificate of our key in the publication ({verdict.Fault})",
                nameof(certificate)
            );
        }

        lock (_lock)
        {
            // The former one is not disposed of: connections may be using it.
            _identity = identity;
            _certificate = identity.WithCertificate(bytes);
            _certificateBytes = bytes;
            Grant = verdict.Grant;
            _end = null;
        }
    }

    /// <summary>Takes a list if it is newer than the one known: whom it names is disconnected at once.</summary>
    /// <param name="list">Its signature was checked, since it was read.</param>
    /// <param name="fault">Why not; None with false: it is the one we have.</param>
    public bool TryRevoke(RevocationList list, out MembershipFault fault)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (list.Publication != Publication)
        {
            fault = MembershipFault.OtherAuthority;
            return false;
        }

        lock (_lock)
        {
            if (!RevocationList.Supersedes(_revocations, list, out fault))
            {
                return false;
            }

            Volatile.Write(ref _revocations, list);
        }

        RevocationsChanged?.Invoke(list);
        return true;
    }

    /// <summary>What TLS calls with; null: there is none.</summary>
    internal X509Certificate2? Certificate
    {
        get
        {
            lock (_lock)
            {
                return _certificate;
            }
        }
    }

    internal MembershipVerdict Verify(ReadOnlySpan<byte> certificate, DateTimeOffset now) =>
        _verifier.Verify(certificate, Revocations, now);

    internal string CreateTag(DateTimeOffset now) =>
        PublicationTag.Create(_publicationKey, RandomNumberGenerator.GetBytes(PublicationTag.NonceSize), now);

    internal bool IsTag(string tag, DateTimeOffset now) => PublicationTag.IsGood(tag, _publicationKey, now);

    /// <summary>What we answer calls with. Made anew every hour, and when our certificate is another one.</summary>
    internal MemberEnd? End(DateTimeOffset now)
    {
        lock (_lock)
        {
            if (_end is null || now >= _end.RenewAfter || now < _end.MadeAt)
            {
                _end = MemberEnd.Create(_publicationKey, _identity, _certificateBytes, now);
            }

            return _end;
        }
    }

    /// <summary>
    /// The key of the certificate that somebody answers with; empty: whoever it is does not know the publication's key.
    /// </summary>
    internal ReadOnlyMemory<byte> KeyOfEnd(X509Certificate? shown)
    {
        try
        {
            if (shown is null)
            {
                return default;
            }

            using var certificate = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
            var key = certificate.PublicKey.ExportSubjectPublicKeyInfo();
            return CryptographicOperations.FixedTimeEquals(
                certificate.SerialNumberBytes.Span,
                PublicationTag.Answer(_publicationKey, key)
            )
                ? key
                : default;
        }
        catch (CryptographicException)
        {
            // A key that nobody can read is not of ours.
            return default;
        }
    }

    /// <summary>Whether the member has signed over with his key that the other key answers for him.</summary>
    internal static bool HasVouched(
        ReadOnlySpan<byte> memberKey,
        ReadOnlySpan<byte> endKey,
        ReadOnlySpan<byte> signature
    ) => MemberIdentity.IsSigned(memberKey, MemberEnd.Vow(endKey), signature);
}
