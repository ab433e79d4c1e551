namespace Shoal.Protocol;

/// <summary>A packet of BEP 29, read in place; valid as long as its bytes.</summary>
public readonly ref struct UtpPacket
{
    /// <summary>
    /// Most extensions of one packet. Ours has at most one, and padding when it probes the path: 64 KiB of that are 255.
    /// </summary>
    public const int MaxExtensions = 256;

    public UtpHeader Header { get; private init; }

    /// <summary>
    /// Bit n (the least significant of each byte first) says that packet number Acknowledged + 2 + n has come in. Empty:
    /// nothing came out of order. At most 255 bytes.
    /// </summary>
    public ReadOnlySpan<byte> SelectiveAck { get; private init; }

    public ReadOnlySpan<byte> Payload { get; private init; }

    /// <summary>False for whatever is no packet of version 1, is cut off, or has extensions that BEP 29 does not allow.</summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out UtpPacket packet)
    {
        packet = default;
        if (!UtpHeader.IsLikely(datagram))
        {
            return false;
        }

        var selectiveAck = ReadOnlySpan<byte>.Empty;
        var kind = datagram[1];
        var rest = datagram[UtpHeader.Size..];
        for (var count = 0; kind != 0; count++)
        {
            if (rest.Length < 2 || count == MaxExtensions)
            {
                return false;
            }

            var length = rest[1];
            if (rest.Length - 2 < length)
            {
                return false;
            }

            if (kind == UtpExtension.SelectiveAck)
            {
                // BEP 29: "the len field of extensions refer to bytes, which in this extension must be at least 4, and
                // in multiples of 4." We take any number, because libtorrent sends as many bytes as it needs.
                if (!selectiveAck.IsEmpty)
                {
                    return false;
                }

                selectiveAck = rest.Slice(2, length);
            }

            // BEP 29: "Unknown extensions can be skipped by simply advancing len bytes."
            kind = rest[0];
            rest = rest[(2 + length)..];
        }

        packet = new UtpPacket
        {
            Header = UtpHeader.Read(datagram),
            SelectiveAck = selectiveAck,
            Payload = rest,
        };
        return true;
    }
}
