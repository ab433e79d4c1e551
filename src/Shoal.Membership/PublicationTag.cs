using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>
/// What a member calls another with: the server name of the TLS handshake, the only part of it that everybody on the way can
/// read. It shows who knows the publication's key, and nothing to who does not: no two tags are alike, and a tag is good
/// for about a day, since clocks differ by so much.
/// </summary>
/// <remarks>
/// 10 random bytes, and 15 of the HMAC-SHA-256 under the publication's key of a purpose, the epoch and these bytes: 40 digits of base32.
/// A random part makes tags of one epoch unlike each other: else all connections of one publication could be told by it.
/// </remarks>
public static class PublicationTag
{
    /// <summary>Length of the publication's key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>Random bytes that a tag needs.</summary>
    public const int NonceSize = 10;

    /// <summary>Characters of a tag.</summary>
    public const int Length = 40;

    /// <summary>How long tags are made of the same time.</summary>
    public static readonly TimeSpan Epoch = TimeSpan.FromHours(4);

    /// <summary>
    /// How many epochs before and after ours are good: a clock that is a day and four hours off, as with certificates.
    /// </summary>
    private const int Reach = 7;

    private const int ProofSize = 15;
    private const int AnswerSize = 16;

    /// <summary>A new tag.</summary>
    /// <param name="key">The publication's; <see cref="KeySize"/> bytes.</param>
    /// <param name="nonce"><see cref="NonceSize"/> random bytes.</param>
    /// <param name="now">By our clock.</param>
    public static string Create(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, NonceSize);
        Span<byte> bytes = stackalloc byte[NonceSize + ProofSize];
        nonce.CopyTo(bytes);
        Prove(key, nonce, EpochOf(now), bytes[NonceSize..]);
        return Base32.Write(bytes);
    }

    /// <summary>Whether somebody who knows the key made the tag within about a day.</summary>
    public static bool IsGood(ReadOnlySpan<char> tag, ReadOnlySpan<byte> key, DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[NonceSize + ProofSize];
        if (!Base32.TryRead(tag, bytes))
        {
            return false;
        }

        // Each epoch is looked at, whichever fits: how long it takes says nothing.
        var isGood = false;
        Span<byte> proof = stackalloc byte[ProofSize];
        for (var epoch = EpochOf(now) - Reach; epoch <= EpochOf(now) + Reach; epoch++)
        {
            Prove(key, bytes[..NonceSize], epoch, proof);
            isGood |= CryptographicOperations.FixedTimeEquals(proof, bytes[NonceSize..]);
        }

        return isGood;
    }

    /// <summary>
    /// What the one who is called shows before the caller says who he is: the serial number of the certificate that he answers
    /// with. It proves that he knows the publication's key; TLS proves that he has the certificate's.
    /// </summary>
    /// <param name="key">The publication's.</param>
    /// <param name="subjectPublicKeyInfo">The certificate's.</param>
    public static byte[] Answer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> purposeKey = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, "shoal answer 1"u8, purposeKey);
        var whole = HMACSHA256.HashData(purposeKey, subjectPublicKeyInfo)[..AnswerSize];
        // RFC 5280: a serial number is positive, and DER has no leading zeros.
        whole[0] = (byte)(whole[0] & 0x7F | 0x40);
        return whole;
    }

    private static long EpochOf(DateTimeOffset now) => now.ToUnixTimeSeconds() / (long)Epoch.TotalSeconds;

    private static void Prove(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, long epoch, Span<byte> proof)
    {
        Span<byte> message = stackalloc byte[11 + sizeof(long) + NonceSize];
        "shoal tag 1"u8.CopyTo(message);
        BinaryPrimitives.WriteInt64BigEndian(message[11..], epoch);
        nonce.CopyTo(message[(11 + sizeof(long))..]);
        Span<byte> whole = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, message, whole);
        whole[..proof.Length].CopyTo(proof);
    }
}
