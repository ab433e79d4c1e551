namespace Shoal.Protocol;

/// <summary>
/// Cuts bencoding into a flat table of tokens, in one pass and without recursion. The table grows with the
/// bytes that were really there, never with a length that was only claimed.
/// </summary>
internal ref struct BencodeTokenizer
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly int _maxTokens;
    private readonly int _maxDepth;
    private readonly bool _lenient;
    private Span<BencodeToken> _table;
    private int _position;

    /// <param name="data">The bytes.</param>
    /// <param name="table">Where tokens go.</param>
    /// <param name="limits">The table may grow up to MaxTokens; null: it may not grow.</param>
    /// <param name="mode">Whether deviations are errors.</param>
    public BencodeTokenizer(ReadOnlySpan<byte> data, Span<BencodeToken> table, BencodeLimits? limits, BencodeMode mode)
    {
        _data = data;
        _table = table;
        _maxTokens = limits?.MaxTokens ?? table.Length;
        _maxDepth = (limits ?? BencodeLimits.Default).MaxDepth;
        _lenient = mode == BencodeMode.Lenient;
    }

    private struct Frame
    {
        public int Token;
        public int Children;

        /// <summary>Token of the last key seen; -1 before the first. Lists: unused.</summary>
        public int LastKey;
        public bool IsDictionary;
        public bool AwaitsValue;
    }

    /// <summary>Tokens made.</summary>
    public int Count { get; private set; }

    /// <summary>The table, if it had to grow beyond the caller's.</summary>
    public BencodeToken[]? Grown { get; private set; }

    public BencodeError Error { get; private set; }

    /// <summary>Lenient mode: the first deviation that was accepted.</summary>
    public BencodeError Deviation { get; private set; }

    /// <summary>Reads one value from the front of the data. False: see <see cref="Error"/>.</summary>
    public bool Run()
    {
        Span<Frame> stack = _maxDepth <= 128 ? stackalloc Frame[_maxDepth] : new Frame[_maxDepth];
        var depth = 0;
        while (true)
        {
            if (_position >= _data.Length)
            {
                return Fail(BencodeFault.UnexpectedEnd, _data.Length);
            }

            var c = _data[_position];
            if (depth > 0)
            {
                ref var frame = ref stack[depth - 1];
                if (c == (byte)'e')
                {
                    if (frame.AwaitsValue)
                    {
                        return Fail(BencodeFault.ExpectedValue, _position);
                    }

                    _position++;
                    Close(frame);
                    depth--;
                    if (depth == 0)
                    {
                        return true;
                    }

                    stack[depth - 1].AwaitsValue = false;
                    continue;
                }

                if (frame.IsDictionary && !frame.AwaitsValue)
                {
                    if (!ReadKey(ref frame, c))
                    {
                        return false;
                    }

                    continue;
                }

                if (!frame.IsDictionary)
                {
                    frame.Children++;
                }
            }

            if (c is (byte)'l' or (byte)'d')
            {
                if (depth == _maxDepth)
                {
                    return Fail(BencodeFault.TooDeep, _position);
                }

                if (!Add(_position, 1, 0))
                {
                    return false;
                }

                stack[depth++] = new Frame
                {
                    Token = Count - 1,
                    LastKey = -1,
                    IsDictionary = c == (byte)'d',
                };
                _position++;
                continue;
            }

            var read = c switch
            {
                (byte)'i' => ReadInteger(),
                >= (byte)'0' and <= (byte)'9' => ReadString(),
                _ => Fail(BencodeFault.ExpectedValue, _position),
            };
            if (!read)
            {
                return false;
            }

            if (depth == 0)
            {
                return true;
            }

            stack[depth - 1].AwaitsValue = false;
        }
    }

    private readonly void Close(in Frame frame)
    {
        ref var token = ref _table[frame.Token];
        token = token with { Length = _position - token.Offset, Next = Count, Payload = frame.Children };
    }

    private bool ReadKey(ref Frame frame, byte first)
    {
        if (first is < (byte)'0' or > (byte)'9')
        {
            return Fail(BencodeFault.ExpectedKey, _position);
        }

        var start = _position;
        if (!ReadString())
        {
            return false;
        }

        var key = Count - 1;
        if (frame.LastKey >= 0)
        {
            // BEP 3: "Keys must be strings and appear in sorted order (sorted as raw strings, not alphanumerics)."
            var order = Content(frame.LastKey).SequenceCompareTo(Content(key));
            if (order >= 0 && !Tolerate(order == 0 ? BencodeFault.DuplicateKey : BencodeFault.UnsortedKeys, start))
            {
                return false;
            }
        }

        frame.LastKey = key;
        frame.Children++;
        frame.AwaitsValue = true;
        return true;
    }

    private readonly ReadOnlySpan<byte> Content(int token)
    {
        var t = _table[token];
        return _data[t.Payload..(t.Offset + t.Length)];
    }

    private bool ReadString()
    {
        var start = _position;
        var at = start;
        long length = 0;
        while (at < _data.Length && _data[at] is >= (byte)'0' and <= (byte)'9')
        {
            length = length * 10 + (_data[at] - '0');
            if (length > int.MaxValue)
            {
                return Fail(BencodeFault.Overflow, at);
            }

            at++;
        }

        if (at == _data.Length)
        {
            return Fail(BencodeFault.UnexpectedEnd, at);
        }

        if (_data[at] != (byte)':')
        {
            return Fail(BencodeFault.ExpectedColon, at);
        }

        if (_data[start] == (byte)'0' && at - start > 1 && !Tolerate(BencodeFault.LeadingZero, start))
        {
            return false;
        }

        at++;
        if (length > _data.Length - at)
        {
            return Fail(BencodeFault.UnexpectedEnd, at);
        }

        _position = at + (int)length;
        return Add(start, _position - start, at);
    }

    private bool ReadInteger()
    {
        var start = _position;
        var at = start + 1;
        var negative = at < _data.Length && _data[at] == (byte)'-';
        if (negative)
        {
            at++;
        }

        var digits = at;
        ulong value = 0;
        var limit = negative ? 1UL << 63 : long.MaxValue;
        while (at < _data.Length && _data[at] is >= (byte)'0' and <= (byte)'9')
        {
            var digit = (uint)(_data[at] - '0');
            if (value > (limit - digit) / 10)
            {
                return Fail(BencodeFault.Overflow, at);
            }

            value = value * 10 + digit;
            at++;
        }

        if (at == _data.Length)
        {
            return Fail(BencodeFault.UnexpectedEnd, at);
        }

        if (at == digits || _data[at] != (byte)'e')
        {
            return Fail(BencodeFault.ExpectedDigit, at);
        }

        // BEP 3: "i-0e is invalid. All encodings with a leading zero, such as i03e, are invalid, other than i0e".
        if (_data[digits] == (byte)'0')
        {
            if (at - digits > 1 && !Tolerate(BencodeFault.LeadingZero, digits))
            {
                return false;
            }

            if (negative && value == 0 && !Tolerate(BencodeFault.NegativeZero, start + 1))
            {
                return false;
            }
        }

        _position = at + 1;
        return Add(start, _position - start, 0);
    }

    private bool Add(int offset, int length, int payload)
    {
        if (Count == _table.Length && !Grow())
        {
            return Fail(BencodeFault.TooManyTokens, offset);
        }

        _table[Count] = new BencodeToken
        {
            Offset = offset,
            Length = length,
            Next = Count + 1,
            Payload = payload,
        };
        Count++;
        return true;
    }

    private bool Grow()
    {
        if (Count >= _maxTokens)
        {
            return false;
        }

        // The smallest value, "0:", takes two bytes, so more tokens than half of what is left cannot come.
        var size = (int)
            Math.Min(_maxTokens, Math.Min(Math.Max(16L, Count * 2L), Count + (_data.Length - _position) / 2L + 1));
        var grown = new BencodeToken[size];
        _table[..Count].CopyTo(grown);
        _table = grown;
        Grown = grown;
        return true;
    }

    private bool Tolerate(BencodeFault fault, int offset)
    {
        if (!_lenient)
        {
            return Fail(fault, offset);
        }

        if (Deviation.Fault == BencodeFault.None)
        {
            Deviation = new BencodeError(fault, offset);
        }

        return true;
    }

    private bool Fail(BencodeFault fault, int offset)
    {
        Error = new BencodeError(fault, offset);
        return false;
    }
}
