using System.Buffers.Binary;
using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The file that says what of a torrent is on disk (docs/formats/resume.md): records are appended as things
/// happen, a checkpoint makes what they say durable, and a rewrite keeps the file short. Shards and the checkpoint
/// thread call it; a failure makes it silent until the next checkpoint writes it anew, and never more than
/// forgetful.
/// </summary>
internal sealed partial class ResumeJournal : IDisposable
{
    private const int MinRewrite = 256 * 1024;

    /// <summary>After so long without a durable record the next write begins with one, see the format's document.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(30);

    private readonly IFileSystem _files;
    private readonly Metainfo _metainfo;
    private readonly TimeProvider _time;
    private readonly Guid _bootId;
    private readonly string _path;
    private readonly Lock _lock = new();

    // Each record is made and written under the lock, without a wait: one place for all journals of a thread.
    [ThreadStatic]
    private static ResumeRecordWriter? _threadWriter;

    [ThreadStatic]
    private static byte[]? _threadFrame;
    private RestingFile? _file;
    private string _saveDirectory;
    private long _length;
    private long _lengthAfterRewrite;
    private uint _chain;
    private long _syncedAt;
    private long _checkpointed;
    private bool _needsRewrite;
    private bool _hasFailed;
    private bool _isDisposed;
    private int _generation;

    private ResumeJournal(
        IFileSystem files,
        string path,
        Metainfo metainfo,
        string root,
        TimeProvider time,
        Guid bootId
    )
    {
        _files = files;
        _path = path;
        _metainfo = metainfo;
        _saveDirectory = root;
        _time = time;
        _bootId = bootId;
        Image = new ResumeImage(metainfo.Layout, metainfo.Files.Count);
    }

    /// <summary>What the journal says. Guarded by the journal once the torrent runs.</summary>
    public ResumeImage Image { get; private set; }

    /// <summary>Called when the journal cannot be written, once until it can be again.</summary>
    public Action<DiskFailure>? Failed { get; set; }

    public Action? Recovered { get; set; }

    private static string PathOf(string stateDirectory, string name) => Path.Combine(stateDirectory, $"{name}.resume");

    /// <summary>Reads what there is; writes nothing yet. A journal that makes no sense counts as none.</summary>
    /// <param name="name">Of the file, without its extension; null: the torrent's.</param>
    public static ResumeJournal Open(
        IFileSystem files,
        string stateDirectory,
        Metainfo metainfo,
        string saveDirectory,
        TimeProvider time,
        Guid bootId,
        string? name = null
    )
    {
        var path = PathOf(Path.GetFullPath(stateDirectory), name ?? metainfo.InfoHashes.Primary.ToString());
        var journal = new ResumeJournal(files, path, metainfo, saveDirectory, time, bootId);
        journal.Load();
        if (Path.TrimEndingDirectorySeparator(journal.Image.SaveDirectory) != saveDirectory)
        {
            // Data somewhere else says nothing about data here.
            journal.Image.Forget();
            journal._needsRewrite = true;
        }

        return journal;
    }

    /// <summary>The next write starts with a fresh file: what was loaded is not what is claimed now.</summary>
    public void RewriteSoon()
    {
        lock (_lock)
        {
            _needsRewrite = _length > 0;
        }
    }

    /// <summary>Notes, before it happens, that a shard writes to files.</summary>
    public void Begin(int shard, IReadOnlyCollection<int> files)
    {
        lock (_lock)
        {
            EnsureSession();
            Append(Writer.Start(ResumeRecordKind.Begin).Int32(shard).Int64(Now).Numbers(files));
        }
    }

    /// <summary>Notes what a shard did.</summary>
    public void End(int shard, IReadOnlyCollection<KeyValuePair<int, FileStamp>> stamps, RoundRecord record)
    {
        lock (_lock)
        {
            EnsureSession();
            Writer.Start(ResumeRecordKind.End).Int32(shard).Int64(Now).Stamps(stamps).Int32(record.Blocks.Count);
            foreach (var (index, piece) in record.Blocks)
            {
                Writer.Int32(index).Counted(System.Runtime.InteropServices.MemoryMarshal.AsBytes(piece.WrittenBits));
            }

            Append(Writer.Numbers(record.Committed).Numbers(record.Lost));
        }
    }

    /// <summary>Where the journal ends now: what is written before and synced after is covered by a checkpoint.</summary>
    /// <returns>Null if nothing happened since the last.</returns>
    public JournalMark? Mark()
    {
        lock (_lock)
        {
            return _length > _checkpointed || _needsRewrite ? new JournalMark(_generation, _length) : null;
        }
    }

    /// <summary>All that was recorded before the mark is durable, and the files look like this.</summary>
    public void Checkpoint(JournalMark mark, IReadOnlyCollection<KeyValuePair<int, FileStamp>> stamps)
    {
        lock (_lock)
        {
            EnsureSession();
            // A file written anew meanwhile has other offsets: this checkpoint then covers nothing.
            var covers = mark.Generation == _generation ? mark.Length : 0;
            Append(Writer.Start(ResumeRecordKind.Checkpoint).Int64(Now).Int64(covers).Stamps(stamps));
            if (_needsRewrite || _length > Math.Max(MinRewrite, 4 * _lengthAfterRewrite))
            {
                Rewrite();
            }
            else
            {
                Sync();
            }

            _file?.Rest();
            // What was recorded after the mark waits for the next checkpoint, even if nothing is recorded any more.
            _checkpointed = Image.IsAllDurable ? _length : 0;
        }
    }

    /// <summary>A sync failed: what was written before may be lost for good, whatever later syncs say.</summary>
    public void Distrust()
    {
        lock (_lock)
        {
            Append(Writer.Start(ResumeRecordKind.Distrust));
        }
    }

    /// <summary>A clean stop: from here on any change of a file is somebody else's.</summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_file is not null)
            {
                Append(Writer.Start(ResumeRecordKind.Closed).Int64(Now));
                if (_needsRewrite)
                {
                    Rewrite();
                }
                else
                {
                    Sync();
                }
            }
        }
    }

    /// <summary>Writes the whole file, as after <see cref="ResumeImage.ClaimAll"/>.</summary>
    public void Save()
    {
        lock (_lock)
        {
            Apply(Writer.Start(ResumeRecordKind.Session).Int64(Now).Raw(_bootId.ToByteArray()).Text(_saveDirectory));
            Apply(Writer.Start(ResumeRecordKind.Closed).Int64(Now));
            Rewrite();
        }
    }

    public void SavePeers(IReadOnlyCollection<IPEndPoint> peers)
    {
        lock (_lock)
        {
            EnsureSession();
            Append(PeersRecord(peers));
        }
    }

    public void SaveTotals(long downloaded, long uploaded)
    {
        lock (_lock)
        {
            EnsureSession();
            Append(Writer.Start(ResumeRecordKind.Totals).Int64(downloaded).Int64(uploaded));
        }
    }

    public void SavePriorities(IReadOnlyList<FilePriority> priorities, Func<int, bool> isKept)
    {
        lock (_lock)
        {
            EnsureSession();
            Append(PrioritiesRecord(priorities, isKept));
            Sync();
        }
    }

    /// <summary>A file is about to get another path, or, where that is empty, is not any more.</summary>
    /// <returns>Whether it is durable.</returns>
    public bool SaveRenaming(int file, string path) =>
        SaveNow(() => Writer.Start(ResumeRecordKind.Renaming).Int32(file).Text(path));

    public void SaveRename(int file, string path) =>
        SaveNow(() => Writer.Start(ResumeRecordKind.Rename).Int32(file).Text(path));

    /// <summary>See <see cref="ResumeImage.Foreign"/>; for each move, before it begins to copy.</summary>
    /// <returns>Whether it is durable.</returns>
    public bool SaveForeign(IReadOnlyCollection<int> files) =>
        SaveNow(() => Writer.Start(ResumeRecordKind.Foreign).Numbers(files));

    /// <summary>No copies are made, or none are left: see <see cref="ResumeImage.Foreign"/>.</summary>
    /// <returns>Whether it is durable.</returns>
    public bool ForgetForeign()
    {
        lock (_lock)
        {
            if (Image.Foreign is null)
            {
                return true;
            }

            if (_isDisposed)
            {
                // A move that is given up since the torrent ends: perhaps another has the file now.
                return false;
            }

            EnsureSession();
            Image.ForgetForeign();
            Rewrite();
            return !_needsRewrite;
        }
    }

    /// <returns>Whether it is durable.</returns>
    private bool SaveNow(Func<ResumeRecordWriter> record)
    {
        lock (_lock)
        {
            EnsureSession();
            Append(record());
            Sync();
            if (_needsRewrite)
            {
                Rewrite();
            }

            return !_needsRewrite;
        }
    }

    /// <summary>The content lies elsewhere now.</summary>
    /// <returns>Whether it is durable.</returns>
    public bool SaveMove(string saveDirectory, IReadOnlyCollection<KeyValuePair<int, FileStamp>> stamps)
    {
        lock (_lock)
        {
            EnsureSession();
            _saveDirectory = saveDirectory;
            Image.Stamps.Clear(); // Copies have times of their own.
            Image.DurableStamps.Clear();
            foreach (var (file, stamp) in stamps)
            {
                Image.Stamps[file] = Image.DurableStamps[file] = stamp;
            }

            Apply(SessionRecord());
            Rewrite();
            return !_needsRewrite;
        }
    }

    public void Delete()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _file?.Dispose();
            _file = null;
            _files.Delete(_path);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _file?.Dispose();
            _file = null;
        }
    }

    private static ResumeRecordWriter Writer => _threadWriter ??= new ResumeRecordWriter();

    private long Now => _time.GetUtcNow().UtcTicks;

    private ResumeRecordWriter SessionRecord() =>
        Writer.Start(ResumeRecordKind.Session).Int64(Now).Raw(_bootId.ToByteArray()).Text(_saveDirectory);

    // Everything below is called under the lock.

    /// <summary>
    /// Before the first record of a run, and after a long silence, says durably that the files are being changed.
    /// </summary>
    private void EnsureSession()
    {
        if (Now - _syncedAt < MaxSilence.Ticks)
        {
            return;
        }

        _syncedAt = Now; // Also when it fails: not again with every block.
        if (_file is not null)
        {
            Append(SessionRecord());
            Sync();
            return;
        }

        if (!_needsRewrite && _length > 0)
        {
            try
            {
                _file = new RestingFile(_files, _path, _files.Open(_path, writable: true, create: false));
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                Fail(e);
            }
        }

        Append(SessionRecord());
        // What an earlier run wrote and did not sync, no sync of this run makes durable.
        Append(Writer.Start(ResumeRecordKind.Distrust));
        if (_file is null)
        {
            Rewrite();
        }
        else
        {
            Sync();
        }
    }

    private void Apply(ResumeRecordWriter record)
    {
        if (!Image.Apply(record.Body, _length))
        {
            throw new InvalidOperationException("the journal does not understand its own record");
        }
    }
}

/// <summary>A place in one writing of the journal.</summary>
internal readonly record struct JournalMark(int Generation, long Length);
