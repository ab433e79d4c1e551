namespace Shoal.Protocol;

/// <summary>Bounds on what a peer may send in one message. Lengths count the id, not the four bytes of the length prefix.</summary>
public sealed record PeerWireLimits
{
    public static readonly PeerWireLimits Default = new();

    /// <summary>
    /// Most pieces a torrent may have; bounds a bitfield to 262,145 bytes at the default. Default 2,097,152, from
    /// 1. Beyond: <see cref="WireFault.TooLong"/>.
    /// </summary>
    public int MaxPieces { get; init; } = 2 * 1024 * 1024;

    /// <summary>
    /// Longest extended message in bytes. Default 1 MiB, which is what other clients accept: the largest in use
    /// are a metadata block (16 KiB and a few) and PEX (about 5 KiB), the rest is room for extensions to come.
    /// Beyond: <see cref="WireFault.TooLong"/>.
    /// </summary>
    public int MaxExtendedLength { get; init; } = 1024 * 1024;

    /// <summary>
    /// Most hashes in one answer. Default 512 + 64. BEP 52: "Length SHOULD NOT be greater than 512", and one
    /// uncle for each proof layer. Beyond: <see cref="WireFault.TooLong"/>.
    /// </summary>
    public int MaxHashes { get; init; } = 512 + 64;

    /// <summary>
    /// Longest message of an id that we do not know, which is skipped. Default 16 KiB. Beyond:
    /// <see cref="WireFault.TooLong"/>.
    /// </summary>
    public int MaxUnknownLength { get; init; } = 16 * 1024;

    /// <summary>
    /// Most bytes a peer may request, and most a piece message may carry: 16 KiB, fixed, since it is what a block
    /// buffer holds. BEP 52: "All current implementations use 2^14 (16 kiB), and close connections which request
    /// an amount greater than that." We never ask for more, so more is never an answer. Beyond:
    /// <see cref="WireFault.TooLong"/>.
    /// </summary>
    public const int MaxBlockLength = PieceLayout.BlockSize;

    /// <summary>The longest message of any kind: what a receive buffer must be able to grow to.</summary>
    public int MaxLength =>
        Math.Max(
            Math.Max(MaxBitfieldLength, MaxExtendedLength),
            Math.Max(MaxHashesLength, Math.Max(MaxUnknownLength, PeerMessageWriter.PieceHeaderLength + MaxBlockLength))
        );

    internal int MaxBitfieldLength => 1 + (MaxPieces + 7) / 8;

    internal int MaxHashesLength => PeerMessageReader.HashRequestLength + MaxHashes * Sha256Digest.Size;
}
