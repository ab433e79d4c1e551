using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// A torrent's disk without threads, on the caller's clock, and in place of the swarm the test: what the disk
/// answers is kept, and a piece can be fetched as a swarm would.
/// </summary>
internal sealed class DiskRig
{
    public DiskRig(
        DiskTorrent torrent,
        IFileSystem files,
        string root,
        int workers = 2,
        int cacheBlocks = 256,
        int uploadBlocks = 64,
        int maxOpenFiles = 16,
        ManualTime? time = null,
        Guid? boot = null,
        TimeSpan? uptime = null,
        Func<TorrentDiskOptions, TorrentDiskOptions>? options = null
    )
    {
        Torrent = torrent;
        Root = root;
        Time = time ?? new ManualTime();
        Downloads = new BlockPool(cacheBlocks);
        Uploads = new BlockPool(uploadBlocks);
        Workers = new DiskWorkers(
            new DiskWorkersOptions
            {
                UploadPool = Uploads,
                WriteCacheBytes = (long)cacheBlocks * BlockBuffer.Capacity,
                Workers = workers,
                MaxOpenFiles = maxOpenFiles,
                Time = Time,
                FileSystem = files,
                UseThreads = false,
                BootId = boot ?? new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
                Uptime = () => uptime ?? TimeSpan.FromDays(1),
            }
        );
        var settings = new TorrentDiskOptions
        {
            SaveDirectory = Path.Combine(root, "data"),
            StateDirectory = Path.Combine(root, "state"),
        };
        (Disk, Resume) = TorrentDisk.Open(
            Workers,
            torrent.Metainfo,
            options?.Invoke(settings) ?? settings,
            batch => Events.AddRange(batch)
        );
    }

    public DiskTorrent Torrent { get; }
    public string Root { get; }
    public ManualTime Time { get; }
    public BlockPool Downloads { get; }
    public BlockPool Uploads { get; }
    public DiskWorkers Workers { get; }
    public TorrentDisk Disk { get; }
    public ResumeState Resume { get; }
    public List<SwarmEvent> Events { get; } = [];

    public string PathOf(int file) => Path.Combine(Root, "data", Torrent.Metainfo.Files[file].Path);

    /// <summary>Submits one block of the torrent's content.</summary>
    public void SendBlock(PieceIndex piece, int block, Action<Memory<byte>>? change = null)
    {
        if (!Downloads.TryRent(out var buffer))
        {
            throw new InvalidOperationException("the test used up the pool");
        }

        var place = new BlockRef(piece, block);
        buffer.Length = Torrent.Layout.SizeOf(place);
        Torrent.Piece(piece).Slice(place.Begin, buffer.Length).CopyTo(buffer.Span);
        change?.Invoke(buffer.Memory);
        Submit(new DiskRequest(DiskRequestKind.WriteBlock, piece, place.Begin, buffer.Length, Buffer: buffer));
    }

    public void SendPiece(PieceIndex piece)
    {
        for (var block = 0; block < Torrent.Layout.DataBlockCount(piece); block++)
        {
            SendBlock(piece, block);
        }
    }

    public void Submit(params ReadOnlySpan<DiskRequest> requests) => Disk.Submit(requests);

    public void Pump() => Workers.Pump();

    /// <summary>Lets so much time pass, and the disk do what is due then.</summary>
    public void Pass(TimeSpan time)
    {
        Time.Advance(time);
        Pump();
    }

    /// <summary>The result for the piece among the answers so far, which is taken out; null if none came.</summary>
    public PieceHashResult? TakeResult(PieceIndex piece)
    {
        var at = Events.FindIndex(e => e.Kind == SwarmEventKind.PieceHashed && e.Piece == piece.Value);
        if (at < 0)
        {
            return null;
        }

        var result = (PieceHashResult)Events[at].Payload!;
        Events.RemoveAt(at);
        return result;
    }

    public bool IsGood(PieceHashResult result) =>
        result.IsComplete
        && (result.V1 is null || result.V1 == Torrent.Sha1Of(result.Piece))
        && (result.Blocks is null || result.Blocks.AsSpan().SequenceEqual(Torrent.LeavesOf(result.Piece)));

    /// <summary>Sends a piece, expects it to be good, commits it.</summary>
    public void Fetch(PieceIndex piece)
    {
        SendPiece(piece);
        Pump();
        var result = TakeResult(piece) ?? throw new InvalidOperationException($"no answer for piece {piece}");
        if (!IsGood(result))
        {
            throw new InvalidOperationException($"piece {piece} came out wrong");
        }

        Submit(new DiskRequest(DiskRequestKind.CommitPiece, piece));
        Pump();
    }

    /// <summary>The same with all pieces.</summary>
    public void FetchAll()
    {
        for (var piece = 0; piece < Torrent.Layout.PieceCount; piece++)
        {
            Fetch(Torrent.Layout.Piece(piece));
        }
    }

    /// <summary>Waits for an administrative operation, doing the disk's work meanwhile.</summary>
    public void Complete(Task task)
    {
        while (!task.IsCompleted)
        {
            Pump();
            Thread.Yield();
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>A clean stop.</summary>
    public void Close()
    {
        Complete(Disk.DisposeAsync().AsTask());
        Workers.Dispose();
    }
}
