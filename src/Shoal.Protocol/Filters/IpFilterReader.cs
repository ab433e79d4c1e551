using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>
/// Reads a list of addresses, piece by piece as it comes, in any of the forms in use, each line by itself:
/// DAT (<c>001.002.003.000 - 001.002.003.255 , 000 , text</c>; a level above 127 means allowed), P2P
/// (<c>text:1.2.3.0-1.2.3.255</c>), networks (<c>1.2.3.0/24</c>), ranges and single addresses; IPv4 and IPv6. Empty lines
/// and those that begin with #, ; or // are skipped. Never throws on what it reads.
/// </summary>
public sealed class IpFilterReader(IpFilterLimits limits, IpFilterBuilder builder)
{
    /// <summary>eMule: ranges with a higher level are not blocked.</summary>
    private const int BlockedUpTo = 127;

    private static readonly SearchValues<byte> V6Letters = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    private readonly byte[] _rest = new byte[limits.MaxLine];
    private int _restLength;
    private long _bytes;

    /// <summary>The line that is wrong, or the last one read; from 1.</summary>
    public int Line { get; private set; }

    /// <summary>What is wrong, to be told after file and line; null: nothing so far.</summary>
    public string? Error { get; private set; }

    /// <summary>Takes the next bytes; false, now and from then on: the list is wrong.</summary>
    public bool TryRead(ReadOnlySpan<byte> bytes)
    {
        _bytes += bytes.Length;
        if (_bytes > limits.MaxBytes)
        {
            Fail($"the list has more than {limits.MaxBytes >> 20} MiB");
        }

        while (Error is null && !bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var part = end < 0 ? bytes : bytes[..end];
            if (_restLength + part.Length > limits.MaxLine)
            {
                Line++;
                Fail($"the line has more than {limits.MaxLine} bytes");
                break;
            }

            if (end >= 0 && _restLength == 0)
            {
                ReadLine(part);
            }
            else
            {
                part.CopyTo(_rest.AsSpan(_restLength));
                _restLength += part.Length;
                if (end >= 0)
                {
                    EndLine();
                }
            }

            bytes = bytes[(end < 0 ? bytes.Length : end + 1)..];
        }

        return Error is null;
    }

    /// <summary>Nothing more comes; false: the list is wrong.</summary>
    public bool TryFinish()
    {
        if (Error is null && _restLength > 0)
        {
            EndLine();
        }

        return Error is null;
    }

    private void EndLine()
    {
        var length = _restLength;
        _restLength = 0;
        ReadLine(_rest.AsSpan(0, length));
    }

    private void ReadLine(ReadOnlySpan<byte> line)
    {
        Line++;
        if (Line == 1 && line.StartsWith("\uFEFF"u8))
        {
            line = line[3..];
        }

        line = Trim(line);
        if (line.IsEmpty || line[0] is (byte)'#' or (byte)';' || line.StartsWith("//"u8))
        {
            return;
        }

        // What follows the addresses is a level and a description, or a comment.
        var cut = line.IndexOfAny((byte)',', (byte)'#', (byte)';');
        var head = Trim(cut < 0 ? line : line[..cut]);
        if (TryReadRange(head, out var range) && TryReadLevel(cut < 0 ? default : line[cut..], out var level))
        {
            if (level <= BlockedUpTo)
            {
                Add(range);
            }
        }
        else if (TryReadNamed(line, out range))
        {
            Add(range);
        }
        else
        {
            Fail("neither an address nor a range nor a network");
        }
    }

    /// <summary>Text, a colon, a range; either may have colons in it, so the first that leaves a range ends the text.</summary>
    private static bool TryReadNamed(ReadOnlySpan<byte> line, out Range range)
    {
        range = default;
        // No range is longer; so a line of nothing but colons costs little.
        const int longest = 100;
        for (var at = Math.Max(0, line.Length - longest); at < line.Length; at++)
        {
            if (
                line[at] == ':'
                && line[(at + 1)..].Contains((byte)'-')
                && TryReadRange(Trim(line[(at + 1)..]), out range)
            )
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The level that follows a comma; 0 where there is none.</summary>
    private static bool TryReadLevel(ReadOnlySpan<byte> tail, out int level)
    {
        level = 0;
        if (tail.IsEmpty || tail[0] != ',')
        {
            return true;
        }

        tail = tail[1..];
        var end = tail.IndexOf((byte)',');
        var digits = Trim(end < 0 ? tail : tail[..end]);
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9' || level > 1000)
            {
                return false;
            }

            level = level * 10 + digit - '0';
        }

        return true;
    }

    private void Add(in Range range)
    {
        if (range.First > range.Last)
        {
            Fail("the range ends before it begins");
        }
        else if (
            !(
                range.IsV6
                    ? builder.TryAdd(range.First, range.Last)
                    : builder.TryAdd((uint)range.First, (uint)range.Last)
            )
        )
        {
            Fail($"there are more than {limits.MaxRanges} ranges");
        }
    }

    private void Fail(string error) => Error ??= error;

    private static bool TryReadRange(ReadOnlySpan<byte> text, out Range range)
    {
        range = default;
        var slash = text.IndexOf((byte)'/');
        if (slash >= 0)
        {
            return TryReadAddress(text[..slash], out var isV6, out var address)
                && TryReadPrefix(text[(slash + 1)..], isV6 ? 128 : 32, out var prefix)
                && TryMask(address, isV6, prefix, out range);
        }

        var dash = text.IndexOf((byte)'-');
        if (dash < 0)
        {
            var isAddress = TryReadAddress(text, out var isSix, out var only);
            range = new Range(isSix, only, only);
            return isAddress;
        }

        if (
            !TryReadAddress(Trim(text[..dash]), out var firstIsV6, out var first)
            || !TryReadAddress(Trim(text[(dash + 1)..]), out var lastIsV6, out var last)
            || firstIsV6 != lastIsV6
        )
        {
            return false;
        }

        range = new Range(firstIsV6, first, last);
        return true;
    }

    private static bool TryMask(UInt128 address, bool isV6, int prefix, out Range range)
    {
        var free = (isV6 ? 128 : 32) - prefix;
        var mask = free == 128 ? UInt128.MaxValue : (UInt128.One << free) - 1;
        range = new Range(isV6, address & ~mask, address | mask);
        return true;
    }

    private static bool TryReadPrefix(ReadOnlySpan<byte> text, int most, out int prefix)
    {
        prefix = 0;
        foreach (var digit in text)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            prefix = prefix * 10 + digit - '0';
            if (prefix > most)
            {
                return false;
            }
        }

        return !text.IsEmpty;
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> text, out bool isV6, out UInt128 address)
    {
        address = 0;
        isV6 = text.Contains((byte)':');
        return isV6 ? TryReadV6(text, out address) : TryReadV4(text, out address);
    }

    /// <summary>Lists fill numbers up with zeros: they are decimal all the same.</summary>
    private static bool TryReadV4(ReadOnlySpan<byte> text, out UInt128 address)
    {
        address = 0;
        uint value = 0;
        var (numbers, digits, number) = (0, 0, 0u);
        foreach (var letter in text)
        {
            if (letter is >= (byte)'0' and <= (byte)'9')
            {
                number = number * 10 + letter - '0';
                if (++digits > 3 || number > 255)
                {
                    return false;
                }
            }
            else if (letter == '.' && digits > 0 && numbers < 3)
            {
                value = (value << 8) | number;
                numbers++;
                (digits, number) = (0, 0);
            }
            else
            {
                return false;
            }
        }

        address = (value << 8) | number;
        return numbers == 3 && digits > 0;
    }

    private static bool TryReadV6(ReadOnlySpan<byte> text, out UInt128 address)
    {
        address = 0;
        // The framework would also take brackets, ports and names of interfaces.
        if (
            text.Length > 45
            || text.ContainsAnyExcept(V6Letters)
            || !IPAddress.TryParse(text, out var parsed)
            || parsed.AddressFamily != AddressFamily.InterNetworkV6
        )
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out _);
        address = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r\0"u8);

    private readonly record struct Range(bool IsV6, UInt128 First, UInt128 Last);
}
