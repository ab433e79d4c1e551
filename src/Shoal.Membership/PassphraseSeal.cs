using System.Buffers;
using System.Text;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>
/// A secret under a passphrase: Argon2id makes a key of the passphrase, XChaCha20-Poly1305 seals the secret with it. By
/// libsodium. docs/formats/membership.md describes the bytes. Opening takes about a second and 256 MiB, on purpose.
/// </summary>
public sealed unsafe class PassphraseSeal
{
    /// <summary>Random bytes that sealing needs: a salt and a nonce.</summary>
    public const int RandomSize = SaltSize + NonceSize;

    /// <summary>Random bytes that <see cref="DrawPassphrase"/> needs.</summary>
    public const int DrawSize = 16;

    private const int SaltSize = 16;
    private const int NonceSize = 24;
    private const int KeySize = 32;
    private const int TagSize = 16;

    // libsodium's "moderate": 3 passes over 256 MiB.
    private const long Passes = 3;
    private const long Memory = 256L * 1024 * 1024;

    // Who made the file chose what opening it costs; beyond this it is none of ours.
    private const long MaxPasses = 16;
    private const long MinMemory = 8 * 1024;
    private const long MaxMemory = 1024L * 1024 * 1024;
    private const int MaxSealedLength = 16 * 1024 * 1024;

    // Digits of base32 in a passphrase that was drawn: 125 bits.
    private const int DrawnDigits = 25;
    private const int DrawnGroup = 5;

    // crypto_pwhash_ALG_ARGON2ID13
    private const int Argon2Id = 2;

    private static readonly string Kdf = "argon2id13";

    private readonly delegate* unmanaged<byte*, ulong, byte*, ulong, byte*, ulong, nuint, int, int> _hash;

    private readonly delegate* unmanaged<byte*, ulong*, byte*, ulong, byte*, ulong, byte*, byte*, byte*, int> _seal;
    private readonly delegate* unmanaged<byte*, ulong*, byte*, byte*, ulong, byte*, ulong, byte*, byte*, int> _open;

    private PassphraseSeal(nint hash, nint seal, nint open)
    {
        _hash = (delegate* unmanaged<byte*, ulong, byte*, ulong, byte*, ulong, nuint, int, int>)hash;
        _seal = (delegate* unmanaged<byte*, ulong*, byte*, ulong, byte*, ulong, byte*, byte*, byte*, int>)seal;
        _open = (delegate* unmanaged<byte*, ulong*, byte*, byte*, ulong, byte*, ulong, byte*, byte*, int>)open;
    }

    /// <summary>Null: there is no libsodium on this machine (Debian: libsodium23).</summary>
    public static PassphraseSeal? TryLoad() =>
        SodiumLibrary.TryLoad(out var sodium)
        && sodium.TryGet("crypto_pwhash", out var hash)
        && sodium.TryGet("crypto_aead_xchacha20poly1305_ietf_encrypt", out var seal)
        && sodium.TryGet("crypto_aead_xchacha20poly1305_ietf_decrypt", out var open)
            ? new PassphraseSeal(hash, seal, open)
            : null;

    /// <summary>Seals a secret.</summary>
    /// <param name="secret">Up to 16 MiB.</param>
    /// <param name="passphrase">As typed; hashed as UTF-8.</param>
    /// <param name="random"><see cref="RandomSize"/> random bytes, never used before.</param>
    public byte[] Seal(ReadOnlySpan<byte> secret, string passphrase, ReadOnlySpan<byte> random) =>
        Seal(secret, passphrase, random, Passes, Memory);

    /// <summary>
    /// Seals a secret under a passphrase of <see cref="DrawPassphrase"/>. Nobody guesses that one, however fast he tries, so
    /// thousands can be sealed in seconds.
    /// </summary>
    public byte[] SealUnderDrawn(ReadOnlySpan<byte> secret, string passphrase, ReadOnlySpan<byte> random) =>
        Seal(secret, passphrase, random, 1, MinMemory);

    /// <summary>A passphrase that nobody guesses, in groups that can be read out: 16 random bytes as five times five digits.</summary>
    public static string DrawPassphrase(ReadOnlySpan<byte> random)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, DrawSize);
        var digits = Base32.Write(random)[..DrawnDigits];
        return string.Join('-', digits.Chunk(DrawnGroup).Select(group => new string(group)));
    }

    /// <summary>Whether this is a sealed secret, as opposed to a plain one.</summary>
    public static bool IsSealed(ReadOnlySpan<byte> bytes) => bytes.StartsWith("d6:cipher"u8);

    /// <summary>Opens what was sealed.</summary>
    public MembershipFault TryOpen(ReadOnlySpan<byte> bytes, string passphrase, out byte[] secret)
    {
        secret = [];
        Span<BencodeToken> table = stackalloc BencodeToken[32];
        if (
            bytes.Length > MaxSealedLength + 1024
            || !Bencode.TryParse(bytes, table, BencodeMode.Strict, out var root, out _)
            || root.Find("cipher"u8).TextOrNull() != Cipher
            || root.Find("kdf"u8).TextOrNull() != Kdf
            || root.Find("memory"u8).IntegerOr(0) is not (>= MinMemory and <= MaxMemory and var memory)
            || root.Find("passes"u8).IntegerOr(0) is not (>= 1 and <= MaxPasses and var passes)
            || !root.Find("nonce"u8).TryGetBytes(out var nonce)
            || !root.Find("salt"u8).TryGetBytes(out var salt)
            || !root.Find("sealed"u8).TryGetBytes(out var closed)
            || nonce.Length != NonceSize
            || salt.Length != SaltSize
            || closed.Length < TagSize
        )
        {
            return MembershipFault.Malformed;
        }

        Span<byte> key = stackalloc byte[KeySize];
        Derive(passphrase, salt, passes, memory, key);
        var about = About(passes, memory, salt, nonce);
        var opened = new byte[closed.Length - TagSize];
        int result;
        fixed (byte* output = Room(opened))
        fixed (byte* input = closed)
        fixed (byte* extra = about)
        fixed (byte* n = nonce)
        fixed (byte* k = key)
        {
            result = _open(output, null, null, input, (ulong)closed.Length, extra, (ulong)about.Length, n, k);
        }

        key.Clear();
        secret = result == 0 ? opened : [];
        return result == 0 ? MembershipFault.None : MembershipFault.WrongPassphrase;
    }

    private const string Cipher = "xchacha20poly1305";

    /// <summary>For tests, which have not a second for each.</summary>
    internal byte[] Seal(
        ReadOnlySpan<byte> secret,
        string passphrase,
        ReadOnlySpan<byte> random,
        long passes,
        long memory
    )
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(random.Length, RandomSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(secret.Length, MaxSealedLength);
        var salt = random[..SaltSize];
        var nonce = random[SaltSize..];
        Span<byte> key = stackalloc byte[KeySize];
        Derive(passphrase, salt, passes, memory, key);
        var about = About(passes, memory, salt, nonce);
        var closed = new byte[secret.Length + TagSize];
        fixed (byte* output = closed)
        fixed (byte* input = Room(secret))
        fixed (byte* extra = about)
        fixed (byte* n = nonce)
        fixed (byte* k = key)
        {
            _ = _seal(output, null, input, (ulong)secret.Length, extra, (ulong)about.Length, null, n, k);
        }

        key.Clear();
        return Write(passes, memory, salt, nonce, closed);
    }

    private void Derive(string passphrase, ReadOnlySpan<byte> salt, long passes, long memory, Span<byte> key)
    {
        var text = Encoding.UTF8.GetBytes(passphrase);
        int result;
        fixed (byte* output = key)
        fixed (byte* words = Room(text))
        fixed (byte* with = salt)
        {
            result = _hash(output, KeySize, words, (ulong)text.Length, with, (ulong)passes, (nuint)memory, Argon2Id);
        }

        Array.Clear(text);
        if (result != 0)
        {
            throw new InsufficientMemoryException($"{memory} bytes of memory are needed to check a passphrase");
        }
    }

    // What is not secret is sealed along: nobody changes it unnoticed.
    private static byte[] About(long passes, long memory, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> nonce) =>
        Write(passes, memory, salt, nonce, []);

    private static byte[] Write(
        long passes,
        long memory,
        ReadOnlySpan<byte> salt,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> closed
    )
    {
        var output = new ArrayBufferWriter<byte>(closed.Length + 256);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("cipher"u8, Cipher);
        writer.Entry("kdf"u8, Kdf);
        writer.Entry("memory"u8, memory);
        writer.Entry("nonce"u8, nonce);
        writer.Entry("passes"u8, passes);
        writer.Entry("salt"u8, salt);
        writer.Entry("sealed"u8, closed);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    // An empty span has no address; any will do for no bytes.
    private static ReadOnlySpan<byte> Room(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? " "u8 : bytes;

    private static Span<byte> Room(byte[] bytes) => bytes.Length == 0 ? new byte[1] : bytes;
}
