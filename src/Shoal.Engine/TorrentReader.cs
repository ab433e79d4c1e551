using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Reads one file of a torrent from a place on, while it may still be coming in: as long as it is open, the swarm fetches what it
/// needs next before anything else. For one caller at a time. Whoever opened it must dispose of it, or the swarm goes
/// on working for nobody.
/// </summary>
public sealed class TorrentReader : IDisposable
{
    /// <summary>Bytes read at once: a read of the disk takes some microseconds, and what is read waits in memory.</summary>
    private const int ChunkSize = 128 * 1024;

    /// <summary>While files are being moved.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly TorrentRunner _runner;
    private readonly PieceLayout _layout;
    private readonly long _origin;
    private readonly long _end;
    private readonly byte[] _chunk = new byte[ChunkSize];
    private readonly Lock _lock = new();
    private TaskCompletionSource _news = NewSignal();
    private long _at;
    private ReaderProgress? _progress;
    private string? _fault;

    internal TorrentReader(TorrentRunner runner, int id, PieceLayout layout, MetainfoFile file, long from, long to)
    {
        _runner = runner;
        _layout = layout;
        Id = id;
        _origin = file.Offset;
        _at = file.Offset + from;
        _end = file.Offset + to;
    }

    internal int Id { get; }
    internal long Start => _at;
    internal long End => _end;

    /// <summary>The byte of the file that is read next.</summary>
    public long Position => _at - _origin;

    /// <summary>Up to here, in the file, everything is here and proven.</summary>
    public long Ready => Math.Max(_at, Volatile.Read(ref _progress)?.Ready ?? 0) - _origin;

    /// <summary>
    /// The next bytes, as soon as there are any: up to 128 KiB, valid until the next call; none at the end. Waits for peers as long
    /// as it takes.
    /// </summary>
    /// <exception cref="IOException">They cannot come: the torrent is paused, gone, or its disk fails.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the reader can only be disposed of then.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        while (_at < _end)
        {
            var (progress, news) = Look();
            if (progress is null || progress.Ready <= _at)
            {
                if (progress is not null && _runner.WhyNothingComes() is { } reason)
                {
                    throw new IOException(reason);
                }

                await news.WaitAsync(cancellation).ConfigureAwait(false);
                continue;
            }

            var piece = _layout.PieceAt(_at);
            var begin = (int)(_at - _layout.OffsetOf(piece));
            var length = (int)
                Math.Min(Math.Min(progress.Ready, _end) - _at, Math.Min(ChunkSize, _layout.PieceLength - begin));
            var isWhole = progress.Whole >= Math.Min(_end, _layout.OffsetOf(piece) + _layout.PieceLength);
            var verdict = await _runner
                .ReadAsync(piece, begin, _chunk.AsMemory(0, length), isWhole)
                .WaitAsync(cancellation)
                .ConfigureAwait(false);
            if (verdict == ReadVerdict.Failed)
            {
                throw new IOException(_runner.WhyNothingComes() ?? "the disk cannot be read");
            }

            // Something proven was lost meanwhile, perhaps this: what was read counts only if it was not.
            if (verdict == ReadVerdict.NotNow || Volatile.Read(ref _progress)!.Losses != progress.Losses)
            {
                await Task.Delay(Pause, _runner.Time, cancellation).ConfigureAwait(false);
                continue;
            }

            _at += length;
            _runner.Command(new SwarmCommand.MoveReader(Id, _at));
            return _chunk.AsMemory(0, length);
        }

        return default;
    }

    /// <summary>The swarm turns to other things.</summary>
    public void Dispose() => _runner.Close(this);

    internal void Advance(ReaderProgress progress)
    {
        lock (_lock)
        {
            _progress = progress;
            Wake();
        }
    }

    /// <summary>The state of the torrent has changed: who waits looks again.</summary>
    internal void Nudge()
    {
        lock (_lock)
        {
            Wake();
        }
    }

    /// <summary>Nothing comes any more.</summary>
    internal void Fail(string reason)
    {
        lock (_lock)
        {
            _fault ??= reason;
            Wake();
        }
    }

    private (ReaderProgress? Progress, Task News) Look()
    {
        lock (_lock)
        {
            return _fault is { } fault ? throw new IOException(fault) : (_progress, _news.Task);
        }
    }

    private void Wake()
    {
        var woken = _news;
        _news = NewSignal();
        woken.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
