using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// What one side draws for one handshake: its private exponent, and how long its paddings are. Used once.
/// </summary>
/// <param name="Exponent"><see cref="DiffieHellman.ExponentSize"/> bytes.</param>
/// <param name="Padding">Follows our public key: 0 to 512 random bytes.</param>
/// <param name="SecondPadding">
/// Length of the padding within the encrypted part (PadC or PadD), 0 to 512. MSE reserves its content for later
/// versions: zeros.
/// </param>
public sealed record MseSecrets(byte[] Exponent, byte[] Padding, int SecondPadding)
{
    /// <summary>Random bytes that <see cref="From"/> takes.</summary>
    public const int RandomSize = DiffieHellman.ExponentSize + 4 + MseSizes.MaxPadding;

    /// <param name="random"><see cref="RandomSize"/> bytes that nobody can predict.</param>
    public static MseSecrets From(ReadOnlySpan<byte> random)
    {
        var lengths = random[DiffieHellman.ExponentSize..];
        var first = BinaryPrimitives.ReadUInt16BigEndian(lengths) % (MseSizes.MaxPadding + 1);
        var second = BinaryPrimitives.ReadUInt16BigEndian(lengths[2..]) % (MseSizes.MaxPadding + 1);
        return new MseSecrets(
            random[..DiffieHellman.ExponentSize].ToArray(),
            lengths.Slice(4, first).ToArray(),
            second
        );
    }
}

/// <summary>The hashes that the handshake is made of.</summary>
internal static class MseHashes
{
    /// <summary>MSE: HASH('req1', S).</summary>
    public static Sha1Digest Req1(ReadOnlySpan<byte> secret) => Of("req1"u8, secret);

    /// <summary>MSE: HASH('req2', SKEY), where SKEY is the infohash.</summary>
    public static Sha1Digest Req2(InfoHash name) => Of("req2"u8, name.Span);

    /// <summary>MSE: HASH('req2', SKEY) xor HASH('req3', S); the same takes the mask off again.</summary>
    public static Sha1Digest Mask(Sha1Digest req2, ReadOnlySpan<byte> secret)
    {
        var mask = Of("req3"u8, secret);
        Span<byte> masked = stackalloc byte[Sha1Digest.Size];
        for (var i = 0; i < masked.Length; i++)
        {
            masked[i] = (byte)(req2.Span[i] ^ mask.Span[i]);
        }

        return new Sha1Digest(masked);
    }

    /// <summary>MSE: HASH('keyA', S, SKEY) is the key of the cipher of what the side that called sends.</summary>
    public static Rc4 CallersCipher(ReadOnlySpan<byte> secret, InfoHash name) => Cipher("keyA"u8, secret, name);

    /// <summary>MSE: HASH('keyB', S, SKEY) is the key of the cipher of what the side that was called sends.</summary>
    public static Rc4 AnswerersCipher(ReadOnlySpan<byte> secret, InfoHash name) => Cipher("keyB"u8, secret, name);

    private static Rc4 Cipher(ReadOnlySpan<byte> label, ReadOnlySpan<byte> secret, InfoHash name)
    {
        Span<byte> rest = stackalloc byte[DiffieHellman.KeySize + InfoHash.Size];
        secret.CopyTo(rest);
        name.CopyTo(rest[DiffieHellman.KeySize..]);
        return new Rc4(Of(label, rest).Span);
    }

    private static Sha1Digest Of(ReadOnlySpan<byte> label, ReadOnlySpan<byte> rest)
    {
        Span<byte> input = stackalloc byte[label.Length + rest.Length];
        label.CopyTo(input);
        rest.CopyTo(input[label.Length..]);
        Span<byte> digest = stackalloc byte[Sha1Digest.Size];
        System.Security.Cryptography.SHA1.HashData(input, digest);
        return new Sha1Digest(digest);
    }
}
