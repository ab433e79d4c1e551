using System.Security.Cryptography;
using Shoal.Files;

namespace Shoal.Engine;

/// <summary>
/// The private half of a publication's key, in a file that only its owner can read: 64 hexadecimal digits and a line end,
/// the Ed25519 seed of RFC 8032. Whoever has the file can publish in its owner's name.
/// </summary>
public sealed class SigningKey
{
    // The digits and what an editor may have put behind them.
    private const int MaxFileLength = 80;

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
    /// <exception cref="PublicationException">The file is no key, others can read it, or there is no libsodium.</exception>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static SigningKey LoadOrCreate(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!Ed25519.TryLoad(out var ed25519, out var problem))
        {
            throw new PublicationException("no-libsodium", problem);
        }

        var isNew = !System.IO.File.Exists(path);
        var seed = isNew ? Create(path) : Read(path);
        return new SigningKey(path, seed, ed25519.PublicKey(seed), isNew);
    }

    private static byte[] Create(string path)
    {
        PrivateFiles.CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var seed = RandomNumberGenerator.GetBytes(Ed25519.SeedSize);
        // Durable before anybody hears of the public key: a key that is lost is a publication that never changes. Two
        // programs may do this at once: the second reads what the first wrote.
        var line = System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(seed) + "\n");
        return PrivateFiles.TryWriteNew(path, line) ? seed : Read(path);
    }

    private static byte[] Read(string path)
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
        var text = System.Text.Encoding.ASCII.GetString(bytes, 0, length).Trim();
        var seed = new byte[Ed25519.SeedSize];
        return
            length <= MaxFileLength
            && text.Length == 2 * Ed25519.SeedSize
            && Convert.FromHexString(text, seed, out _, out _) == System.Buffers.OperationStatus.Done
            ? seed
            : throw new PublicationException(
                "not-a-key",
                $"{path}: this is no key (a line of {2 * Ed25519.SeedSize} hexadecimal digits)"
            );
    }
}
