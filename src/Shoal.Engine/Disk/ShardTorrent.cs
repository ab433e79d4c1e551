using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What one shard knows of one torrent; touched by the shard's thread only.</summary>
internal sealed class ShardTorrent(TorrentDisk disk, int shard)
{
    public TorrentDisk Disk => disk;

    /// <summary>Number of the shard.</summary>
    public int Shard => shard;

    public Dictionary<int, OpenPiece> Pieces { get; } = [];

    /// <summary>Answers of this round.</summary>
    public List<SwarmEvent> Events { get; } = [];

    /// <summary>What is to be said in the journal at the end of the round.</summary>
    public RoundRecord Record { get; } = new();

    /// <summary>Pieces of v1 torrents that failed before: their leaf hashes are wanted the next time.</summary>
    public HashSet<int> Discarded { get; } = [];

    /// <summary>Pieces whose blocks are to be told with their leaves, not opened yet.</summary>
    public HashSet<int> Watched { get; } = [];

    /// <summary>Requests that came while files are being moved.</summary>
    public List<DiskRequest> Deferred { get; } = [];

    /// <summary>Files are being moved: requests wait in <see cref="Deferred"/>.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>The torrent is gone: what still comes is dropped.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Blocks that an earlier run left in files, of pieces not opened yet: a bitmap each, low bit first.</summary>
    public Dictionary<int, ulong[]> Resumed { get; } = [];

    /// <summary>Copies that could not be written; made when writing works again.</summary>
    public List<DiskRequest> StuckCopies { get; } = [];

    /// <summary>Who waits for the end of this round.</summary>
    public List<TaskCompletionSource> AfterRound { get; } = [];

    /// <summary>Blocks of all pieces held in memory.</summary>
    public int HeldCount { get; set; }

    /// <summary>Nothing is written until the next try.</summary>
    public bool IsWriteBlocked { get; set; }

    /// <summary>What could not be read and is tried again, to see whether the disk recovered.</summary>
    public (long Offset, int Length)? UnreadableRange { get; set; }

    /// <summary>When the disk failed last; valid while one of the two above is set.</summary>
    public long FailedAt { get; set; }

    /// <summary>One made anew would be the same.</summary>
    public bool IsBlank =>
        !IsFrozen
        && !IsClosed
        && !HasFailed
        && HeldCount == 0
        && Record.IsEmpty
        && Pieces.Count + Events.Count + Discarded.Count + Watched.Count == 0
        && Deferred.Count + Resumed.Count + StuckCopies.Count + AfterRound.Count == 0;

    public bool HasFailed => IsWriteBlocked || UnreadableRange is not null;

    public void Post(in SwarmEvent answer) => Events.Add(answer);

    public void Fail(DiskFailure failure) => disk.ReportFailure(this, failure);
}

/// <summary>What a shard did to a torrent's files in one round, for the journal.</summary>
internal sealed class RoundRecord
{
    /// <summary>Files written to, the part file included.</summary>
    public HashSet<int> Files { get; } = [];

    /// <summary>Incomplete pieces of which blocks were written.</summary>
    public Dictionary<int, OpenPiece> Blocks { get; } = [];

    public List<int> Committed { get; } = [];

    public List<int> Lost { get; } = [];

    public bool IsEmpty => Files.Count == 0 && Blocks.Count == 0 && Committed.Count == 0 && Lost.Count == 0;

    public void Clear()
    {
        Files.Clear();
        Blocks.Clear();
        Committed.Clear();
        Lost.Clear();
    }
}
