using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Protocol;

/// <summary>A datagram from a tracker to a client (BEP 15), read in place; valid as long as its bytes.</summary>
public readonly ref struct UdpTrackerAnswer
{
    public const int ConnectSize = 16;
    public const int AnnounceHeaderSize = 20;
    public const int ScrapeHeaderSize = 8;
    public const int ScrapeEntrySize = 12;
    public const int ErrorHeaderSize = 8;

    /// <summary>That of the question, or <see cref="UdpTrackerAction.Error"/>.</summary>
    public UdpTrackerAction Action { get; private init; }

    /// <summary>Of a connect answer.</summary>
    public long ConnectionId { get; private init; }

    /// <summary>What follows action and transaction id.</summary>
    public ReadOnlySpan<byte> Body { get; private init; }

    /// <summary>The transaction an answer claims to belong to; false when it is too short for one.</summary>
    public static bool TryReadTransaction(ReadOnlySpan<byte> datagram, out uint transactionId)
    {
        transactionId = 0;
        return datagram.Length >= ErrorHeaderSize
            && BinaryPrimitives.TryReadUInt32BigEndian(datagram[4..], out transactionId);
    }

    /// <summary>Reads the answer to a question of the given action.</summary>
    public static UdpTrackerFault TryRead(
        ReadOnlySpan<byte> datagram,
        UdpTrackerAction asked,
        uint transactionId,
        out UdpTrackerAnswer answer
    )
    {
        answer = default;
        if (!TryReadTransaction(datagram, out var answered))
        {
            return UdpTrackerFault.TooShort;
        }

        // BEP 15: "Check whether the transaction ID is equal to the one you chose."
        if (answered != transactionId)
        {
            return UdpTrackerFault.WrongTransaction;
        }

        var action = (UdpTrackerAction)BinaryPrimitives.ReadUInt32BigEndian(datagram);
        if (action != asked && action != UdpTrackerAction.Error)
        {
            return UdpTrackerFault.WrongAction;
        }

        var least = action switch
        {
            UdpTrackerAction.Connect => ConnectSize,
            UdpTrackerAction.Announce => AnnounceHeaderSize,
            _ => ErrorHeaderSize,
        };
        if (datagram.Length < least)
        {
            return UdpTrackerFault.TooShort;
        }

        answer = new UdpTrackerAnswer
        {
            Action = action,
            ConnectionId = action == UdpTrackerAction.Connect ? BinaryPrimitives.ReadInt64BigEndian(datagram[8..]) : 0,
            Body = datagram[8..],
        };
        return UdpTrackerFault.None;
    }

    /// <summary>The answer to an announce, or to anything if it is an error.</summary>
    /// <param name="family">
    /// BEP 15: "Which format is used is determined by the address family of the underlying UDP packet."
    /// </param>
    public AnnounceAnswer ToAnnounceAnswer(AddressFamily family, AnnounceLimits limits)
    {
        if (Action == UdpTrackerAction.Error)
        {
            return new AnnounceAnswer { Failure = TrackerText.Printable(Body, limits.MaxTextLength) };
        }

        var peers = new List<IPEndPoint>();
        CompactPeers.Read(Body[12..], family, limits.MaxPeers, peers);
        return new AnnounceAnswer
        {
            Interval = TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(Body)),
            Leeches = Count(Body[4..]),
            Seeds = Count(Body[8..]),
            Peers = peers,
        };
    }

    /// <summary>The answer to a scrape: one entry for each infohash asked, in that order; fewer if it is short.</summary>
    public ScrapeCounts[] ToScrapeAnswer(int asked)
    {
        var counts = new ScrapeCounts[Math.Min(asked, Body.Length / ScrapeEntrySize)];
        for (var i = 0; i < counts.Length; i++)
        {
            var entry = Body[(i * ScrapeEntrySize)..];
            counts[i] = new ScrapeCounts(Count(entry), Count(entry[4..]), Count(entry[8..]));
        }

        return counts;
    }

    private static int Count(ReadOnlySpan<byte> source) =>
        (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(source), int.MaxValue);

    public static int WriteConnect(uint transactionId, long connectionId, Span<byte> destination)
    {
        WriteHeader(UdpTrackerAction.Connect, transactionId, destination);
        BinaryPrimitives.WriteInt64BigEndian(destination[8..], connectionId);
        return ConnectSize;
    }

    /// <summary>Writes what stands before the packed peers.</summary>
    public static int WriteAnnounceHeader(
        uint transactionId,
        int intervalSeconds,
        int leeches,
        int seeds,
        Span<byte> destination
    )
    {
        WriteHeader(UdpTrackerAction.Announce, transactionId, destination);
        BinaryPrimitives.WriteInt32BigEndian(destination[8..], intervalSeconds);
        BinaryPrimitives.WriteInt32BigEndian(destination[12..], leeches);
        BinaryPrimitives.WriteInt32BigEndian(destination[16..], seeds);
        return AnnounceHeaderSize;
    }

    public static int WriteScrapeHeader(uint transactionId, Span<byte> destination)
    {
        WriteHeader(UdpTrackerAction.Scrape, transactionId, destination);
        return ScrapeHeaderSize;
    }

    public static int WriteScrapeEntry(ScrapeCounts counts, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, counts.Seeds);
        BinaryPrimitives.WriteInt32BigEndian(destination[4..], counts.Completed);
        BinaryPrimitives.WriteInt32BigEndian(destination[8..], counts.Leeches);
        return ScrapeEntrySize;
    }

    public static int WriteError(uint transactionId, ReadOnlySpan<byte> message, Span<byte> destination)
    {
        WriteHeader(UdpTrackerAction.Error, transactionId, destination);
        message.CopyTo(destination[ErrorHeaderSize..]);
        return ErrorHeaderSize + message.Length;
    }

    private static void WriteHeader(UdpTrackerAction action, uint transactionId, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)action);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], transactionId);
    }
}

/// <summary>Text of a stranger, made safe to show.</summary>
internal static class TrackerText
{
    /// <summary>
    /// One line of visible characters: control and formatting characters (which could move a cursor or turn the
    /// writing direction) become '?', invalid UTF-8 the replacement character, and what is too long is cut.
    /// </summary>
    public static string Printable(ReadOnlySpan<byte> text, int maxLength)
    {
        // A character is at most four bytes; cutting first keeps the cost bounded.
        var decoded = Encoding.UTF8.GetString(text[..Math.Min(text.Length, maxLength * 4)]);
        var clean = new StringBuilder(Math.Min(decoded.Length, maxLength));
        foreach (var rune in decoded.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > maxLength)
            {
                break;
            }

            var isSafe = Rune.GetUnicodeCategory(rune) switch
            {
                System.Globalization.UnicodeCategory.Control
                or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.LineSeparator
                or System.Globalization.UnicodeCategory.ParagraphSeparator
                or System.Globalization.UnicodeCategory.PrivateUse
                or System.Globalization.UnicodeCategory.OtherNotAssigned => false,
                _ => true,
            };
            clean.Append(isSafe ? rune.ToString() : "?");
        }

        return clean.ToString();
    }
}
