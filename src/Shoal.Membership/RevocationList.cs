using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>
/// Who is no member any more, signed by the authority. Lists are numbered: a higher version takes the place of a lower one
/// and never the other way round. Immutable, and safe to use from any thread. docs/formats/membership.md describes the bytes.
/// </summary>
public sealed class RevocationList
{
    /// <summary>What is signed begins with it, so that no signature for one purpose is good for another.</summary>
    private static readonly byte[] Purpose = "shoal revocation list 1\0"u8.ToArray();

    private readonly HashSet<MemberId> _members;
    private readonly HashSet<CertificateSerial> _serials;

    private RevocationList(
        PublicationId publication,
        long version,
        DateTimeOffset issuedAt,
        IEnumerable<MemberId> members,
        IEnumerable<CertificateSerial> serials,
        byte[] encoded
    )
    {
        Publication = publication;
        Version = version;
        IssuedAt = issuedAt;
        _members = [.. members];
        _serials = [.. serials];
        Encoded = encoded;
    }

    public PublicationId Publication { get; }

    /// <summary>From 1.</summary>
    public long Version { get; }

    /// <summary>By the authority's clock, in whole seconds.</summary>
    public DateTimeOffset IssuedAt { get; }

    public IReadOnlyCollection<MemberId> Members => _members;

    public IReadOnlyCollection<CertificateSerial> Serials => _serials;

    /// <summary>The list with its signature, as it is passed on.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Whether the member, or this certificate of his, is not good any more.</summary>
    public bool Covers(MemberId member, CertificateSerial serial) =>
        _members.Contains(member) || _serials.Contains(serial);

    /// <summary>Whether the member is none any more.</summary>
    public bool Covers(MemberId member) => _members.Contains(member);

    /// <summary>Whether the certificate is not good any more, whoever holds it.</summary>
    public bool Covers(CertificateSerial serial) => _serials.Contains(serial);

    /// <summary>
    /// Whether all whom the other one names are named here too. Lists of an authority grow only: where it is not so, its state went
    /// back, and who is missing would be let in again.
    /// </summary>
    public bool HasAllOf(RevocationList other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return other._members.IsSubsetOf(_members) && other._serials.IsSubsetOf(_serials);
    }

    /// <summary>What taking <paramref name="offered"/> in the place of <paramref name="known"/> would mean.</summary>
    /// <param name="known">Null: no list yet.</param>
    /// <param name="offered">Its signature was checked, since it was read.</param>
    /// <param name="fault">Why it is not taken; None with false: it is the one we have.</param>
    /// <returns>It is newer: take it.</returns>
    public static bool Supersedes(RevocationList? known, RevocationList offered, out MembershipFault fault)
    {
        ArgumentNullException.ThrowIfNull(offered);
        fault =
            known is null || (offered.Publication == known.Publication && offered.Version > known.Version)
                ? MembershipFault.None
            : offered.Publication != known.Publication ? MembershipFault.OtherAuthority
            : offered.Version < known.Version ? MembershipFault.OldList
            : offered.SaysTheSameAs(known) ? MembershipFault.None
            : MembershipFault.ContradictingList;
        return fault == MembershipFault.None && offered.Version > (known?.Version ?? 0);
    }

    /// <summary>Reads a list of a stranger and checks who signed it. Takes only what <see cref="Encoded"/> would give again.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> encoded,
        AuthorityCertificate authority,
        [NotNullWhen(true)] out RevocationList? list,
        out MembershipFault fault
    )
    {
        ArgumentNullException.ThrowIfNull(authority);
        list = null;
        fault = MembershipFault.Malformed;
        var limits = MembershipLimits.Default;
        Span<BencodeToken> table = stackalloc BencodeToken[32];
        if (
            encoded.Length > limits.MaxListLength
            || !Bencode.TryParse(encoded, table, BencodeMode.Strict, out var root, out _)
            || !root.Find("list"u8).TryGetBytes(out var body)
            || !root.Find("signature"u8).TryGetBytes(out var signature)
            || !TryReadBody(body, limits, out var fields)
        )
        {
            return false;
        }

        if (fields.Publication != authority.Publication)
        {
            fault = MembershipFault.OtherAuthority;
            return false;
        }

        if (!authority.HasSigned((byte[])[.. Purpose, .. body], signature))
        {
            fault = MembershipFault.BadSignature;
            return false;
        }

        fault = MembershipFault.None;
        list = new RevocationList(
            fields.Publication,
            fields.Version,
            fields.IssuedAt,
            fields.Members,
            fields.Serials,
            encoded.ToArray()
        );
        return true;
    }

    internal static RevocationList Create(
        PublicationAuthority authority,
        long version,
        DateTimeOffset now,
        IEnumerable<MemberId> members,
        IEnumerable<CertificateSerial> serials
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        MemberId[] gone = [.. members.Distinct().Order()];
        CertificateSerial[] withdrawn = [.. serials.Distinct().Order()];
        if (gone.Length + withdrawn.Length > MembershipLimits.Default.MaxRevoked)
        {
            throw new ArgumentException("more entries than a list can have", nameof(members));
        }

        var issuedAt = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds());
        var body = WriteBody(authority.Publication, version, issuedAt, gone, withdrawn);
        var output = new ArrayBufferWriter<byte>(body.Length + 128);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("list"u8, body);
        writer.Entry("signature"u8, authority.SignMessage((byte[])[.. Purpose, .. body]));
        writer.End();
        return new RevocationList(
            authority.Publication,
            version,
            issuedAt,
            gone,
            withdrawn,
            output.WrittenSpan.ToArray()
        );
    }

    private bool SaysTheSameAs(RevocationList other) =>
        IssuedAt == other.IssuedAt && _members.SetEquals(other._members) && _serials.SetEquals(other._serials);

    private static byte[] WriteBody(
        PublicationId publication,
        long version,
        DateTimeOffset issuedAt,
        MemberId[] members,
        CertificateSerial[] serials
    )
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("certificates"u8, (byte[])[.. serials.SelectMany(serial => serial.ToArray())]);
        writer.Entry("issued"u8, issuedAt.ToUnixTimeSeconds());
        writer.Entry("members"u8, (byte[])[.. members.SelectMany(member => member.ToArray())]);
        writer.Entry("publication"u8, publication.Span);
        writer.Entry("version"u8, version);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private readonly record struct Fields(
        PublicationId Publication,
        long Version,
        DateTimeOffset IssuedAt,
        MemberId[] Members,
        CertificateSerial[] Serials
    );

    private static bool TryReadBody(ReadOnlySpan<byte> body, MembershipLimits limits, out Fields fields)
    {
        fields = default;
        Span<BencodeToken> table = stackalloc BencodeToken[32];
        if (
            !Bencode.TryParse(body, table, BencodeMode.Strict, out var root, out _)
            || root.Count != 5
            || !root.Find("certificates"u8).TryGetBytes(out var serialBytes)
            || !root.Find("issued"u8).TryGetInteger(out var issued)
            || !root.Find("members"u8).TryGetBytes(out var memberBytes)
            || !root.Find("publication"u8).TryGetBytes(out var publication)
            || !root.Find("version"u8).TryGetInteger(out var version)
            || publication.Length != PublicationId.Size
            || version < 1
            || issued is < 0 or > 253402300799
            || memberBytes.Length % MemberId.Size != 0
            || serialBytes.Length % CertificateSerial.Size != 0
            || (memberBytes.Length + serialBytes.Length) / MemberId.Size > limits.MaxRevoked
        )
        {
            return false;
        }

        var members = new MemberId[memberBytes.Length / MemberId.Size];
        for (var i = 0; i < members.Length; i++)
        {
            members[i] = new MemberId(memberBytes.Slice(i * MemberId.Size, MemberId.Size));
        }

        var serials = new CertificateSerial[serialBytes.Length / CertificateSerial.Size];
        for (var i = 0; i < serials.Length; i++)
        {
            CertificateSerial.TryRead(
                serialBytes.Slice(i * CertificateSerial.Size, CertificateSerial.Size),
                out serials[i]
            );
        }

        fields = new Fields(
            new PublicationId(publication),
            version,
            DateTimeOffset.FromUnixTimeSeconds(issued),
            members,
            serials
        );
        return true;
    }
}
