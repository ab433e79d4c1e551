namespace Shoal.Protocol;

/// <summary>
/// A parsed bencoded value: the original bytes and the table of what is where in them. Nothing is copied:
/// the bytes must not change while the document is used.
/// </summary>
public sealed class BencodeDocument
{
    private readonly BencodeToken[] _tokens;
    private readonly int _count;

    private BencodeDocument(ReadOnlyMemory<byte> data, BencodeToken[] tokens, int count, BencodeError deviation)
    {
        Data = data;
        _tokens = tokens;
        _count = count;
        Deviation = deviation;
    }

    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>The outermost value.</summary>
    public BencodeNode Root => NodeAt(0);

    /// <summary>Lenient mode: the first encoding that is not canonical; Fault None if there is none.</summary>
    public BencodeError Deviation { get; }

    /// <summary>Parses a value that fills <paramref name="data"/>.</summary>
    /// <param name="allowTrailing">
    /// Accept bytes after the value; it ends where <see cref="Root"/>'s <see cref="BencodeNode.Raw"/> does.
    /// </param>
    public static bool TryParse(
        ReadOnlyMemory<byte> data,
        BencodeMode mode,
        BencodeLimits limits,
        out BencodeDocument document,
        out BencodeError error,
        bool allowTrailing = false
    )
    {
        ArgumentNullException.ThrowIfNull(limits);
        var tokenizer = new BencodeTokenizer(data.Span, [], limits, mode);
        document = null!;
        if (!tokenizer.Run())
        {
            error = tokenizer.Error;
            return false;
        }

        var tokens = tokenizer.Grown ?? [];
        var end = tokens[0].Length;
        if (end != data.Length && !allowTrailing)
        {
            error = new BencodeError(BencodeFault.TrailingData, end);
            return false;
        }

        error = default;
        document = new BencodeDocument(data, tokens, tokenizer.Count, tokenizer.Deviation);
        return true;
    }

    /// <summary>The node whose <see cref="BencodeNode.Index"/> is given.</summary>
    internal BencodeNode NodeAt(int index) => new(Data.Span, _tokens.AsSpan(0, _count), index);
}

/// <summary>Parsing of small messages into a table of the caller, without allocating.</summary>
public static class Bencode
{
    /// <summary>
    /// Parses a value at the front of <paramref name="data"/> into <paramref name="table"/>, usually from the
    /// stack; more values than fit are <see cref="BencodeFault.TooManyTokens"/>.
    /// </summary>
    /// <param name="allowTrailing">
    /// Accept bytes after the value; it ends where the root's <see cref="BencodeNode.Raw"/> does.
    /// </param>
    public static bool TryParse(
        ReadOnlySpan<byte> data,
        Span<BencodeToken> table,
        BencodeMode mode,
        out BencodeNode root,
        out BencodeError error,
        bool allowTrailing = false
    )
    {
        var tokenizer = new BencodeTokenizer(data, table, null, mode);
        root = default;
        if (!tokenizer.Run())
        {
            error = tokenizer.Error;
            return false;
        }

        if (table[0].Length != data.Length && !allowTrailing)
        {
            error = new BencodeError(BencodeFault.TrailingData, table[0].Length);
            return false;
        }

        error = default;
        root = new BencodeNode(data, table[..tokenizer.Count], 0);
        return true;
    }
}
