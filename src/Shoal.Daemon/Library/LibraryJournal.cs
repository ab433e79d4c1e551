using System.Buffers;
using System.Threading.Channels;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>
/// Keeps the library on disk: an append-only file of <see cref="LibraryLines"/>, rewritten when most of it is old. What was
/// acknowledged survives a power cut. One writer task; records that come together are written and synced together.
/// </summary>
/// <remarks>
/// A disk that fails does not stop the daemon: the callers hear of it, <see cref="Problem"/> says it, and the whole library
/// is written anew as soon as the disk takes it.
/// </remarks>
internal sealed class LibraryJournal : IAsyncDisposable
{
    /// <summary>A file is rewritten when it is larger than this, in bytes, and four times what a new one would be.</summary>
    private const long MinRewrite = 1024 * 1024;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, LibraryEntry> _live;
    private readonly Channel<(IReadOnlyList<LibraryRecord> Records, TaskCompletionSource Done)> _queue =
        Channel.CreateUnbounded<(IReadOnlyList<LibraryRecord>, TaskCompletionSource)>(
            // The writer's thread is woken by whoever appends, not by way of a pool whose threads may all wait for the disk.
            new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true }
        );
    private readonly Task _writing;
    private FileStream? _file;
    private long _liveBytes;
    private volatile string? _problem;

    private LibraryJournal(string path, Dictionary<string, LibraryEntry> live, TimeProvider time)
    {
        _path = path;
        _time = time;
        _live = live;
        Entries = [.. live.Values];
        LoadedCount = Entries.Count;
        _writing = Task.Factory.StartNew(
            WriteAll,
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
    }

    /// <summary>What was there at the start, until it was taken over.</summary>
    public IReadOnlyList<LibraryEntry> Entries { get; private set; }

    /// <summary>How many torrents were there at the start.</summary>
    public int LoadedCount { get; }

    /// <summary>Lines that could not be read at the start; a copy of the file is kept then.</summary>
    public int BrokenLines { get; private init; }

    /// <summary>Why nothing can be saved now; null: it can.</summary>
    public string? Problem => _problem;

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static LibraryJournal Open(string path, TimeProvider time)
    {
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var live = LibraryLines.Read(bytes, out var broken);
        // A cut end is what a power cut leaves; anything else is worth a look, and must not be lost by the next rewriting.
        if (broken > 0)
        {
            File.Copy(path, path + ".broken", overwrite: true);
        }

        return new LibraryJournal(path, live, time) { BrokenLines = broken };
    }

    /// <summary>Lets go of <see cref="Entries"/>, most of which change soon.</summary>
    public void ForgetEntries() => Entries = [];

    /// <summary>Completes when the records are durable.</summary>
    /// <exception cref="IOException">They are not; they will be once the disk works again, if the daemon lives so long.</exception>
    public Task AppendAsync(IReadOnlyList<LibraryRecord> records)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _queue.Writer.TryWrite((records, done))
            ? done.Task
            : Task.FromException(new IOException("the daemon is stopping"));
    }

    /// <summary>Writes what was appended, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing.ConfigureAwait(false);
        _file?.Dispose();
    }

    private void WriteAll()
    {
        var batch = new List<(IReadOnlyList<LibraryRecord> Records, TaskCompletionSource Done)>();
        while (WaitAsync().GetAwaiter().GetResult())
        {
            batch.Clear();
            while (_queue.Reader.TryRead(out var next))
            {
                batch.Add(next);
            }

            Write(batch);
        }
    }

    /// <summary>Until there is something to write, or it is time to try again; false at the end.</summary>
    private async Task<bool> WaitAsync()
    {
        if (_problem is null)
        {
            return await _queue.Reader.WaitToReadAsync().ConfigureAwait(false);
        }

        try
        {
            return await _queue.Reader.WaitToReadAsync().AsTask().WaitAsync(RetryAfter, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    private void Write(List<(IReadOnlyList<LibraryRecord> Records, TaskCompletionSource Done)> batch)
    {
        try
        {
            var bytes = new ArrayBufferWriter<byte>();
            // Only the last word on each torrent: nobody would ever read those before it, and a caller may change one
            // torrent ten thousand times at once.
            var latest = new Dictionary<string, LibraryRecord>(StringComparer.Ordinal);
            foreach (var record in batch.SelectMany(entry => entry.Records))
            {
                latest[record.Put?.Id ?? record.Gone!] = record;
            }

            foreach (var record in latest.Values)
            {
                LibraryLines.Write(bytes, record);
                if (record.Put is { } put)
                {
                    _live[put.Id] = put;
                }
                else
                {
                    _live.Remove(record.Gone!);
                }
            }

            if (_file is null || _problem is not null || IsMostlyOld(_file.Length + bytes.WrittenCount))
            {
                Rewrite();
            }
            else
            {
                _file.Write(bytes.WrittenSpan);
                _file.Flush(flushToDisk: true);
            }

            _problem = null;
            batch.ForEach(entry => entry.Done.TrySetResult());
        }
        catch (Exception error)
        {
            // Whatever it is: a writer that ended would leave all callers waiting.
            _problem = error.Message;
            batch.ForEach(entry => entry.Done.TrySetException(new IOException(error.Message, error)));
        }
    }

    private bool IsMostlyOld(long length) => length > MinRewrite && length > 4 * _liveBytes;

    private void Rewrite()
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var entry in _live.Values)
        {
            LibraryLines.Write(bytes, new LibraryRecord { Put = entry });
        }

        _file?.Dispose();
        _file = null;
        AtomicFile.Write(_path, bytes.WrittenSpan);
        _liveBytes = bytes.WrittenCount;
        _file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }
}
