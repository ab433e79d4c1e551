using System.Collections.Concurrent;
using Shoal.Protocol;

namespace Shoal.Engine;

// Those who read the content while it comes in.
internal sealed partial class TorrentRunner
{
    // Made when the first one comes.
    private ConcurrentDictionary<int, TorrentReader>? _readers;
    private int _lastReader;

    public TimeProvider Time => _services.Time;

    /// <summary>Null: there are too many already.</summary>
    /// <exception cref="InvalidOperationException">The files are not known.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such file, or no such part of it.</exception>
    public TorrentReader? OpenReader(int file, long from, long to)
    {
        var metainfo = Metainfo ?? throw new InvalidOperationException("nothing to read before the metadata is known");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)file, (uint)metainfo.Files.Count, nameof(file));
        var chosen = metainfo.Files[file];
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfLessThan(to, from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to, chosen.Size);
        var readers = LazyInitializer.EnsureInitialized(ref _readers, SmallMap.Create<int, TorrentReader>);
        if (readers.Count >= SwarmLimits.Default.Readers.MaxReaders)
        {
            return null;
        }

        var reader = new TorrentReader(this, Interlocked.Increment(ref _lastReader), metainfo.Layout, chosen, from, to);
        readers[reader.Id] = reader;
        if (_isDisposed)
        {
            reader.Fail(Gone);
        }

        Command(new SwarmCommand.OpenReader(reader.Id, reader.Start, reader.End));
        return reader;
    }

    private void TellChanged(string path) =>
        Tell(
            new EngineEvent.Warning(
                "content-changed",
                $"'{path}' was written to since it was checked: receivers refuse what differs now, so share it anew"
            )
        );

    public void Close(TorrentReader reader)
    {
        if (_readers?.TryRemove(reader.Id, out _) == true)
        {
            Command(new SwarmCommand.CloseReader(reader.Id));
        }
    }

    public Task<ReadVerdict> ReadAsync(PieceIndex piece, int begin, Memory<byte> into, bool isWhole) =>
        _disk is { } disk ? disk.ReadAsync(piece, begin, into, isWhole) : Task.FromResult(ReadVerdict.Failed);

    /// <summary>Why a reader waits in vain; null: what it waits for may come.</summary>
    public string? WhyNothingComes() =>
        _isDisposed ? Gone
        : _loop.Status is { State: TorrentState.Paused } ? "the torrent is paused"
        : _loop.Status is { State: TorrentState.Failed } failed ? failed.Error ?? "the disk fails"
        : null;

    void ISwarmOwner.ReaderAdvanced(ReaderProgress progress)
    {
        if (_readers?.TryGetValue(progress.Reader, out var reader) == true)
        {
            reader.Advance(progress);
        }
    }

    private const string Gone = "the torrent is closed";

    private void NudgeReaders()
    {
        foreach (var reader in _readers?.Values ?? [])
        {
            reader.Nudge();
        }
    }

    private void EndReaders()
    {
        foreach (var reader in _readers?.Values ?? [])
        {
            reader.Fail(Gone);
        }
    }
}
