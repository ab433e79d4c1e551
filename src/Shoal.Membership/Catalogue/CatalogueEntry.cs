using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What a publisher says of one version of something published.</summary>
public sealed record CatalogueFields
{
    public required PublicationId Publication { get; init; }

    public required EntryId Id { get; init; }

    /// <summary>From 1; a higher one replaces a lower one.</summary>
    public required long Version { get; init; }

    /// <summary>1 to <see cref="CatalogueLimits.MaxTitle"/> bytes of UTF-8.</summary>
    public required string Title { get; init; }

    /// <summary>Of this version, as its makers call it; may be empty.</summary>
    public string VersionName { get; init; } = "";

    /// <summary>Bytes of the content.</summary>
    public required long Size { get; init; }

    /// <summary>As its makers write it, an SPDX expression where there is one; may be empty.</summary>
    public string Licence { get; init; } = "";

    /// <summary>How to cite it; may be empty.</summary>
    public string Citation { get; init; } = "";

    /// <summary>At least one of them.</summary>
    public required InfoHashes InfoHashes { get; init; }

    /// <summary>SHA-256 of the .torrent that the hub keeps for members.</summary>
    public required Sha256Digest Torrent { get; init; }

    /// <summary>By the publisher's clock, in whole seconds.</summary>
    public required DateTimeOffset SignedAt { get; init; }

    /// <summary>The publisher would like receipts; each member decides for itself whether it gives any.</summary>
    public bool AsksForReceipts { get; init; }
}

/// <summary>Bounds of catalogue entries.</summary>
public sealed record CatalogueLimits
{
    /// <summary>Longest title and name of a version, in bytes of UTF-8.</summary>
    public const int MaxTitle = 200;

    /// <summary>Longest licence, in bytes of UTF-8.</summary>
    public const int MaxLicence = 200;

    /// <summary>Longest citation, in bytes of UTF-8.</summary>
    public const int MaxCitation = 4000;

    /// <summary>Longest entry that is read: the texts above, a certificate, and what stands around them.</summary>
    public const int MaxLength = 2 * MaxTitle + MaxLicence + MaxCitation + 4096 + 1024;
}

/// <summary>
/// One version of something published, signed by its publisher. Immutable. What it says is true as far as the publisher is:
/// who reads it checks that the publisher was one. docs/formats/hub.md describes the bytes.
/// </summary>
public sealed class CatalogueEntry
{
    /// <summary>What is signed begins with it, so that no signature for one purpose is good for another.</summary>
    private static readonly byte[] Purpose = "shoal catalogue entry 1\0"u8.ToArray();

    private static ReadOnlySpan<byte> Name => "entry"u8;

    private CatalogueEntry(CatalogueFields fields, MemberId publisher, byte[] encoded) =>
        (Fields, Publisher, Encoded) = (fields, publisher, encoded);

    public CatalogueFields Fields { get; }

    public MemberId Publisher { get; }

    /// <summary>The entry with certificate and signature, as it is passed on.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>Signs.</summary>
    /// <param name="fields">What to say.</param>
    /// <param name="identity">The publisher's key.</param>
    /// <param name="certificate">The publisher's certificate, in DER.</param>
    /// <exception cref="ArgumentException">A field is out of its bounds.</exception>
    public static byte[] Sign(CatalogueFields fields, MemberIdentity identity, ReadOnlySpan<byte> certificate)
    {
        ArgumentNullException.ThrowIfNull(fields);
        ArgumentNullException.ThrowIfNull(identity);
        if (WhatIsWrong(fields) is { } wrong)
        {
            throw new ArgumentException(wrong, nameof(fields));
        }

        return SignedStatement.Sign(Name, Purpose, WriteBody(fields), identity, certificate);
    }

    /// <summary>Says in a few words which field is out of its bounds; null: none.</summary>
    public static string? WhatIsWrong(CatalogueFields fields)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return fields.Title.Length == 0 ? "the title is empty"
            : !Fits(fields.Title, CatalogueLimits.MaxTitle)
                ? $"the title has more than {CatalogueLimits.MaxTitle} bytes"
            : !Fits(fields.VersionName, CatalogueLimits.MaxTitle)
                ? $"the version's name has more than {CatalogueLimits.MaxTitle} bytes"
            : !Fits(fields.Licence, CatalogueLimits.MaxLicence)
                ? $"the licence has more than {CatalogueLimits.MaxLicence} bytes"
            : !Fits(fields.Citation, CatalogueLimits.MaxCitation)
                ? $"the citation has more than {CatalogueLimits.MaxCitation} bytes"
            : fields.Version < 1 ? "versions count from 1"
            : fields.Size < 0 ? "the size is negative"
            : fields.InfoHashes is { V1: null, V2: null } ? "there is no infohash"
            : null;
    }

    /// <summary>
    /// Reads an entry of a stranger, and checks that its publisher signed it and was one when it did. A publisher that was
    /// revoked is none, whenever it signed: who has stolen its key can write any date.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> encoded,
        MembershipVerifier verifier,
        RevocationList? revoked,
        [NotNullWhen(true)] out CatalogueEntry? entry,
        out MembershipFault fault
    )
    {
        ArgumentNullException.ThrowIfNull(verifier);
        entry = null;
        fault = MembershipFault.Malformed;
        if (
            !SignedStatement.TryRead(encoded, Name, CatalogueLimits.MaxLength, out var signed)
            || ReadBody(signed.Body) is not { } fields
            || WhatIsWrong(fields) is not null
        )
        {
            return false;
        }

        if (fields.Publication != verifier.Authority.Publication)
        {
            fault = MembershipFault.OtherAuthority;
            return false;
        }

        var verdict = signed.Check(Purpose, verifier, revoked, fields.SignedAt);
        fault = verdict.IsOk && verdict.Grant.Role < MemberRole.Publisher ? MembershipFault.WrongUse : verdict.Fault;
        entry =
            fault == MembershipFault.None ? new CatalogueEntry(fields, verdict.Grant.Member, encoded.ToArray()) : null;
        return entry is not null;
    }

    private static bool Fits(string text, int bytes) => Encoding.UTF8.GetByteCount(text) <= bytes;

    private static byte[] WriteBody(CatalogueFields fields)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("citation"u8, fields.Citation);
        writer.Entry("id"u8, fields.Id.ToArray());
        writer.Entry("infohash v1"u8, fields.InfoHashes.V1 is { } v1 ? v1.Span : default);
        writer.Entry("infohash v2"u8, fields.InfoHashes.V2 is { } v2 ? v2.Span : default);
        writer.Entry("licence"u8, fields.Licence);
        writer.Entry("publication"u8, fields.Publication.Span);
        if (fields.AsksForReceipts)
        {
            writer.Entry("receipts"u8, 1);
        }

        writer.Entry("signed at"u8, fields.SignedAt.ToUnixTimeSeconds());
        writer.Entry("size"u8, fields.Size);
        writer.Entry("title"u8, fields.Title);
        writer.Entry("torrent"u8, fields.Torrent.Span);
        writer.Entry("version"u8, fields.Version);
        writer.Entry("version name"u8, fields.VersionName);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private static CatalogueFields? ReadBody(ReadOnlySpan<byte> body)
    {
        Span<BencodeToken> table = stackalloc BencodeToken[64];
        if (
            !Bencode.TryParse(body, table, BencodeMode.Strict, out var root, out _)
            || !TryReadWish(root, out var asks)
            || root.Find("citation"u8).TextOrNull() is not { } citation
            || !root.Find("id"u8).TryGetBytes(out var id)
            || !root.Find("infohash v1"u8).TryGetBytes(out var v1)
            || !root.Find("infohash v2"u8).TryGetBytes(out var v2)
            || root.Find("licence"u8).TextOrNull() is not { } licence
            || !root.Find("publication"u8).TryGetBytes(out var publication)
            || !root.Find("signed at"u8).TryGetInteger(out var signedAt)
            || !root.Find("size"u8).TryGetInteger(out var size)
            || root.Find("title"u8).TextOrNull() is not { } title
            || !root.Find("torrent"u8).TryGetBytes(out var torrent)
            || !root.Find("version"u8).TryGetInteger(out var version)
            || root.Find("version name"u8).TextOrNull() is not { } versionName
            || id.Length != EntryId.Size
            || v1.Length is not (0 or SHA1.HashSizeInBytes)
            || v2.Length is not (0 or SHA256.HashSizeInBytes)
            || publication.Length != PublicationId.Size
            || torrent.Length != SHA256.HashSizeInBytes
            || signedAt is < 0 or > 253402300799
        )
        {
            return null;
        }

        return new CatalogueFields
        {
            Publication = new PublicationId(publication),
            Id = new EntryId(id),
            Version = version,
            Title = title,
            VersionName = versionName,
            Size = size,
            Licence = licence,
            Citation = citation,
            InfoHashes = new InfoHashes(
                v1.IsEmpty ? null : new Sha1Digest(v1),
                v2.IsEmpty ? null : new Sha256Digest(v2)
            ),
            Torrent = new Sha256Digest(torrent),
            SignedAt = DateTimeOffset.FromUnixTimeSeconds(signedAt),
            AsksForReceipts = asks,
        };
    }

    /// <summary>Twelve keys, and a thirteenth where the publisher asks for receipts.</summary>
    private static bool TryReadWish(BencodeNode root, out bool asks)
    {
        asks = root.Find("receipts"u8).TryGetInteger(out var wish) && wish == 1;
        return root.Count == (asks ? 13 : 12);
    }
}
