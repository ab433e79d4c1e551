using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// A cursor on one value of a parsed message. The default value stands for "not there": its kind is
/// <see cref="BencodeKind.None"/> and every look-up in it finds nothing, so look-ups can be chained.
/// </summary>
public readonly ref struct BencodeNode
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly ReadOnlySpan<BencodeToken> _tokens;

    internal BencodeNode(ReadOnlySpan<byte> data, ReadOnlySpan<BencodeToken> tokens, int index)
    {
        _data = data;
        _tokens = tokens;
        Index = index;
    }

    /// <summary>Place in the token table.</summary>
    internal int Index { get; }

    /// <summary>Place in the token table of what follows this value.</summary>
    internal int Next => Token.Next;

    public bool Exists => !_tokens.IsEmpty;

    public BencodeKind Kind =>
        _tokens.IsEmpty
            ? BencodeKind.None
            : _data[Token.Offset] switch
            {
                (byte)'i' => BencodeKind.Integer,
                (byte)'l' => BencodeKind.List,
                (byte)'d' => BencodeKind.Dictionary,
                _ => BencodeKind.String,
            };

    public bool IsDictionary => Kind == BencodeKind.Dictionary;

    public bool IsList => Kind == BencodeKind.List;

    public bool IsString => Kind == BencodeKind.String;

    public bool IsInteger => Kind == BencodeKind.Integer;

    /// <summary>Offset of the value in the data, in bytes.</summary>
    public int Offset => _tokens.IsEmpty ? 0 : Token.Offset;

    /// <summary>The encoded value, exactly as found.</summary>
    public ReadOnlySpan<byte> Raw => _tokens.IsEmpty ? default : _data.Slice(Token.Offset, Token.Length);

    /// <summary>Elements of a list or keys of a dictionary; else 0.</summary>
    public int Count => IsList || IsDictionary ? Token.Payload : 0;

    /// <summary>Content of a string; empty for anything else.</summary>
    public ReadOnlySpan<byte> Bytes => IsString ? _data[Token.Payload..(Token.Offset + Token.Length)] : default;

    /// <summary>Where <see cref="Bytes"/> lies in the data.</summary>
    internal Range BytesRange => IsString ? Token.Payload..(Token.Offset + Token.Length) : default;

    private BencodeToken Token => _tokens[Index];

    public bool TryGetBytes(out ReadOnlySpan<byte> bytes)
    {
        bytes = Bytes;
        return IsString;
    }

    public bool TryGetInteger(out long value)
    {
        value = 0;
        if (!IsInteger)
        {
            return false;
        }

        // The tokenizer checked that the digits fit.
        var digits = _data.Slice(Token.Offset + 1, Token.Length - 2);
        var negative = digits[0] == (byte)'-';
        foreach (var digit in negative ? digits[1..] : digits)
        {
            value = unchecked(value * 10 + (negative ? '0' - digit : digit - '0'));
        }

        return true;
    }

    /// <summary>The integer, or <paramref name="otherwise"/> if this is none.</summary>
    public long IntegerOr(long otherwise) => TryGetInteger(out var value) ? value : otherwise;

    /// <summary>
    /// The string's bytes as UTF-8, invalid sequences replaced by U+FFFD; null if this is no string.
    /// </summary>
    public string? TextOrNull() => IsString ? Encoding.UTF8.GetString(Bytes) : null;

    /// <summary>
    /// The value of a key of a dictionary, the first if there are several; "not there" if there is none or if
    /// this is no dictionary. Takes time linear in the number of keys.
    /// </summary>
    public BencodeNode Find(ReadOnlySpan<byte> key)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key.SequenceEqual(key))
            {
                return entry.Value;
            }
        }

        return default;
    }

    /// <summary>The elements of a list; none if this is no list.</summary>
    public ElementEnumerator Elements => new(this, IsList);

    /// <summary>Keys and values of a dictionary as they stand; none if this is no dictionary.</summary>
    public EntryEnumerator Entries => new(this, IsDictionary);

    private BencodeNode At(int index) => new(_data, _tokens, index);

    public ref struct ElementEnumerator
    {
        private readonly BencodeNode _list;
        private int _next;
        private readonly int _end;

        internal ElementEnumerator(BencodeNode list, bool any)
        {
            _list = list;
            _next = list.Index + 1;
            _end = any ? list.Token.Next : _next;
        }

        public BencodeNode Current { get; private set; }

        public readonly ElementEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next >= _end)
            {
                return false;
            }

            Current = _list.At(_next);
            _next = Current.Token.Next;
            return true;
        }
    }

    public readonly ref struct Entry
    {
        internal Entry(BencodeNode key, BencodeNode value)
        {
            KeyNode = key;
            Value = value;
        }

        public ReadOnlySpan<byte> Key => KeyNode.Bytes;

        public BencodeNode Value { get; }

        internal BencodeNode KeyNode { get; }
    }

    public ref struct EntryEnumerator
    {
        private readonly BencodeNode _dictionary;
        private int _next;
        private readonly int _end;

        internal EntryEnumerator(BencodeNode dictionary, bool any)
        {
            _dictionary = dictionary;
            _next = dictionary.Index + 1;
            _end = any ? dictionary.Token.Next : _next;
        }

        public Entry Current { get; private set; }

        public readonly EntryEnumerator GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_next >= _end)
            {
                return false;
            }

            var value = _dictionary.At(_next + 1);
            Current = new Entry(_dictionary.At(_next), value);
            _next = value.Token.Next;
            return true;
        }
    }
}
