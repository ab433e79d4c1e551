using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// BEP 14: a datagram that tells the local network which torrents a client takes part in. Where the client is, only
/// the datagram's source says.
/// </summary>
/// <param name="Port">Where it listens.</param>
/// <param name="InfoHashes">At least one.</param>
/// <param name="Cookie">By which a client knows its own datagrams again; null: none.</param>
public sealed record LocalAnnounce(ushort Port, IReadOnlyList<InfoHash> InfoHashes, string? Cookie)
{
    /// <summary>BEP 14: "239.192.152.143:6771 (org-local)".</summary>
    public static readonly IPEndPoint GroupV4 = new(new IPAddress([239, 192, 152, 143]), 6771);

    /// <summary>BEP 14: "[ff15::efc0:988f]:6771 (site-local)".</summary>
    public static readonly IPEndPoint GroupV6 = new(IPAddress.Parse("ff15::efc0:988f"), 6771);

    /// <summary>BEP 14: "the packet length should not exceed 1400 bytes".</summary>
    public const int MaxSize = 1400;

    /// <summary>Infohashes in one datagram of ours: 120 bytes of the others leave room for 24 lines of 52.</summary>
    public const int MaxInfoHashes = 24;

    /// <summary>Lines read of one datagram. Beyond: it is no announce of any client in use.</summary>
    private const int MaxLines = 64;
    private const int MaxCookie = 64;

    public static IPEndPoint Group(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? GroupV6 : GroupV4;

    /// <summary>Reads a datagram; false if it is no announce. What it says of its Host is not looked at.</summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out LocalAnnounce announce)
    {
        announce = null!;
        if (datagram.Length > 2 * MaxSize || !TryReadLine(ref datagram, out var first) || !IsSearch(first))
        {
            return false;
        }

        ushort? port = null;
        string? cookie = null;
        var infoHashes = new List<InfoHash>();
        for (var lines = 0; TryReadLine(ref datagram, out var line) && line.Length > 0; lines++)
        {
            var colon = line.IndexOf((byte)':');
            if (lines >= MaxLines || colon <= 0)
            {
                return false;
            }

            var name = line[..colon];
            var value = line[(colon + 1)..].Trim((byte)' ');
            if (Ascii.EqualsIgnoreCase(name, "Port"u8))
            {
                if (port is not null || !TryReadPort(value, out var number))
                {
                    return false;
                }

                port = number;
            }
            else if (Ascii.EqualsIgnoreCase(name, "Infohash"u8))
            {
                // What has another length belongs to another kind of torrent; the others still count.
                if (TryReadInfoHash(value, out var infoHash) && !infoHashes.Contains(infoHash))
                {
                    infoHashes.Add(infoHash);
                }
            }
            else if (Ascii.EqualsIgnoreCase(name, "cookie"u8) && value.Length <= MaxCookie && Ascii.IsValid(value))
            {
                cookie = Encoding.ASCII.GetString(value);
            }
        }

        if (port is not { } listens || infoHashes.Count == 0)
        {
            return false;
        }

        announce = new LocalAnnounce(listens, infoHashes, cookie);
        return true;
    }

    /// <summary>The datagram for a group; of the infohashes the first <see cref="MaxInfoHashes"/>.</summary>
    public byte[] Write(IPEndPoint group)
    {
        // RFC 2732: an IPv6 address in brackets; IPEndPoint writes it so.
        var text = new StringBuilder("BT-SEARCH * HTTP/1.1\r\n");
        text.Append(CultureInfo.InvariantCulture, $"Host: {group}\r\nPort: {Port}\r\n");
        foreach (var infoHash in InfoHashes.Take(MaxInfoHashes))
        {
            text.Append(CultureInfo.InvariantCulture, $"Infohash: {infoHash}\r\n");
        }

        if (Cookie is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"cookie: {Cookie}\r\n");
        }

        return Encoding.ASCII.GetBytes(text.Append("\r\n\r\n").ToString());
    }

    private static bool IsSearch(ReadOnlySpan<byte> line) =>
        line.Length <= 32 && Ascii.EqualsIgnoreCase(line[..Math.Min(line.Length, 17)], "BT-SEARCH * HTTP/"u8);

    /// <summary>Up to CRLF, or LF as some write; the end of the datagram ends a line too.</summary>
    private static bool TryReadLine(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        line = rest;
        if (rest.IsEmpty)
        {
            return false;
        }

        var end = rest.IndexOf((byte)'\n');
        line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        line = line.TrimEnd((byte)'\r');
        return true;
    }

    private static bool TryReadPort(ReadOnlySpan<byte> value, out ushort port) =>
        ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;

    private static bool TryReadInfoHash(ReadOnlySpan<byte> hex, out InfoHash infoHash)
    {
        Span<byte> bytes = stackalloc byte[InfoHash.Size];
        infoHash = default;
        if (
            hex.Length != 2 * InfoHash.Size
            || Convert.FromHexString(hex, bytes, out _, out _) != System.Buffers.OperationStatus.Done
        )
        {
            return false;
        }

        infoHash = new InfoHash(bytes);
        return true;
    }
}
