using System.Diagnostics.CodeAnalysis;

namespace Shoal.Protocol;

/// <summary>
/// The place in the DHT where the owner of a key says which torrent is the current one (BEP 46), and says so again with
/// each new version: a public key, and perhaps a salt that tells several publications of one key apart.
/// </summary>
public sealed class PublicationName : IEquatable<PublicationName>
{
    /// <summary>Bytes of an Ed25519 public key.</summary>
    public const int KeySize = 32;

    /// <summary>BEP 44: "The salt string MUST NOT be longer than 64 bytes."</summary>
    public const int MaxSalt = 64;

    private readonly byte[] _key;
    private readonly byte[] _salt;

    /// <exception cref="ArgumentException">The key or the salt has an impossible length.</exception>
    public PublicationName(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        if (key.Length != KeySize)
        {
            throw new ArgumentException($"expected {KeySize} bytes, got {key.Length}", nameof(key));
        }

        if (salt.Length > MaxSalt)
        {
            throw new ArgumentException($"expected at most {MaxSalt} bytes, got {salt.Length}", nameof(salt));
        }

        _key = key.ToArray();
        _salt = salt.ToArray();
    }

    /// <summary><see cref="KeySize"/> bytes.</summary>
    public ReadOnlyMemory<byte> Key => _key;

    /// <summary>Empty when there is none.</summary>
    public ReadOnlyMemory<byte> Salt => _salt;

    /// <summary>The key as lower-case hexadecimal.</summary>
    public string KeyText => Convert.ToHexStringLower(_key);

    /// <summary>The salt as lower-case hexadecimal; null when there is none.</summary>
    public string? SaltText => _salt.Length == 0 ? null : Convert.ToHexStringLower(_salt);

    /// <summary>Reads what stands in a link.</summary>
    /// <param name="key">64 hexadecimal digits.</param>
    /// <param name="salt">Hexadecimal digits of up to <see cref="MaxSalt"/> bytes; null or empty: none.</param>
    /// <param name="name">The result.</param>
    /// <param name="error">A sentence for the user.</param>
    public static bool TryParse(
        string key,
        string? salt,
        [NotNullWhen(true)] out PublicationName? name,
        [NotNullWhen(false)] out string? error
    )
    {
        name = null;
        error = null;
        if (!TryParseHex(key, out var keyBytes) || keyBytes.Length != KeySize)
        {
            error = $"the public key (xs=urn:btpk:) is malformed: it has {2 * KeySize} hexadecimal digits";
            return false;
        }

        if (!TryParseHex(salt ?? "", out var saltBytes) || saltBytes.Length > MaxSalt)
        {
            error = $"the salt (s=) is malformed: it has pairs of hexadecimal digits, at most {MaxSalt} of them";
            return false;
        }

        name = new PublicationName(keyBytes, saltBytes);
        return true;
    }

    public bool Equals(PublicationName? other) =>
        other is not null && _key.AsSpan().SequenceEqual(other._key) && _salt.AsSpan().SequenceEqual(other._salt);

    public override bool Equals(object? obj) => Equals(obj as PublicationName);

    public override int GetHashCode() => BitConverter.ToInt32(_key);

    /// <summary>As it stands in a magnet link, without the salt.</summary>
    public override string ToString() => "urn:btpk:" + KeyText;

    private static bool TryParseHex(string text, out byte[] bytes)
    {
        bytes = new byte[text.Length / 2];
        return text.Length % 2 == 0
            && Convert.FromHexString(text, bytes, out _, out _) == System.Buffers.OperationStatus.Done;
    }
}
