using Shoal.Protocol;

namespace Shoal.Engine;

// Reading for somebody outside of the swarm.
internal sealed partial class TorrentDisk
{
    /// <summary>
    /// Reads what the swarm has found proven. Who does not want to wait any longer leaves the memory to it: the disk may
    /// still write there.
    /// </summary>
    /// <param name="piece">The piece.</param>
    /// <param name="begin">From this byte of it on.</param>
    /// <param name="into">As much as is to be read.</param>
    /// <param name="isWhole">All of the piece is proven; otherwise only blocks of it are.</param>
    public Task<ReadVerdict> ReadAsync(PieceIndex piece, int begin, Memory<byte> into, bool isWhole)
    {
        var done = new TaskCompletionSource<ReadVerdict>(TaskCreationOptions.RunContinuationsAsynchronously);
        var shard = _workers.Shards[ShardOf(piece)];
        shard.Enqueue(
            this,
            torrent =>
            {
                var verdict = ReadVerdict.Failed;
                try
                {
                    verdict = shard.ReadFor(torrent, piece, begin, into, isWhole);
                }
                finally
                {
                    done.SetResult(verdict);
                }
            }
        );
        return done.Task;
    }
}
