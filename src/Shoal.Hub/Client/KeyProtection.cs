using System.Security.Cryptography;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>A passphrase that keys on this machine lie under, as long as a command needs it.</summary>
public sealed class KeyProtection
{
    private readonly PassphraseSeal _seal;
    private readonly string _passphrase;
    private readonly bool _isDrawn;

    private KeyProtection(PassphraseSeal seal, string passphrase, bool isDrawn) =>
        (_seal, _passphrase, _isDrawn) = (seal, passphrase, isDrawn);

    /// <exception cref="LocalMembershipException">There is no libsodium on this machine.</exception>
    public static KeyProtection Of(string passphrase) => Of(passphrase, false);

    /// <summary>For tests, which have not a second for each.</summary>
    internal static KeyProtection Of(string passphrase, bool isDrawn) =>
        new(
            PassphraseSeal.TryLoad()
                ?? throw new LocalMembershipException(
                    "no-libsodium",
                    "passphrases need libsodium, which is not there (Debian: apt install libsodium23)"
                ),
            passphrase,
            isDrawn
        );

    /// <summary>Puts a secret under the passphrase; takes about a second.</summary>
    public byte[] Close(ReadOnlySpan<byte> secret)
    {
        var random = RandomNumberGenerator.GetBytes(PassphraseSeal.RandomSize);
        return _isDrawn ? _seal.SealUnderDrawn(secret, _passphrase, random) : _seal.Seal(secret, _passphrase, random);
    }

    /// <summary>Opens what lies under it; takes about a second.</summary>
    /// <param name="bytes">From a file.</param>
    /// <param name="file">What the message names.</param>
    /// <exception cref="LocalMembershipException">The passphrase is another, or the file was changed.</exception>
    public byte[] Open(ReadOnlySpan<byte> bytes, string file) =>
        _seal.TryOpen(bytes, _passphrase, out var secret) switch
        {
            MembershipFault.None => secret,
            MembershipFault.WrongPassphrase => throw new LocalMembershipException(
                "wrong-passphrase",
                $"{file}: this is not its passphrase, or the file was changed"
            ),
            _ => throw new LocalMembershipException("damaged", $"{file}: damaged"),
        };
}
