using System.Security.Cryptography;
using System.Text;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>
/// The private half of a publication's key, in a file that only its owner can read: 64 hexadecimal digits and a line end,
/// the Ed25519 seed of RFC 8032; or the seed under a passphrase (<see cref="PassphraseSeal"/>). Whoever has the one, or the other and
/// its passphrase, can publish in its owner's name.
/// </summary>
public sealed class SigningKey
{
    // The digits and what an editor may have put behind them, or a sealed seed.
    private const int MaxFileLength = 1024;

    private readonly byte[] _seed;

    private SigningKey(string path, byte[] seed, byte[] publicKey, bool isNew)
    {
        _seed = seed;
        File = path;
        PublicKey = publicKey;
        IsNew = isNew;
    }

    /// <summary>Where it lies.</summary>
    public string File { get; }

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>It was made just now.</summary>
    public bool IsNew { get; }

    internal byte[] Seed => _seed;

    /// <summary>Reads the key; makes one when there is no such file.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="passphrase">What it lies under, or shall; null: nobody can be asked, and a new one lies under nothing.</param>
    /// <exception cref="PublicationException">
    /// The file is no key, others can read it, its passphrase is another, or there is no libsodium.
    /// </exception>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static SigningKey LoadOrCreate(string path, KeyPassphrase? passphrase = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!Ed25519.TryLoad(out var ed25519, out var problem))
        {
            throw new PublicationException("no-libsodium", problem);
        }

        var isNew = !System.IO.File.Exists(path);
        var seed = isNew ? Create(path, passphrase) : Read(path, passphrase);
        return new SigningKey(path, seed, ed25519.PublicKey(seed), isNew);
    }

    private static byte[] Create(string path, KeyPassphrase? passphrase)
    {
        PrivateFiles.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var seed = RandomNumberGenerator.GetBytes(Ed25519.SeedSize);
        // Durable before anybody hears of the public key: a key that is lost is a publication that never changes. Two
        // programs may do this at once: the second reads what the first wrote.
        var content = passphrase?.Protect is { } protect
            ? passphrase.Close(seed, protect())
            : Encoding.ASCII.GetBytes(Convert.ToHexStringLower(seed) + "\n");
        return PrivateFiles.TryWriteNew(path, content) ? seed : Read(path, passphrase);
    }

    private static byte[] Read(string path, KeyPassphrase? passphrase)
    {
        var bytes = ReadFile(path);
        if (PassphraseSeal.IsSealed(bytes))
        {
            return passphrase?.Protect is null
                ? Open(path, bytes, passphrase)
                : throw new PublicationException(
                    "already-protected",
                    $"{path}: this key lies under a passphrase already"
                );
        }

        var seed = new byte[Ed25519.SeedSize];
        var text = Encoding.ASCII.GetString(bytes).Trim();
        if (
            text.Length != 2 * Ed25519.SeedSize
            || Convert.FromHexString(text, seed, out _, out _) != System.Buffers.OperationStatus.Done
        )
        {
            throw new PublicationException(
                "not-a-key",
                $"{path}: this is no key (a line of {2 * Ed25519.SeedSize} hexadecimal digits)"
            );
        }

        if (passphrase?.Protect is { } protect)
        {
            PrivateFiles.Write(path, passphrase.Close(seed, protect()));
        }

        return seed;
    }

    private static byte[] Open(string path, byte[] bytes, KeyPassphrase? passphrase)
    {
        var ask =
            passphrase?.Ask
            ?? throw new PublicationException("passphrase-needed", $"{path}: the key lies under a passphrase");
        return KeyPassphrase.Seal().TryOpen(bytes, ask(), out var seed) switch
        {
            MembershipFault.None when seed.Length == Ed25519.SeedSize => seed,
            MembershipFault.WrongPassphrase => throw new PublicationException(
                "wrong-passphrase",
                $"{path}: this is not its passphrase, or the file was changed"
            ),
            _ => throw new PublicationException("not-a-key", $"{path}: this is no key under a passphrase"),
        };
    }

    private static byte[] ReadFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (PrivateFiles.IsOpenToOthers(file))
        {
            throw new PublicationException(
                "key-readable-by-others",
                $"{path}: others can read this key; if nobody has, 'chmod 600' makes it good again"
            );
        }

        var bytes = new byte[MaxFileLength + 1];
        var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= MaxFileLength ? bytes[..length] : [];
    }
}

/// <summary>The passphrase that a signing key lies under. It is asked for when it is needed, and kept by nobody.</summary>
public sealed class KeyPassphrase
{
    /// <summary>For the passphrase of a key that is there; null: nobody can be asked.</summary>
    public Func<string>? Ask { get; init; }

    /// <summary>For the passphrase that the key shall lie under from now on; null: it stays as it is.</summary>
    public Func<string>? Protect { get; init; }

    /// <summary>For tests, which have not a second for each: the passphrase is one that nobody guesses.</summary>
    internal bool IsDrawn { get; init; }

    internal static PassphraseSeal Seal() =>
        PassphraseSeal.TryLoad()
        ?? throw new PublicationException(
            "no-libsodium",
            "passphrases need libsodium, which is not there (Debian: apt install libsodium23)"
        );

    internal byte[] Close(byte[] seed, string passphrase)
    {
        var random = RandomNumberGenerator.GetBytes(PassphraseSeal.RandomSize);
        return IsDrawn ? Seal().SealUnderDrawn(seed, passphrase, random) : Seal().Seal(seed, passphrase, random);
    }
}
