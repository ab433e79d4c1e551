using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Shoal.Protocol;

/// <summary>What is asked for of a name.</summary>
public enum DnsType : ushort
{
    A = 1,
    Aaaa = 28,
}

/// <summary>What an answer says.</summary>
public enum DnsStatus
{
    /// <summary>There are addresses, or another name to ask for.</summary>
    Ok,

    /// <summary>The name has no address of this type.</summary>
    NoAddress,

    /// <summary>There is no such name.</summary>
    UnknownName,

    /// <summary>The answer did not fit: ask again by TCP.</summary>
    Truncated,

    /// <summary>The server cannot or will not say.</summary>
    Failed,
}

/// <summary>An answer about one name and type.</summary>
/// <param name="Status">What it says.</param>
/// <param name="Addresses">In the server's order.</param>
/// <param name="Lifetime">How long it holds, as the server says.</param>
/// <param name="Alias">The name that stands for the one asked for, where the server did not say what it leads to.</param>
public sealed record DnsAnswer(
    DnsStatus Status,
    IReadOnlyList<IPAddress> Addresses,
    TimeSpan Lifetime,
    string? Alias = null
);

/// <summary>Questions and answers of the domain name system (RFC 1035), as far as finding addresses needs them.</summary>
public static class DnsMessage
{
    /// <summary>RFC 1035: "names 255 octets or less", and what goes around one.</summary>
    public const int MaxQuery = HeaderSize + 255 + 4;

    private const int HeaderSize = 12;
    private const int MaxName = 255;

    /// <summary>Aliases of aliases that are followed.</summary>
    private const int MaxAliases = 8;

    /// <summary>Records looked at in an answer; real ones have some ten.</summary>
    private const int MaxRecords = 256;

    private const ushort Internet = 1;
    private const ushort Cname = 5;
    private const ushort RecursionDesired = 0x0100;
    private const ushort IsResponse = 0x8000;
    private const ushort OperationMask = 0x7800;
    private const ushort IsTruncated = 0x0200;
    private const ushort CodeMask = 0x000F;
    private const int NameError = 3;

    /// <summary>Writes a question; 0: the name cannot be one.</summary>
    /// <param name="id">At random: an answer must have the same.</param>
    /// <param name="name">ASCII, with or without a final dot.</param>
    /// <param name="type">What for.</param>
    /// <param name="destination">At least <see cref="MaxQuery"/>.</param>
    public static int WriteQuery(ushort id, string name, DnsType type, Span<byte> destination)
    {
        destination[..HeaderSize].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(destination, id);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], RecursionDesired);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], 1);
        var at = HeaderSize;
        foreach (var label in name.TrimEnd('.').Split('.'))
        {
            // RFC 1035: "labels 63 octets or less".
            if (label.Length is 0 or > 63 || !Ascii.IsValid(label) || at + label.Length + 2 > HeaderSize + MaxName)
            {
                return 0;
            }

            destination[at++] = (byte)label.Length;
            at += Encoding.ASCII.GetBytes(label, destination[at..]);
        }

        destination[at++] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(at + 2)..], Internet);
        return at + 4;
    }

    /// <summary>Reads an answer; false: it is none to this question. Never throws.</summary>
    /// <param name="message">A datagram, or a message by TCP without its length.</param>
    /// <param name="id">Of the question.</param>
    /// <param name="name">That was asked for.</param>
    /// <param name="type">That was asked for.</param>
    /// <param name="answer">What it says.</param>
    public static bool TryReadAnswer(
        ReadOnlySpan<byte> message,
        ushort id,
        string name,
        DnsType type,
        out DnsAnswer answer
    )
    {
        answer = new DnsAnswer(DnsStatus.Failed, [], TimeSpan.Zero);
        if (message.Length < HeaderSize || Read16(message, 0) != id)
        {
            return false;
        }

        var flags = Read16(message, 2);
        var at = HeaderSize;
        name = name.TrimEnd('.').ToLowerInvariant();
        // The question comes back as it was: who did not see it has two numbers to guess and the name.
        if (
            (flags & IsResponse) == 0
            || (flags & OperationMask) != 0
            || Read16(message, 4) != 1
            || !TryReadName(message, ref at, out var asked)
            || asked != name
            || at + 4 > message.Length
            || Read16(message, at) != (ushort)type
            || Read16(message, at + 2) != Internet
        )
        {
            return false;
        }

        at += 4;
        if ((flags & IsTruncated) != 0)
        {
            answer = answer with { Status = DnsStatus.Truncated };
        }
        else if ((flags & CodeMask) == NameError)
        {
            answer = answer with { Status = DnsStatus.UnknownName };
        }
        else if ((flags & CodeMask) == 0)
        {
            return TryReadRecords(message, at, Read16(message, 6), name, type, out answer);
        }

        return true;
    }

    private static bool TryReadRecords(
        ReadOnlySpan<byte> message,
        int at,
        int count,
        string name,
        DnsType type,
        out DnsAnswer answer
    )
    {
        var addresses = new List<(string Owner, IPAddress Address, uint Lifetime)>();
        var aliases = new Dictionary<string, (string Target, uint Lifetime)>();
        answer = new DnsAnswer(DnsStatus.Failed, [], TimeSpan.Zero);
        for (var i = 0; i < Math.Min(count, MaxRecords); i++)
        {
            if (!TryReadName(message, ref at, out var owner) || at + 10 > message.Length)
            {
                return false;
            }

            var (kind, system) = (Read16(message, at), Read16(message, at + 2));
            var lifetime = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
            int length = Read16(message, at + 8);
            at += 10;
            if (at + length > message.Length)
            {
                return false;
            }

            var data = message.Slice(at, length);
            if (system == Internet && kind == (ushort)type && length == (type == DnsType.A ? 4 : 16))
            {
                addresses.Add((owner, new IPAddress(data), lifetime));
            }
            else if (system == Internet && kind == Cname)
            {
                var targetAt = at;
                if (!TryReadName(message, ref targetAt, out var target))
                {
                    return false;
                }

                aliases.TryAdd(owner, (target, lifetime));
            }

            at += length;
        }

        // What is said of other names than the one asked for, and those it stands for, is nobody's business.
        var least = uint.MaxValue;
        var current = name;
        for (var hops = 0; hops < MaxAliases && aliases.TryGetValue(current, out var alias); hops++)
        {
            current = alias.Target;
            least = Math.Min(least, alias.Lifetime);
        }

        var found = addresses.Where(one => one.Owner == current).ToList();
        least = found.Aggregate(least, (low, one) => Math.Min(low, one.Lifetime));
        answer = new DnsAnswer(
            found.Count > 0 || current != name ? DnsStatus.Ok : DnsStatus.NoAddress,
            [.. found.Select(one => one.Address)],
            TimeSpan.FromSeconds(least == uint.MaxValue ? 0 : least),
            found.Count == 0 && current != name && !aliases.ContainsKey(current) ? current : null
        );
        return true;
    }

    /// <summary>A name in small letters, without a final dot. Follows the pointers of RFC 1035, 4.1.4, backwards only.</summary>
    private static bool TryReadName(ReadOnlySpan<byte> message, ref int at, out string name)
    {
        name = "";
        var letters = new StringBuilder();
        var (position, before, hasJumped) = (at, at, false);
        while (position < message.Length)
        {
            int length = message[position];
            if ((length & 0xC0) == 0xC0)
            {
                if (position + 2 > message.Length)
                {
                    return false;
                }

                at = hasJumped ? at : position + 2;
                hasJumped = true;
                position = Read16(message, position) & 0x3FFF;
                if (position >= before)
                {
                    return false;
                }

                before = position;
                continue;
            }

            if (length == 0)
            {
                at = hasJumped ? at : position + 1;
                name = letters.ToString();
                return true;
            }

            if (length > 63 || position + 1 + length > message.Length || letters.Length + length + 1 > MaxName)
            {
                return false;
            }

            letters.Append(letters.Length > 0 ? "." : "");
            foreach (var letter in message.Slice(position + 1, length))
            {
                // No host has a name with other letters, and a dot within a label would make two of it.
                if (letter is <= (byte)' ' or >= 0x7F or (byte)'.')
                {
                    return false;
                }

                letters.Append(char.ToLowerInvariant((char)letter));
            }

            position += 1 + length;
        }

        return false;
    }

    private static ushort Read16(ReadOnlySpan<byte> message, int at) =>
        BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}
