using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What a challenger asks one member.</summary>
public sealed record ChallengeFields
{
    public required ReceiptContent Content { get; init; }

    /// <summary>Who shall answer.</summary>
    public required MemberId Member { get; init; }

    /// <summary><see cref="CustodyLimits.SaltSize"/> random bytes; for this challenge only.</summary>
    public required ReadOnlyMemory<byte> Salt { get; init; }

    /// <summary>How many blocks, from 1 to <see cref="CustodyLimits.MaxBlocks"/>; the salt says which.</summary>
    public required int Blocks { get; init; }

    /// <summary>By the challenger's clock, in whole seconds.</summary>
    public required DateTimeOffset Made { get; init; }

    /// <summary>At most <see cref="CustodyLimits.MaxLifetime"/> later.</summary>
    public required DateTimeOffset Expires { get; init; }
}

/// <summary>
/// A question that only who has the content can answer: the hash over a salt, the one who is asked, and blocks that the salt chooses.
/// Signed by who asks, so that whoever passes it on can invent none. Immutable.
/// </summary>
public sealed class CustodyChallenge
{
    private static readonly CustodyForm<ChallengeFields> Form = new()
    {
        Name = "challenge"u8.ToArray(),
        Purpose = "shoal custody challenge 1\0"u8.ToArray(),
        MaxLength = CustodyLimits.MaxMessageLength,
        Read = ReadBody,
        Write = WriteBody,
        IsSound = IsSound,
        ContentOf = fields => fields.Content,
        SignedAt = fields => fields.Made,
    };

    private CustodyChallenge(ChallengeFields fields, MemberGrant challenger, byte[] encoded) =>
        (Fields, Challenger, Encoded, Id) = (fields, challenger, encoded, new Sha256Digest(SHA256.HashData(encoded)));

    public ChallengeFields Fields { get; }

    /// <summary>Who signed.</summary>
    public MemberGrant Challenger { get; }

    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>SHA-256 of <see cref="Encoded"/>: what an answer names.</summary>
    public Sha256Digest Id { get; }

    /// <summary>Signs.</summary>
    /// <exception cref="ArgumentException">A field is out of its bounds.</exception>
    public static byte[] Sign(ChallengeFields fields, MemberIdentity identity, ReadOnlySpan<byte> certificate) =>
        Form.Sign(fields, identity, certificate);

    /// <summary>
    /// Reads a challenge of a stranger and checks who signed it: a publisher or administrator whose certificate was good when it
    /// did, and who is not revoked now. Whether it is the content's publisher is for the reader to see.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> encoded,
        MembershipVerifier verifier,
        RevocationList? revoked,
        [NotNullWhen(true)] out CustodyChallenge? challenge,
        out MembershipFault fault
    )
    {
        challenge = null;
        if (!Form.TryRead(encoded, verifier, revoked, out var fields, out var signer, out fault))
        {
            return false;
        }

        if (signer.Role < MemberRole.Publisher)
        {
            fault = MembershipFault.WrongUse;
            return false;
        }

        challenge = new CustodyChallenge(fields, signer, encoded.ToArray());
        return true;
    }

    /// <summary>Whether this member may ask about that content: its publisher, and administrators.</summary>
    public static bool MayAsk(MemberId challenger, MemberRole role, MemberId publisher) =>
        role == MemberRole.Administrator || (role == MemberRole.Publisher && challenger == publisher);

    /// <summary>
    /// Whether a member should answer: it is the one that is asked, about what this entry is about, by somebody who may ask, and not long
    /// ago. Clocks can be apart (<see cref="CustodyLimits.MaxSkew"/>).
    /// </summary>
    public bool IsFor(MemberId member, CatalogueEntry entry, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Fields.Member == member
            && Fields.Content == ReceiptContent.Of(entry.Fields)
            && MayAsk(Challenger.Member, Challenger.Role, entry.Publisher)
            && now - Fields.Expires <= CustodyLimits.MaxSkew
            && Fields.Made - now <= CustodyLimits.MaxSkew;
    }

    /// <summary>Which blocks the salt chooses: ascending, each once, all of them where there are no more than asked for.</summary>
    /// <param name="available">Blocks that the content has.</param>
    public IReadOnlyList<long> Choose(long available)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(available);
        var chosen = new SortedSet<long>();
        if (available <= Fields.Blocks)
        {
            return [.. Enumerable.Range(0, (int)available).Select(block => (long)block)];
        }

        Span<byte> input = stackalloc byte[CustodyLimits.SaltSize + sizeof(int)];
        Fields.Salt.Span.CopyTo(input);
        Span<byte> output = stackalloc byte[SHA256.HashSizeInBytes];
        for (var i = 0; chosen.Count < Fields.Blocks; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(input[CustodyLimits.SaltSize..], i);
            SHA256.HashData(input, output);
            // 64 bits for at most 2^40 blocks: the first are preferred by less than one in 2^24.
            chosen.Add((long)(BinaryPrimitives.ReadUInt64BigEndian(output) % (ulong)available));
        }

        return [.. chosen];
    }

    /// <summary>Begins the hash of the answer; <see cref="Append"/> each chosen block, in order.</summary>
    /// <remarks>
    /// The salt and the member come first: what was hashed before, or for somebody else, is of no use. The caller disposes of it.
    /// </remarks>
    public IncrementalHash Begin()
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("shoal custody 1\0"u8);
        hash.AppendData(Fields.Salt.Span);
        hash.AppendData(Fields.Content.Torrent.Span);
        hash.AppendData(Fields.Member.Span);
        return hash;
    }

    /// <summary>Adds a block to the hash.</summary>
    public static void Append(IncrementalHash hash, long block, ReadOnlySpan<byte> content)
    {
        ArgumentNullException.ThrowIfNull(hash);
        Span<byte> index = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(index, block);
        hash.AppendData(index);
        hash.AppendData(content);
    }

    private static bool IsSound(ChallengeFields fields) =>
        fields.Content.Version >= 1
        && fields.Salt.Length == CustodyLimits.SaltSize
        && fields.Blocks is >= 1 and <= CustodyLimits.MaxBlocks
        && fields.Expires > fields.Made
        && fields.Expires - fields.Made <= CustodyLimits.MaxLifetime;

    private static byte[] WriteBody(ChallengeFields fields)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("blocks"u8, fields.Blocks);
        writer.Entry("entry"u8, fields.Content.Entry.ToArray());
        writer.Entry("expires"u8, fields.Expires.ToUnixTimeSeconds());
        writer.Entry("made"u8, fields.Made.ToUnixTimeSeconds());
        writer.Entry("member"u8, fields.Member.Span);
        writer.Entry("publication"u8, fields.Content.Publication.Span);
        writer.Entry("salt"u8, fields.Salt.Span);
        writer.Entry("torrent"u8, fields.Content.Torrent.Span);
        writer.Entry("version"u8, fields.Content.Version);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private static ChallengeFields? ReadBody(ReadOnlySpan<byte> body)
    {
        Span<BencodeToken> table = stackalloc BencodeToken[48];
        if (
            !Bencode.TryParse(body, table, BencodeMode.Strict, out var root, out _)
            || root.Count != 9
            || !root.Find("blocks"u8).TryGetInteger(out var blocks)
            || !CustodyFields.TryReadContent(root, out var content)
            || !CustodyFields.TryReadTime(root, "expires"u8, out var expires)
            || !CustodyFields.TryReadTime(root, "made"u8, out var made)
            || !root.Find("member"u8).TryGetBytes(out var member)
            || !root.Find("salt"u8).TryGetBytes(out var salt)
            || member.Length != MemberId.Size
            || blocks is < 1 or > CustodyLimits.MaxBlocks
        )
        {
            return null;
        }

        return new ChallengeFields
        {
            Content = content,
            Member = new MemberId(member),
            Salt = salt.ToArray(),
            Blocks = (int)blocks,
            Made = made,
            Expires = expires,
        };
    }
}
