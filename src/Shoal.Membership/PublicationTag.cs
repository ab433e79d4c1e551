using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>
/// What a member calls another with: the server name of the TLS handshake, the only part of it that everybody on the way can
/// read. It shows who knows the publication's key, and nothing to who does not: no two tags are alike, and a tag is good
/// for its hour and the one before and after, since clocks differ.
/// </summary>
/// <remarks>
/// 10 random bytes, and 15 of the HMAC-SHA-256 under the publication's key of a purpose, the hour and these bytes: 40 digits of base32. A
/// random part makes tags of one hour unlike each other: else all connections of one publication could be told by it.
/// </remarks>
public static class PublicationTag
{
    /// <summary>Length of the publication's key in bytes.</summary>
    public const int KeySize = 32;

    /// <summary>Random bytes that a tag needs.</summary>
    public const int NonceSize = 10;

    /// <summary>Characters of a tag.</summary>
    public const int Length = 40;

    /// <summary>How long a tag is good, by one clock; by others an hour more or less.</summary>
    public static readonly TimeSpan Epoch = TimeSpan.FromHours(1);

    private const int ProofSize = 15;

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

    /// <summary>Whether somebody who knows the key made the tag within about an hour.</summary>
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
        for (var epoch = EpochOf(now) - 1; epoch <= EpochOf(now) + 1; epoch++)
        {
            Prove(key, bytes[..NonceSize], epoch, proof);
            isGood |= CryptographicOperations.FixedTimeEquals(proof, bytes[NonceSize..]);
        }

        return isGood;
    }

    /// <summary>
    /// What the one who is called shows along with a key of his, before the caller says who he is: he knows the
    /// publication's key too, and the caller's tag.
    /// </summary>
    /// <param name="key">The publication's.</param>
    /// <param name="subjectPublicKeyInfo">The public key that he proves to have.</param>
    public static byte[] Answer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        Span<byte> purposeKey = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, "shoal answer 1"u8, purposeKey);
        return HMACSHA256.HashData(purposeKey, subjectPublicKeyInfo);
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
