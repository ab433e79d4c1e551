using Shoal.Protocol;

namespace Shoal.Engine;

internal enum DiskRequestKind : byte
{
    /// <summary>
    /// Keep and write a block. Owns <see cref="DiskRequest.Buffer"/>. When every data block of the piece has been
    /// written, the disk answers <see cref="SwarmEventKind.PieceHashed"/> by itself.
    /// </summary>
    WriteBlock,

    /// <summary>Read Length bytes at Begin for a peer; answered by <see cref="SwarmEventKind.BlockRead"/>.</summary>
    ReadBlock,

    /// <summary>
    /// Read a whole piece back and answer <see cref="SwarmEventKind.PieceHashed"/> (checking). Length 1: with
    /// <see cref="PieceHashResult.Blocks"/> for a v1 torrent too; asked of a piece that failed, before it is discarded.
    /// </summary>
    HashPiece,

    /// <summary>
    /// Fill the whole piece from elsewhere on this machine: from the same place of <see cref="DiskRequest.Source"/>'s
    /// file or, where that is null, from the piece with the number Begin. Answered by
    /// <see cref="SwarmEventKind.PieceHashed"/>, with IsComplete false if it cannot be read there.
    /// </summary>
    CopyPiece,

    /// <summary>
    /// Tell each block of the piece that is here, and from now on each that comes, by
    /// <see cref="SwarmEventKind.BlockHashed"/>. Not of v1 torrents.
    /// </summary>
    WatchPiece,

    /// <summary>The block at Begin is false: forget it; it will come again.</summary>
    DiscardBlock,

    /// <summary>The swarm found the piece good: it may be claimed in resume data once it is durable.</summary>
    CommitPiece,

    /// <summary>The swarm found the piece bad, or heard that blocks of it were lost: forget all; they will come again.</summary>
    DiscardPiece,
}

/// <summary>What a swarm asks of its torrent's disk. Never waits; answers come back as swarm events.</summary>
internal readonly record struct DiskRequest(
    DiskRequestKind Kind,
    PieceIndex Piece,
    int Begin = 0,
    int Length = 0,
    PeerHandle Peer = default,
    BlockBuffer? Buffer = null,
    IContentSource? Source = null
);

/// <summary>
/// The disk of one torrent as its swarm sees it. Implementations: the real one (Disk/), and a simulated one
/// in the tests. Requests of one batch are taken in order per piece; answers may come in any order.
/// </summary>
internal interface ITorrentDisk
{
    /// <summary>Takes the batch without waiting. Ownership of the buffers in it passes on.</summary>
    void Submit(ReadOnlySpan<DiskRequest> batch);
}
