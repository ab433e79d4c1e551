using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What a policy means: docs/decisions/ says why. Whether a torrent is private makes no difference.</summary>
internal static class EncryptionRules
{
    /// <summary>Whether an incoming connection may be plain.</summary>
    public static bool AcceptsPlain(this EncryptionPolicy policy) => policy != EncryptionPolicy.Require;

    /// <summary>Whether an incoming connection may be encrypted.</summary>
    public static bool AcceptsEncrypted(this EncryptionPolicy policy) => policy != EncryptionPolicy.Off;

    /// <summary>How to call, best first; the next is tried, on a new connection, where the peer hangs up.</summary>
    public static IReadOnlyList<bool> EncryptedInOrder(this EncryptionPolicy policy) =>
        policy switch
        {
            EncryptionPolicy.Off => [false],
            EncryptionPolicy.Allow => [false, true],
            EncryptionPolicy.Prefer => [true, false],
            _ => [true],
        };

    /// <summary>What an encrypted call of ours offers for the bytes after the handshake.</summary>
    public static CryptoMethods Offer(this EncryptionPolicy policy) =>
        policy == EncryptionPolicy.Require ? CryptoMethods.Rc4 : CryptoMethods.Rc4 | CryptoMethods.Plaintext;

    /// <summary>What to choose of what a caller offers; None: no connection.</summary>
    public static CryptoMethods Choose(this EncryptionPolicy policy, CryptoMethods offered)
    {
        var (best, second) = policy switch
        {
            EncryptionPolicy.Allow => (CryptoMethods.Plaintext, CryptoMethods.Rc4),
            EncryptionPolicy.Prefer => (CryptoMethods.Rc4, CryptoMethods.Plaintext),
            EncryptionPolicy.Require => (CryptoMethods.Rc4, CryptoMethods.None),
            _ => (CryptoMethods.None, CryptoMethods.None),
        };
        return (offered & best) != 0 ? best : offered & second;
    }
}
