using System.Diagnostics.CodeAnalysis;
using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>
/// Ed25519 by libsodium, which the framework lacks. Loaded by name at run time, so that a machine without the library
/// can do everything else. Safe to use from any thread.
/// </summary>
internal sealed unsafe class Ed25519
{
    public const int SeedSize = 32;
    public const int PublicKeySize = 32;
    public const int SignatureSize = 64;

    private const int SecretKeySize = 64;

    private readonly delegate* unmanaged<byte*, byte*, ulong, byte*, int> _verify;
    private readonly delegate* unmanaged<byte*, ulong*, byte*, ulong, byte*, int> _sign;
    private readonly delegate* unmanaged<byte*, byte*, byte*, int> _keyPair;

    private Ed25519(nint verify, nint sign, nint keyPair)
    {
        _verify = (delegate* unmanaged<byte*, byte*, ulong, byte*, int>)verify;
        _sign = (delegate* unmanaged<byte*, ulong*, byte*, ulong, byte*, int>)sign;
        _keyPair = (delegate* unmanaged<byte*, byte*, byte*, int>)keyPair;
    }

    /// <summary>Finds the library.</summary>
    /// <param name="ed25519">Null when it is not there.</param>
    /// <param name="problem">What to tell the user then.</param>
    public static bool TryLoad([NotNullWhen(true)] out Ed25519? ed25519, out string problem)
    {
        _ = SodiumLibrary.TryLoad(out var library);
        return TryUse(library, out ed25519, out problem);
    }

    /// <summary>For tests: by other names.</summary>
    internal static bool TryLoad(
        IReadOnlyList<string> names,
        [NotNullWhen(true)] out Ed25519? ed25519,
        out string problem
    )
    {
        _ = SodiumLibrary.TryLoad(names, out var library);
        return TryUse(library, out ed25519, out problem);
    }

    private static bool TryUse(SodiumLibrary? library, [NotNullWhen(true)] out Ed25519? ed25519, out string problem)
    {
        if (
            library is not null
            && library.TryGet("crypto_sign_verify_detached", out var verify)
            && library.TryGet("crypto_sign_detached", out var sign)
            && library.TryGet("crypto_sign_seed_keypair", out var keyPair)
        )
        {
            ed25519 = new Ed25519(verify, sign, keyPair);
            problem = "";
            return true;
        }

        ed25519 = null;
        problem =
            "libsodium was not found, so mutable DHT items cannot be checked or signed; install it (Debian: libsodium23)";
        return false;
    }

    /// <summary>False for a wrong signature, and for keys and signatures of a wrong length.</summary>
    public bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeySize || signature.Length != SignatureSize)
        {
            return false;
        }

        fixed (byte* key = publicKey)
        fixed (byte* text = message)
        fixed (byte* proof = signature)
        {
            return _verify(proof, text, (ulong)message.Length, key) == 0;
        }
    }

    /// <param name="seed">The private key: <see cref="SeedSize"/> bytes.</param>
    /// <param name="message">What is signed.</param>
    public byte[] Sign(ReadOnlySpan<byte> seed, ReadOnlySpan<byte> message)
    {
        Span<byte> secret = stackalloc byte[SecretKeySize];
        CreateKeyPair(seed, secret);
        var signature = new byte[SignatureSize];
        fixed (byte* proof = signature)
        fixed (byte* text = message)
        fixed (byte* key = secret)
        {
            _ = _sign(proof, null, text, (ulong)message.Length, key);
        }

        secret.Clear();
        return signature;
    }

    /// <summary>The public key that goes with a seed.</summary>
    public byte[] PublicKey(ReadOnlySpan<byte> seed)
    {
        Span<byte> secret = stackalloc byte[SecretKeySize];
        var result = CreateKeyPair(seed, secret);
        secret.Clear();
        return result;
    }

    private byte[] CreateKeyPair(ReadOnlySpan<byte> seed, Span<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, SeedSize);
        var result = new byte[PublicKeySize];
        fixed (byte* publicKey = result)
        fixed (byte* secretKey = secret)
        fixed (byte* from = seed)
        {
            _ = _keyPair(publicKey, secretKey, from);
        }

        return result;
    }
}
