namespace Shoal.Protocol;

/// <summary>What is wrong with bytes that should be bencoding.</summary>
public enum BencodeFault : byte
{
    None,

    /// <summary>The bytes end within a value, or a string claims more bytes than there are.</summary>
    UnexpectedEnd,

    /// <summary>A byte that starts no value.</summary>
    ExpectedValue,

    /// <summary>A dictionary key that is not a string.</summary>
    ExpectedKey,
    ExpectedDigit,
    ExpectedColon,

    /// <summary>An integer that does not fit 64 bits signed, or a string length that does not fit 31 bits.</summary>
    Overflow,

    /// <summary>Nested deeper than <see cref="BencodeLimits.MaxDepth"/>.</summary>
    TooDeep,

    /// <summary>More values than <see cref="BencodeLimits.MaxTokens"/>, or than the caller's table holds.</summary>
    TooManyTokens,

    /// <summary>Bytes after the end of the value.</summary>
    TrailingData,

    /// <summary>Only in strict mode: an integer or length with a needless zero in front.</summary>
    LeadingZero,

    /// <summary>Only in strict mode: -0.</summary>
    NegativeZero,

    /// <summary>Only in strict mode: keys that are not in the order of their bytes.</summary>
    UnsortedKeys,

    /// <summary>Only in strict mode: a key that is there twice. In lenient mode look-ups find the first.</summary>
    DuplicateKey,
}

/// <summary>A fault and the offset of the byte where it shows.</summary>
public readonly record struct BencodeError(BencodeFault Fault, int Offset)
{
    public override string ToString() =>
        Fault switch
        {
            BencodeFault.None => "no error",
            BencodeFault.UnexpectedEnd => $"cut off at byte {Offset}",
            BencodeFault.ExpectedValue => $"expected a value at byte {Offset}",
            BencodeFault.ExpectedKey => $"expected a string as dictionary key at byte {Offset}",
            BencodeFault.ExpectedDigit => $"expected a digit at byte {Offset}",
            BencodeFault.ExpectedColon => $"expected ':' at byte {Offset}",
            BencodeFault.Overflow => $"number too large at byte {Offset}",
            BencodeFault.TooDeep => $"nested too deeply at byte {Offset}",
            BencodeFault.TooManyTokens => $"too many values, seen at byte {Offset}",
            BencodeFault.TrailingData => $"unexpected data after the end, from byte {Offset}",
            BencodeFault.LeadingZero => $"number with a leading zero at byte {Offset}",
            BencodeFault.NegativeZero => $"negative zero at byte {Offset}",
            BencodeFault.UnsortedKeys => $"dictionary keys out of order at byte {Offset}",
            BencodeFault.DuplicateKey => $"dictionary key repeated at byte {Offset}",
            _ => $"{Fault} at byte {Offset}",
        };
}

/// <summary>How to treat encodings that can be understood but are not canonical.</summary>
public enum BencodeMode : byte
{
    /// <summary>Leading zeros, -0, unsorted and repeated keys are errors.</summary>
    Strict,

    /// <summary>
    /// They are accepted and remembered (<see cref="BencodeDocument.Deviation"/>): for messages of peers and
    /// trackers, and for v1 torrents, which other clients accept as well.
    /// </summary>
    Lenient,
}

/// <summary>Bounds on what a bencoded value may cost.</summary>
public sealed record BencodeLimits
{
    public static BencodeLimits Default { get; } = new();

    /// <summary>
    /// Lists and dictionaries within each other. Default 100: deeper than any torrent's folders. Beyond it:
    /// <see cref="BencodeFault.TooDeep"/>.
    /// </summary>
    public int MaxDepth { get; init; } = 100;

    /// <summary>
    /// Values in all, keys included; each takes 16 bytes of memory, so the default of 3,000,000 bounds the table
    /// to 48 MB. Beyond it: <see cref="BencodeFault.TooManyTokens"/>.
    /// </summary>
    public int MaxTokens { get; init; } = 3_000_000;
}
