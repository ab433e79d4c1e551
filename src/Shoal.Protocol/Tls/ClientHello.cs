using System.Buffers.Binary;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// The first message of a TLS connection (RFC 8446, 4.1.2), as far as it decides what a listener that serves more than TLS does
/// with it: whether it is one, and which server it names. What TLS itself makes of the bytes is not decided here.
/// </summary>
public static class ClientHello
{
    /// <summary>
    /// Longest that is looked at, with the header of its record: one record. RFC 8446: "The length MUST NOT exceed 2^14 bytes."
    /// </summary>
    public const int MaxLength = HeaderLength + 16 * 1024;

    private const int HeaderLength = 5;
    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const ushort ServerNameExtension = 0;
    private const byte HostName = 0;

    // RFC 6066 says no more than 2^16-1; names of the DNS have 253 characters.
    private const int MaxNameLength = 255;

    /// <summary>Reads what has come so far, from the first byte on.</summary>
    /// <param name="bytes">At most <see cref="MaxLength"/> are looked at.</param>
    /// <param name="serverName">In lower case; empty: it names none, or nothing that a host could be called.</param>
    /// <returns>
    /// Ok: a whole ClientHello. Malformed: the connection is not TLS, or begins in a way that no client in use begins; said
    /// at the first byte that shows it.
    /// </returns>
    public static ReadStatus Read(ReadOnlySpan<byte> bytes, out string serverName)
    {
        serverName = "";
        // type, legacy_record_version (3, 1) to (3, 3), length; then the message's type.
        if (
            !FitsSoFar(bytes, 0, HandshakeRecord, HandshakeRecord)
            || !FitsSoFar(bytes, 1, 3, 3)
            || !FitsSoFar(bytes, 2, 1, 3)
            || !FitsSoFar(bytes, HeaderLength, ClientHelloMessage, ClientHelloMessage)
        )
        {
            return ReadStatus.Malformed;
        }

        if (bytes.Length < HeaderLength)
        {
            return ReadStatus.NeedMore;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[3..]);
        if (length > MaxLength - HeaderLength || length < 4)
        {
            return ReadStatus.Malformed;
        }

        if (bytes.Length < HeaderLength + length)
        {
            return ReadStatus.NeedMore;
        }

        var reader = new Reader(bytes.Slice(HeaderLength + 1, length - 1));
        // A message that is longer than its record goes on in the next: no client in use does that.
        var isWhole = reader.TryTake(3, out var size) && (size[0] << 16 | size[1] << 8 | size[2]) == reader.Left;
        return isWhole && TryReadBody(ref reader, out serverName) ? ReadStatus.Ok : ReadStatus.Malformed;
    }

    private static bool TryReadBody(ref Reader reader, out string serverName)
    {
        serverName = "";
        // legacy_version and random, legacy_session_id, cipher_suites, legacy_compression_methods, extensions
        if (
            !reader.TryTake(2 + 32, out _)
            || !reader.TryTakeCounted(1, out _)
            || !reader.TryTakeCounted(2, out _)
            || !reader.TryTakeCounted(1, out _)
            || !reader.TryTakeCounted(2, out var extensions)
            || reader.Left != 0
        )
        {
            return false;
        }

        var list = new Reader(extensions);
        while (list.Left > 0)
        {
            if (!list.TryTake(2, out var type) || !list.TryTakeCounted(2, out var value))
            {
                return false;
            }

            if (BinaryPrimitives.ReadUInt16BigEndian(type) == ServerNameExtension)
            {
                serverName = ReadName(value);
            }
        }

        return true;
    }

    // RFC 6066: "The ServerNameList MUST NOT contain more than one name of the same name_type."
    private static string ReadName(ReadOnlySpan<byte> value)
    {
        var outer = new Reader(value);
        if (!outer.TryTakeCounted(2, out var names))
        {
            return "";
        }

        var reader = new Reader(names);
        while (reader.TryTake(1, out var type) && reader.TryTakeCounted(2, out var name))
        {
            if (type[0] == HostName)
            {
                return name.Length <= MaxNameLength && name.IndexOfAnyExceptInRange((byte)'!', (byte)'~') < 0
                    ? Encoding.ASCII.GetString(name).ToLowerInvariant()
                    : "";
            }
        }

        return "";
    }

    private static bool FitsSoFar(ReadOnlySpan<byte> bytes, int at, byte from, byte to) =>
        bytes.Length <= at || (bytes[at] >= from && bytes[at] <= to);

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _bytes = bytes;

        public readonly int Left => _bytes.Length;

        public bool TryTake(int count, out ReadOnlySpan<byte> taken)
        {
            taken = default;
            if (count > _bytes.Length)
            {
                return false;
            }

            taken = _bytes[..count];
            _bytes = _bytes[count..];
            return true;
        }

        /// <summary>A vector with a length of so many bytes before it.</summary>
        public bool TryTakeCounted(int lengthBytes, out ReadOnlySpan<byte> taken)
        {
            taken = default;
            if (!TryTake(lengthBytes, out var prefix))
            {
                return false;
            }

            var count = 0;
            foreach (var part in prefix)
            {
                count = count << 8 | part;
            }

            return TryTake(count, out taken);
        }
    }
}
