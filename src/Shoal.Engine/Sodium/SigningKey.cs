using System.Security.Cryptography;

namespace Shoal.Engine;

/// <summary>
/// The private half of a publication's key, in a file that only its owner can read: 64 hexadecimal digits and a line end,
/// the Ed25519 seed of RFC 8032. Whoever has the file can publish in its owner's name.
/// </summary>
public sealed class SigningKey
{
    // The digits and what an editor may have put behind them.
    private const int MaxFileLength = 80;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

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
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
        {
            _ = OperatingSystem.IsWindows()
                ? Directory.CreateDirectory(folder)
                : Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }

        var seed = RandomNumberGenerator.GetBytes(Ed25519.SeedSize);
        var temporary = $"{path}.{Environment.ProcessId}.new";
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            // Durable before anybody hears of the public key: a key that is lost is a publication that never changes.
            using (var file = new FileStream(temporary, options))
            {
                file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(seed) + "\n"));
                file.Flush(flushToDisk: true);
            }

            // Two programs may do this at once: the first wins, and the second reads what the first wrote.
            System.IO.File.Move(temporary, path, overwrite: false);
            return seed;
        }
        catch (IOException) when (System.IO.File.Exists(path))
        {
            return Read(path);
        }
        finally
        {
            System.IO.File.Delete(temporary);
        }
    }

    private static byte[] Read(string path)
    {
        if (
            !OperatingSystem.IsWindows()
            && (System.IO.File.GetUnixFileMode(path) & ~(OwnerOnly | UnixFileMode.UserExecute)) is not UnixFileMode.None
        )
        {
            throw new PublicationException(
                "key-readable-by-others",
                $"{path}: others can read this key; if nobody has, 'chmod 600' makes it good again"
            );
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
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
