using System.Buffers;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>What an answer is worth to who asked.</summary>
public enum CustodyVerdict
{
    /// <summary>It is the right hash: the member could read those blocks.</summary>
    Proven,

    /// <summary>Another hash: what it has is not the content.</summary>
    Wrong,

    /// <summary>It says itself that it has not got all of it any more.</summary>
    Missing,

    /// <summary>To another challenge, of another member, forged, or no answer at all: it says nothing.</summary>
    Invalid,
}

/// <summary>A member's signed answer to a challenge. docs/formats/receipts.md describes the bytes.</summary>
public static class CustodyAnswer
{
    private static readonly byte[] Purpose = "shoal custody answer 1\0"u8.ToArray();

    private static ReadOnlySpan<byte> Name => "proof"u8;

    /// <summary>Signs.</summary>
    /// <param name="challenge">What it answers.</param>
    /// <param name="digest">The hash; empty: the blocks are not there.</param>
    /// <param name="now">By the member's clock.</param>
    /// <param name="identity">The member's key.</param>
    /// <param name="certificate">The member's, in DER.</param>
    public static byte[] Sign(
        CustodyChallenge challenge,
        ReadOnlySpan<byte> digest,
        DateTimeOffset now,
        MemberIdentity identity,
        ReadOnlySpan<byte> certificate
    )
    {
        ArgumentNullException.ThrowIfNull(challenge);
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("challenge"u8, challenge.Id.Span);
        writer.Entry("digest"u8, digest);
        writer.Entry("made"u8, now.ToUnixTimeSeconds());
        writer.End();
        return SignedStatement.Sign(Name, Purpose, output.WrittenSpan, identity, certificate);
    }

    /// <summary>Which challenge it names; null: it is none. Nothing is proven by that.</summary>
    public static Sha256Digest? ChallengeOf(ReadOnlySpan<byte> encoded) =>
        SignedStatement.TryRead(encoded, Name, CustodyLimits.MaxMessageLength, out var signed)
        && TryReadBody(signed.Body, out var challenge, out _, out _)
            ? challenge
            : null;

    /// <summary>Holds an answer against what it should be. Never throws.</summary>
    /// <param name="encoded">Of a stranger.</param>
    /// <param name="challenge">What was asked.</param>
    /// <param name="expected">The hash over our own copy.</param>
    /// <param name="verifier">Of the publication.</param>
    /// <param name="revoked">The newest list known.</param>
    public static CustodyVerdict Judge(
        ReadOnlySpan<byte> encoded,
        CustodyChallenge challenge,
        ReadOnlySpan<byte> expected,
        MembershipVerifier verifier,
        RevocationList? revoked
    )
    {
        ArgumentNullException.ThrowIfNull(challenge);
        if (
            !SignedStatement.TryRead(encoded, Name, CustodyLimits.MaxMessageLength, out var signed)
            || !TryReadBody(signed.Body, out var named, out var digest, out var made)
            || named != challenge.Id
        )
        {
            return CustodyVerdict.Invalid;
        }

        var verdict = signed.Check(Purpose, verifier, revoked, made);
        return !verdict.IsOk || verdict.Grant.Member != challenge.Fields.Member ? CustodyVerdict.Invalid
            : digest.IsEmpty ? CustodyVerdict.Missing
            : CryptographicOperations.FixedTimeEquals(digest, expected) ? CustodyVerdict.Proven
            : CustodyVerdict.Wrong;
    }

    private static bool TryReadBody(
        ReadOnlySpan<byte> body,
        out Sha256Digest challenge,
        out ReadOnlySpan<byte> digest,
        out DateTimeOffset made
    )
    {
        challenge = default;
        digest = default;
        made = default;
        // On the heap: what is read leads back to it.
        Span<BencodeToken> table = new BencodeToken[16];
        if (
            !Bencode.TryParse(body, table, BencodeMode.Strict, out var root, out _)
            || root.Count != 3
            || !root.Find("challenge"u8).TryGetBytes(out var named)
            || !root.Find("digest"u8).TryGetBytes(out digest)
            || !CustodyFields.TryReadTime(root, "made"u8, out made)
            || named.Length != SHA256.HashSizeInBytes
            || digest.Length is not (0 or SHA256.HashSizeInBytes)
        )
        {
            return false;
        }

        challenge = new Sha256Digest(named);
        return true;
    }
}
