using System.Runtime.InteropServices;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Takes answers of the disk, in batches, on a disk worker's thread. Must not wait and must not throw.
/// </summary>
internal delegate void DiskEventSink(ReadOnlySpan<SwarmEvent> events);

internal sealed record TorrentDiskOptions
{
    /// <summary>The folder that holds the content.</summary>
    public required string SaveDirectory { get; init; }

    /// <summary>Where the resume journal lies; null: none is kept.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>Claim nothing without hashing, whatever the journal says.</summary>
    public bool Recheck { get; init; }

    /// <summary>This process has just hashed the data and found it good.</summary>
    public bool AssumeComplete { get; init; }

    /// <summary>Reserve the space of a wanted file when it is made.</summary>
    public bool Preallocate { get; init; }

    /// <summary>One a file; null: those saved before, or all normal.</summary>
    public IReadOnlyList<FilePriority>? Priorities { get; init; }

    /// <summary>Make empty files and links at once. False for data that is only to be seeded.</summary>
    public bool CreateEmptyFiles { get; init; } = true;
}

/// <summary>
/// The disk of one torrent: its files, its open pieces (spread over the shards of <see cref="DiskWorkers"/>), its
/// resume journal. Answers go to the sink given at the start.
/// </summary>
/// <remarks>
/// Whenever blocks of a piece are lost after the disk took them (it failed, and more came than may be kept in
/// memory), <see cref="SwarmEventKind.PieceHashed"/> with IsComplete false is posted for the piece: all of its
/// blocks must come again.
/// </remarks>
internal sealed partial class TorrentDisk : ITorrentDisk, IAsyncDisposable
{
    private readonly DiskWorkers _workers;
    private readonly DiskEventSink _sink;
    private readonly Lock _failureLock = new();
    private int _failingShards;

    private TorrentDisk(DiskWorkers workers, Metainfo metainfo, FileStorage storage, DiskEventSink sink)
    {
        _workers = workers;
        _sink = sink;
        Metainfo = metainfo;
        Storage = storage;
        Layout = metainfo.Layout;
        NeedsSha1 = metainfo.Format != TorrentFormat.V2;
        NeedsLeaves = metainfo.Format != TorrentFormat.V1;
        Shards = new ShardTorrent[workers.Shards.Length];
        for (var i = 0; i < Shards.Length; i++)
        {
            Shards[i] = new ShardTorrent(this, i);
        }

        Number = workers.Join(this);
    }

    public Metainfo Metainfo { get; }

    public PieceLayout Layout { get; }

    public FileStorage Storage { get; }

    /// <summary>Tells the engine's torrents apart.</summary>
    public int Number { get; }

    public bool NeedsSha1 { get; }

    public bool NeedsLeaves { get; }

    /// <summary>What each shard knows of this torrent, by the shard's number.</summary>
    public ShardTorrent[] Shards { get; }

    /// <inheritdoc/>
    public void Submit(ReadOnlySpan<DiskRequest> batch)
    {
        // Neighbours in a batch mostly belong to one piece, so to one shard: few runs, one lock each.
        while (!batch.IsEmpty)
        {
            var shard = ShardOf(batch[0].Piece);
            var count = 1;
            while (count < batch.Length && ShardOf(batch[count].Piece) == shard)
            {
                count++;
            }

            _workers.Shards[shard].Enqueue(this, batch[..count]);
            batch = batch[count..];
        }
    }

    /// <summary>Says once that the disk fails, however many shards and blocks find out.</summary>
    internal void ReportFailure(ShardTorrent shard, DiskFailure failure)
    {
        lock (_failureLock)
        {
            if (shard.IsFailureReported)
            {
                return;
            }

            shard.IsFailureReported = true;
            if (++_failingShards == 1)
            {
                _sink([new SwarmEvent(SwarmEventKind.DiskFailed, Payload: failure)]);
            }
        }
    }

    /// <summary>Says that the disk works again when the last shard that failed has found so.</summary>
    internal void ReportRecovery(ShardTorrent shard)
    {
        lock (_failureLock)
        {
            if (shard.IsFailureReported)
            {
                shard.IsFailureReported = false;
                if (--_failingShards == 0)
                {
                    _sink([new SwarmEvent(SwarmEventKind.DiskRecovered)]);
                }
            }
        }
    }

    /// <summary>Posts the round's answers. On the shard's thread.</summary>
    internal void FinishRound(ShardTorrent shard)
    {
        if (shard.Events.Count > 0)
        {
            _sink(CollectionsMarshal.AsSpan(shard.Events));
            shard.Events.Clear();
        }

        shard.Record.Clear();
        foreach (var waiter in shard.AfterRound)
        {
            waiter.TrySetResult();
        }

        shard.AfterRound.Clear();
    }

    /// <summary>Notes which files are about to change. On the shard's thread.</summary>
    internal void BeforeWrite(ShardTorrent shard, long offset, int length)
    {
        foreach (var span in Storage.Map.Locate(offset, length))
        {
            if (span.File != FileMap.NoFile)
            {
                shard.Record.Files.Add(Storage.Place(span).File);
            }
        }
    }

    private int ShardOf(PieceIndex piece) => (int)((uint)(Number + piece.Value) % (uint)Shards.Length);
}
