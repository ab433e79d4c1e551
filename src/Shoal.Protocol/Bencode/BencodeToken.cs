namespace Shoal.Protocol;

public enum BencodeKind : byte
{
    /// <summary>There is no such value: what a look-up of a missing key gives.</summary>
    None,
    Integer,
    String,
    List,
    Dictionary,
}

/// <summary>
/// One value in a token table: where it lies in the bytes, and where the next value after it stands in the
/// table. Made by the tokenizer only; readers use <see cref="BencodeNode"/>.
/// </summary>
public readonly record struct BencodeToken
{
    /// <summary>Offset of the value's first byte ('i', 'l', 'd' or the first digit of a length).</summary>
    internal int Offset { get; init; }

    /// <summary>Bytes of the whole encoded value.</summary>
    internal int Length { get; init; }

    /// <summary>Index of the first token that is not part of this value.</summary>
    internal int Next { get; init; }

    /// <summary>Strings: offset of the content. Lists: number of elements. Dictionaries: number of keys.</summary>
    internal int Payload { get; init; }
}
