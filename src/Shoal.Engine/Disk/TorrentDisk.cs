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

    /// <summary>See <see cref="TorrentOptions.InterruptedMove"/>.</summary>
    public string? InterruptedMove { get; init; }

    /// <summary>Where the resume journal lies; null: none is kept.</summary>
    public string? StateDirectory { get; init; }

    /// <summary>The journal's name, see <see cref="TorrentClaim.JournalName"/>; null: that of the torrent.</summary>
    public string? JournalName { get; init; }

    /// <summary>Claim nothing without hashing, whatever the journal says.</summary>
    public bool Recheck { get; init; }

    /// <summary>This process has just hashed the data and found it good.</summary>
    public bool AssumeComplete { get; init; }

    /// <summary>Make all wanted files at once and reserve their space; when that fails none is left.</summary>
    public bool Preallocate { get; init; }

    /// <summary>One a file; null: those saved before, or all normal.</summary>
    public IReadOnlyList<FilePriority>? Priorities { get; init; }

    /// <summary>Make empty files and links at once. False for data that is only to be seeded.</summary>
    public bool CreateEmptyFiles { get; init; } = true;

    /// <summary>
    /// Called from any thread with the path of a file that somebody else has written to since all of it was proven, when
    /// peers read it; again if it is written to again. Needs a journal.
    /// </summary>
    public Action<string>? ContentChanged { get; init; }
}

/// <summary>
/// The disk of one torrent: its files, its open pieces (spread over the shards of <see cref="DiskWorkers"/>), its
/// resume journal. Answers go to the sink given at the start.
/// </summary>
/// <remarks>
/// Whenever blocks of a piece are lost after the disk took them (it failed, and more came than may be kept in
/// memory), <see cref="SwarmEventKind.PieceHashed"/> with IsComplete false is posted for the piece. The swarm answers
/// with <see cref="DiskRequestKind.DiscardPiece"/>, which also drops what was under way meanwhile; then all of its
/// blocks must come again.
/// </remarks>
internal sealed partial class TorrentDisk : ITorrentDisk, IAsyncDisposable
{
    private readonly DiskWorkers _workers;
    private readonly DiskEventSink _sink;
    private readonly Lock _failureLock = new();
    private HashSet<object>? _failing;
    private readonly ResumeJournal? _journal;

    // By number; null: it knows nothing of this torrent.
    private readonly ShardTorrent?[] _shards;
    private readonly string? _stateDirectory;
    private Action<string>? _contentChanged;

    // What was told of, so that it is told once.
    private Dictionary<int, FileStamp>? _changed;
    private long _lookedForChanges;

    private TorrentDisk(
        DiskWorkers workers,
        Metainfo metainfo,
        FileStorage storage,
        ResumeJournal? journal,
        string? stateDirectory,
        DiskEventSink sink
    )
    {
        _stateDirectory = stateDirectory;
        _workers = workers;
        _sink = sink;
        _journal = journal;
        if (journal is not null)
        {
            journal.Failed = failure => ReportFailure(journal, failure);
            journal.Recovered = () => ReportRecovery(journal);
        }

        Metainfo = metainfo;
        Storage = storage;
        Layout = metainfo.Layout;
        NeedsSha1 = metainfo.Format != TorrentFormat.V2;
        NeedsLeaves = metainfo.Format != TorrentFormat.V1;
        _shards = new ShardTorrent?[workers.Shards.Length];
        Number = workers.Join(this);
    }

    public Metainfo Metainfo { get; }

    public PieceLayout Layout { get; }

    public FileStorage Storage { get; }

    /// <summary>Tells the engine's torrents apart.</summary>
    public int Number { get; }

    public bool NeedsSha1 { get; }

    public bool NeedsLeaves { get; }

    /// <summary>Bytes received and sent that earlier runs saved.</summary>
    public (long Downloaded, long Uploaded) ResumedTotals { get; private init; }

    /// <summary>Priorities that earlier runs saved; null if none.</summary>
    public IReadOnlyList<FilePriority>? ResumedPriorities { get; private init; }

    /// <summary>What a shard knows of this torrent. On the shard's thread, or before that knows of the torrent.</summary>
    public ShardTorrent At(int shard) => _shards[shard] ??= new ShardTorrent(this, shard);

    /// <summary>The shard knows nothing of it that is worth keeping. On its thread.</summary>
    public void Forget(ShardTorrent blank) => _shards[blank.Shard] = null;

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

    /// <summary>A file for another torrent to copy from; null if its bytes are in the part file.</summary>
    public IContentSource? SourceOf(int file)
    {
        lock (_placeLock)
        {
            return Storage.IsKept(file) ? null : new FileSource(_workers.Options.FileSystem, Storage.PathOf(file));
        }
    }

    /// <summary>Keeps v2 piece hashes that a magnet link did not bring, for the next run.</summary>
    public Task SavePieceLayersAsync(byte[] layers) =>
        Task.Run(() =>
        {
            if (_stateDirectory is { } state)
            {
                // Lost, they are asked for again: no failure worth telling.
                InfoStore.TrySaveLayers(_workers.Options.FileSystem, state, Metainfo.InfoHashes, layers);
            }
        });

    /// <summary>Says once that the disk fails, however many shards and blocks find out.</summary>
    /// <param name="source">Who failed: a shard's half of this torrent, the journal, or the checkpoint.</param>
    internal void ReportFailure(object source, DiskFailure failure)
    {
        // Posted under the lock, so that the swarm hears of failure and recovery in the order they happened.
        lock (_failureLock)
        {
            if ((_failing ??= []).Add(source) && _failing.Count == 1)
            {
                _sink([new SwarmEvent(SwarmEventKind.DiskFailed, Payload: failure)]);
            }
        }
    }

    /// <summary>A bug of ours: the torrent fetches nothing more, and says so.</summary>
    internal void ReportBug(Exception bug) =>
        ReportFailure(bug, new DiskFailure(DiskFailureKind.Other, $"internal error: {bug.Message}"));

    /// <summary>Says that the disk works again when the last that failed has found so.</summary>
    internal void ReportRecovery(object source)
    {
        lock (_failureLock)
        {
            if (_failing?.Remove(source) == true && _failing.Count == 0)
            {
                _sink([new SwarmEvent(SwarmEventKind.DiskRecovered)]);
            }
        }
    }

    /// <summary>Notes which files are about to change. On the shard's thread.</summary>
    internal void BeforeWrite(ShardTorrent shard, long offset, int length)
    {
        var isNew = false;
        foreach (var span in Storage.Map.Locate(offset, length))
        {
            if (span.File != FileMap.NoFile)
            {
                isNew |= shard.Record.Files.Add(Storage.Place(span).File);
            }
        }

        if (isNew)
        {
            _journal?.Begin(shard.Shard, shard.Record.Files);
        }
    }

    /// <summary>A piece was found bad: what is claimed of it is taken back before it is overwritten.</summary>
    internal void Lose(ShardTorrent shard, PieceIndex piece)
    {
        if (_journal?.Knows(piece.Value) == true)
        {
            _journal.Lose(piece.Value);
            shard.Record.Lost.Add(piece.Value);
        }
    }

    /// <summary>Notes in the journal what the round did, and posts its answers. On the shard's thread.</summary>
    internal void FinishRound(ShardTorrent shard)
    {
        try
        {
            if (_journal is not null && !shard.Record.IsEmpty)
            {
                NoteRound(_journal, shard);
            }
        }
        finally
        {
            shard.Record.Clear();
            if (shard.Events.Count > 0)
            {
                _sink(CollectionsMarshal.AsSpan(shard.Events));
                shard.Events.Clear();
            }

            foreach (var waiter in shard.AfterRound)
            {
                waiter.TrySetResult();
            }

            shard.AfterRound.Clear();
        }
    }

    private byte[]? LoadPieceLayers() =>
        NeedsLeaves && Metainfo.PieceLayers.Count == 0 && _stateDirectory is { } state
            ? InfoStore.TryLoadLayers(_workers.Options.FileSystem, state, Metainfo.InfoHashes)
            : null;

    private void AddFilesOf(PieceIndex piece, HashSet<int> files)
    {
        foreach (var span in Storage.Map.Locate(Layout.OffsetOf(piece), Layout.SizeOf(piece)))
        {
            if (span.File != FileMap.NoFile)
            {
                files.Add(Storage.Place(span).File);
            }
        }
    }

    private List<KeyValuePair<int, FileStamp>> StampsOf(IReadOnlyCollection<int> files)
    {
        var stamps = new List<KeyValuePair<int, FileStamp>>(files.Count);
        foreach (var file in files)
        {
            if (Storage.OpenStampOf(file) is { } stamp)
            {
                stamps.Add(new(file, stamp));
            }
        }

        return stamps;
    }

    private int ShardOf(PieceIndex piece) => (int)((uint)(Number + piece.Value) % (uint)_shards.Length);

    /// <summary>At the start. Leaves the workers when it fails.</summary>
    /// <exception cref="StorageException">There is not enough space.</exception>
    private void Reserve(IReadOnlyList<FilePriority>? priorities)
    {
        try
        {
            Storage.Reserve(priorities);
        }
        catch (StorageException)
        {
            _journal?.Dispose();
            _workers.Leave(this);
            _workers.Handles.CloseAll(Storage);
            throw;
        }
    }
}
