using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Xunit;

namespace Shoal.UnitTests;

/// <summary>The workers with their threads: nothing is lost on the way between them.</summary>
public class DiskWorkersTests
{
    [Fact]
    public async Task Two_torrents_share_the_workers_and_stop_cleanly()
    {
        using var place = TestPlace.OnDisk();
        var downloads = new BlockPool(64);
        var uploads = new BlockPool(4);
        using (var workers = new DiskWorkers(new DiskWorkersOptions { UploadPool = uploads, Workers = 3 }))
        {
            await Task.WhenAll(
                UseAsync(workers, TorrentFormat.V1, "a", place.Root, downloads),
                UseAsync(workers, TorrentFormat.Hybrid, "b", place.Root, downloads)
            );
        }

        Assert.Equal(0, downloads.Leased);
        Assert.Equal(0, uploads.Leased);
    }

    private static async Task UseAsync(
        DiskWorkers workers,
        TorrentFormat format,
        string name,
        string root,
        BlockPool pool
    )
    {
        var torrent = DiskTorrent.Make(format, 128 * 1024, 700_000, 900_000);
        var bad = 0;
        var wrong = 0;
        using var answers = new SemaphoreSlim(0);
        TorrentDisk disk = null!;
        (disk, _) = await TorrentDisk.OpenAsync(
            workers,
            torrent.Metainfo,
            new TorrentDiskOptions { SaveDirectory = Path.Combine(root, name), StateDirectory = root },
            events =>
            {
                foreach (ref readonly var answer in events)
                {
                    if (answer.Payload is PieceHashResult result)
                    {
                        Interlocked.Add(ref bad, result.V1 == torrent.Sha1Of(result.Piece) ? 0 : 1);
                        disk.Submit([new DiskRequest(DiskRequestKind.CommitPiece, result.Piece)]);
                    }
                    else if (answer.Payload is BlockBuffer buffer)
                    {
                        var expected = torrent.Piece(torrent.Layout.Piece((int)answer.Piece));
                        var isRight = expected.Slice((int)answer.Begin, buffer.Length).SequenceEqual(buffer.Span);
                        Interlocked.Add(ref wrong, isRight ? 0 : 1);
                        buffer.Release();
                    }

                    answers.Release();
                }
            }
        );
        for (var index = 0; index < torrent.Layout.PieceCount; index++)
        {
            var piece = torrent.Layout.Piece(index);
            for (var block = torrent.Layout.DataBlockCount(piece) - 1; block >= 0; block--)
            {
                BlockBuffer? buffer;
                while (!pool.TryRent(out buffer))
                {
                    await pool.WhenAvailable(CancellationToken.None);
                }

                var place = new BlockRef(piece, block);
                buffer.Length = torrent.Layout.SizeOf(place);
                torrent.Piece(piece).Slice(place.Begin, buffer.Length).CopyTo(buffer.Span);
                disk.Submit([
                    new DiskRequest(DiskRequestKind.WriteBlock, piece, place.Begin, buffer.Length, Buffer: buffer),
                ]);
            }
        }

        await WaitAsync(answers, torrent.Layout.PieceCount);
        var reads = 0;
        for (var index = 0; index < torrent.Layout.PieceCount; index++)
        {
            var piece = torrent.Layout.Piece(index);
            for (var block = 0; block < torrent.Layout.BlockCount(piece); block++, reads++)
            {
                var place = new BlockRef(piece, block);
                disk.Submit([
                    new DiskRequest(DiskRequestKind.ReadBlock, piece, place.Begin, torrent.Layout.SizeOf(place)),
                ]);
            }
        }

        await WaitAsync(answers, reads);
        await disk.FlushAsync();
        await disk.DisposeAsync();
        Assert.Equal((0, 0), (bad, wrong));
    }

    private static async Task WaitAsync(SemaphoreSlim answers, int count)
    {
        for (; count > 0; count--)
        {
            Assert.True(await answers.WaitAsync(TimeSpan.FromSeconds(30)), "the disk does not answer");
        }
    }
}
