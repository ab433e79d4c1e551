using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>What the reserved bytes of a handshake announce.</summary>
[Flags]
public enum HandshakeFeatures
{
    None = 0,

    /// <summary>BEP 5: "the last bit of the 8-byte reserved flags".</summary>
    Dht = 1,

    /// <summary>BEP 6: "reserved[7] |= 0x04".</summary>
    Fast = 2,

    /// <summary>BEP 10: "(reserved_byte[5] &amp; 0x10)".</summary>
    Extensions = 4,

    /// <summary>
    /// BEP 52: "a peer can set the 4th most significant bit in the last byte of the reserved bitfield to indicate
    /// that it also supports the new format."
    /// </summary>
    V2 = 8,
}

/// <summary>The 68 bytes that open a connection (BEP 3).</summary>
public readonly record struct Handshake(HandshakeFeatures Features, InfoHash InfoHash, PeerId PeerId)
{
    /// <summary>Bytes of a whole handshake.</summary>
    public const int Size = UpToInfoHash + PeerId.Size;

    /// <summary>
    /// Bytes up to and with the infohash: enough to find the torrent and answer. BEP 3 lets the answering side
    /// see it first, and some peers send their id only after they got ours.
    /// </summary>
    public const int UpToInfoHash = 1 + 19 + 8 + InfoHash.Size;

    private const int ReservedAt = 1 + 19;

    // Reserved bytes 5 and 7, as seen in the 8 bytes read as one big-endian number.
    private const ulong ExtensionsBit = 0x10UL << 16;
    private const ulong DhtBit = 0x01;
    private const ulong FastBit = 0x04;
    private const ulong V2Bit = 0x10;

    /// <summary>BEP 3: "character ninteen (decimal) followed by the string 'BitTorrent protocol'."</summary>
    public static ReadOnlySpan<byte> Preamble => "\u0013BitTorrent protocol"u8;

    /// <summary>
    /// Reads as much as is there. Malformed as soon as one byte of the preamble is wrong, however few came; Ok
    /// when the infohash is there, and then the peer id as well if <paramref name="input"/> is long enough, which
    /// the caller knows.
    /// </summary>
    public static ReadStatus Read(ReadOnlySpan<byte> input, out Handshake handshake)
    {
        handshake = default;
        var common = Math.Min(input.Length, Preamble.Length);
        if (!input[..common].SequenceEqual(Preamble[..common]))
        {
            return ReadStatus.Malformed;
        }

        if (input.Length < UpToInfoHash)
        {
            return ReadStatus.NeedMore;
        }

        handshake = new Handshake(
            ReadFeatures(BinaryPrimitives.ReadUInt64BigEndian(input[ReservedAt..])),
            new InfoHash(input[(ReservedAt + 8)..UpToInfoHash]),
            input.Length >= Size ? new PeerId(input[UpToInfoHash..Size]) : default
        );
        return ReadStatus.Ok;
    }

    /// <summary>Writes <see cref="Size"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        Preamble.CopyTo(destination);
        BinaryPrimitives.WriteUInt64BigEndian(destination[ReservedAt..], WriteFeatures(Features));
        InfoHash.CopyTo(destination[(ReservedAt + 8)..]);
        PeerId.CopyTo(destination[UpToInfoHash..]);
    }

    private static HandshakeFeatures ReadFeatures(ulong reserved) =>
        ((reserved & DhtBit) != 0 ? HandshakeFeatures.Dht : 0)
        | ((reserved & FastBit) != 0 ? HandshakeFeatures.Fast : 0)
        | ((reserved & ExtensionsBit) != 0 ? HandshakeFeatures.Extensions : 0)
        | ((reserved & V2Bit) != 0 ? HandshakeFeatures.V2 : 0);

    private static ulong WriteFeatures(HandshakeFeatures features) =>
        (features.HasFlag(HandshakeFeatures.Dht) ? DhtBit : 0)
        | (features.HasFlag(HandshakeFeatures.Fast) ? FastBit : 0)
        | (features.HasFlag(HandshakeFeatures.Extensions) ? ExtensionsBit : 0)
        | (features.HasFlag(HandshakeFeatures.V2) ? V2Bit : 0);
}
