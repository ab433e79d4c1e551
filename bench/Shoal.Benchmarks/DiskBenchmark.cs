using System.Diagnostics;
using System.Globalization;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>
/// The disk alone: blocks that a link would hand over are hashed and written, then read for a peer, then checked.
/// Filling a buffer with "received" bytes is part of it, as one copy from the socket's memory.
/// </summary>
internal static class DiskBenchmark
{
    private const int PieceLength = 1024 * 1024;

    public static async Task<int> RunAsync(string folder, string gigabytes)
    {
        var size = long.Parse(gigabytes, CultureInfo.InvariantCulture) << 30;
        foreach (var format in new[] { TorrentFormat.V1, TorrentFormat.V2, TorrentFormat.Hybrid })
        {
            await RunAsync(folder, format, 256L << 20, isWarmUp: true);
            await RunAsync(folder, format, size, isWarmUp: false);
        }

        return 0;
    }

    private static async Task RunAsync(string folder, TorrentFormat format, long size, bool isWarmUp)
    {
        var root = Directory.CreateDirectory(Path.Combine(folder, "shoal-disk-benchmark")).FullName;
        var metainfo = Describe(format, size);
        var downloads = new BlockPool(2048);
        var uploads = new BlockPool(1024);
        using var workers = new DiskWorkers(new DiskWorkersOptions { UploadPool = uploads });
        try
        {
            using var done = new SemaphoreSlim(0);
            TorrentDisk disk = null!;
            (disk, _) = await TorrentDisk.OpenAsync(
                workers,
                metainfo,
                new TorrentDiskOptions { SaveDirectory = root, StateDirectory = root },
                events => Answer(disk, events, done)
            );
            var pieces = metainfo.Layout.PieceCount;
            await Measure(
                isWarmUp ? null : $"{format} write and hash",
                size,
                () => WriteAsync(disk, downloads, done, pieces)
            );
            await Measure(isWarmUp ? null : $"{format} read", size, () => ReadAsync(disk, uploads, done, pieces));
            await Measure(isWarmUp ? null : $"{format} check", size, () => CheckAsync(disk, done, pieces));
            await disk.DisposeAsync();
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static void Answer(TorrentDisk disk, ReadOnlySpan<SwarmEvent> events, SemaphoreSlim done)
    {
        foreach (ref readonly var answer in events)
        {
            if (answer.Kind == SwarmEventKind.PieceHashed)
            {
                var piece = disk.Layout.Piece((int)answer.Piece);
                disk.Submit([new DiskRequest(DiskRequestKind.CommitPiece, piece)]);
                done.Release();
            }
            else if (answer.Payload is BlockBuffer buffer)
            {
                buffer.Release();
                done.Release();
            }
            else
            {
                throw new InvalidOperationException($"{answer.Kind}: {answer.Payload}");
            }
        }
    }

    private static async Task WriteAsync(TorrentDisk disk, BlockPool pool, SemaphoreSlim done, int pieces)
    {
        // As large as a socket's receive buffer, so that copying from it costs what it costs there.
        var source = new byte[4 * PieceLength];
        Random.Shared.NextBytes(source);
        var batch = new DiskRequest[16];
        for (var index = 0; index < pieces; index++)
        {
            var piece = disk.Layout.Piece(index);
            for (var block = 0; block < PieceLength / BlockBuffer.Capacity; block++)
            {
                BlockBuffer? buffer;
                while (!pool.TryRent(out buffer))
                {
                    await pool.WhenAvailable(CancellationToken.None);
                }

                var begin = block * BlockBuffer.Capacity;
                source.AsSpan((index % 4) * PieceLength + begin, BlockBuffer.Capacity).CopyTo(buffer.Span);
                batch[block % batch.Length] = new DiskRequest(
                    DiskRequestKind.WriteBlock,
                    piece,
                    begin,
                    BlockBuffer.Capacity,
                    Buffer: buffer
                );
                if ((block + 1) % batch.Length == 0)
                {
                    disk.Submit(batch);
                }
            }
        }

        await WaitAsync(done, pieces);
    }

    private static async Task ReadAsync(TorrentDisk disk, BlockPool pool, SemaphoreSlim done, int pieces)
    {
        var batch = new DiskRequest[16];
        var inFlight = 0;
        for (var index = 0; index < pieces; index++)
        {
            for (var begin = 0; begin < PieceLength; )
            {
                for (var i = 0; i < batch.Length; i++, begin += BlockBuffer.Capacity)
                {
                    batch[i] = new DiskRequest(
                        DiskRequestKind.ReadBlock,
                        disk.Layout.Piece(index),
                        begin,
                        BlockBuffer.Capacity
                    );
                }

                disk.Submit(batch);
                inFlight += batch.Length;
                for (; inFlight > pool.Limit / 2; inFlight--)
                {
                    await done.WaitAsync();
                }
            }
        }

        await WaitAsync(done, inFlight);
    }

    private static async Task CheckAsync(TorrentDisk disk, SemaphoreSlim done, int pieces)
    {
        for (var index = 0; index < pieces; index++)
        {
            disk.Submit([new DiskRequest(DiskRequestKind.HashPiece, disk.Layout.Piece(index))]);
        }

        await WaitAsync(done, pieces);
    }

    private static async Task WaitAsync(SemaphoreSlim done, int count)
    {
        for (; count > 0; count--)
        {
            await done.WaitAsync();
        }
    }

    private static async Task Measure(string? name, long bytes, Func<Task> body)
    {
        var allocated = GC.GetTotalAllocatedBytes();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var watch = Stopwatch.StartNew();
        await body();
        watch.Stop();
        var used = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        if (name is null)
        {
            return;
        }

        var gigabytes = bytes / (double)(1 << 30);
        Console.WriteLine(
            FormattableString.Invariant(
                $"{name, -24} {bytes / watch.Elapsed.TotalSeconds / 1e9, 6:F2} GB/s {used.TotalSeconds / gigabytes, 6:F2} CPU-s/GiB {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / gigabytes, 8:F0} KiB allocated/GiB"
            )
        );
    }

    private static Metainfo Describe(TorrentFormat format, long size) =>
        new()
        {
            Name = "data",
            Format = format,
            Files =
            [
                new MetainfoFile
                {
                    Path = "data",
                    Size = size,
                    Offset = 0,
                },
            ],
            Size = size,
            Layout =
                format == TorrentFormat.V1
                    ? PieceLayout.Contiguous(size, PieceLength)
                    : PieceLayout.FileAligned([size], PieceLength, format == TorrentFormat.Hybrid),
            InfoBytes = ReadOnlyMemory<byte>.Empty,
            InfoHashes = new InfoHashes(
                format == TorrentFormat.V2 ? null : default(Sha1Digest),
                format == TorrentFormat.V1 ? null : default(Sha256Digest)
            ),
        };
}
