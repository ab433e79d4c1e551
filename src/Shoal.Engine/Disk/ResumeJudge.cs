using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Decides what of a journal still holds, by looking at the files. The reasons are in docs/formats/resume.md.
/// </summary>
internal sealed class ResumeJudge
{
    /// <summary>A write that was announced happened at once, or the machine was very busy.</summary>
    private static readonly TimeSpan WriteWindow = TimeSpan.FromSeconds(10);

    /// <summary>After a power loss: how much later than the last durable record our own last write may have been.</summary>
    private static readonly TimeSpan LostWindow = TimeSpan.FromSeconds(60);

    private readonly ResumeImage _image;
    private readonly FileStorage _storage;
    private readonly Metainfo _metainfo;
    private readonly bool _isSameBoot;
    private readonly long _bootedAt;
    private readonly Dictionary<int, FileState> _states = [];

    /// <param name="bootId">Of the machine now; empty if unknown.</param>
    /// <param name="bootedAt">UTC ticks.</param>
    public ResumeJudge(ResumeImage image, FileStorage storage, Metainfo metainfo, Guid bootId, long bootedAt)
    {
        _image = image;
        _storage = storage;
        _metainfo = metainfo;
        _isSameBoot = bootId != Guid.Empty && bootId == image.BootId;
        _bootedAt = bootedAt;
    }

    private enum FileState
    {
        Missing,
        Unchanged,
        Changed,
    }

    /// <summary>Whether the image says now what the journal does not; it is to be written anew then.</summary>
    public bool NeedsRewrite { get; private set; }

    /// <summary>Sorts pieces and blocks by what is known of them; takes from the image what does not hold.</summary>
    public ResumeState Judge()
    {
        var layout = _metainfo.Layout;
        var have = new Bitfield(layout.PieceCount);
        var check = new Bitfield(layout.PieceCount);
        CheckChangedFiles(check);
        for (var index = 0; index < layout.PieceCount; index++)
        {
            if (!_image.Claims(index))
            {
                continue;
            }

            var state = StateOf(layout.Piece(index));
            if (state == FileState.Unchanged && _image.Durable[index])
            {
                have.Set(index);
                check.Clear(index);
                continue;
            }

            if (state == FileState.Unchanged || check[index])
            {
                check.Set(index);
            }

            if (state != FileState.Unchanged)
            {
                _image.Forget(index);
                NeedsRewrite = true;
            }
        }

        for (var index = 0; index < layout.PieceCount; index++)
        {
            if (_image.Suspects[index] && !have[index] && StateOf(layout.Piece(index)) != FileState.Missing)
            {
                check.Set(index);
            }
        }

        var blocks = JudgeBlocks(check);
        if (!check.Bytes.SequenceEqual(_image.Suspects.Bytes))
        {
            // Hashing may take longer than this run lives.
            _image.Suspects = check.Clone();
            NeedsRewrite = true;
        }

        return new ResumeState
        {
            Have = have,
            Check = check,
            Blocks = blocks,
            Peers = _image.Peers,
        };
    }

    private List<BlockRef> JudgeBlocks(Bitfield check)
    {
        var blocks = new List<BlockRef>();
        foreach (var (index, written) in _image.Blocks.ToArray())
        {
            var piece = _metainfo.Layout.Piece(index);
            // The page cache outlives us but not the machine.
            var bitmap = _isSameBoot || !_image.IsOpen ? written.Latest : written.Durable;
            if (bitmap is null || check[index] || StateOf(piece) != FileState.Unchanged)
            {
                _image.Forget(index);
                NeedsRewrite = true;
                continue;
            }

            _image.Believe(index, bitmap);
            var count = _metainfo.Layout.DataBlockCount(piece);
            var before = blocks.Count;
            for (var block = 0; block < count; block++)
            {
                if ((bitmap[block >> 3] & (1 << (block & 7))) != 0)
                {
                    blocks.Add(new BlockRef(piece, block));
                }
            }

            if (blocks.Count - before == count)
            {
                // Written whole; only the verdict is missing.
                blocks.RemoveRange(before, count);
                check.Set(index);
            }
        }

        return blocks;
    }

    /// <summary>Files that others changed, or made, may hold anything: all that is in them is hashed.</summary>
    private void CheckChangedFiles(Bitfield check)
    {
        foreach (var file in _storage.Map.Stored)
        {
            if (StateOf(file) == FileState.Changed && _storage.StampOf(file) is { Size: > 0 } stamp)
            {
                var entry = _metainfo.Files[file];
                var last = _metainfo.Layout.PieceAt(entry.Offset + Math.Min(stamp.Size, entry.Size) - 1).Value;
                for (var piece = _metainfo.Layout.PieceAt(entry.Offset).Value; piece <= last; piece++)
                {
                    check.Set(piece);
                }

                _image.Stamps.Remove(file);
                _image.DurableStamps.Remove(file);
            }
        }
    }

    /// <summary>The worst of the piece's files.</summary>
    private FileState StateOf(PieceIndex piece)
    {
        var worst = FileState.Unchanged;
        foreach (var span in _storage.Map.Locate(_metainfo.Layout.OffsetOf(piece), _metainfo.Layout.SizeOf(piece)))
        {
            if (span.File == FileMap.NoFile)
            {
                continue;
            }

            var state = StateOf(_storage.Place(span).File);
            if (state == FileState.Missing)
            {
                return state;
            }

            worst = state == FileState.Changed ? state : worst;
        }

        return worst;
    }

    private FileState StateOf(int file)
    {
        if (!_states.TryGetValue(file, out var state))
        {
            state = FileState.Missing;
            if (_storage.StampOf(file) is { } stamp)
            {
                state = IsOurs(file, stamp) ? FileState.Unchanged : FileState.Changed;
                if (state == FileState.Unchanged && (!_image.Stamps.TryGetValue(file, out var known) || known != stamp))
                {
                    // Explained now; the records that explain it do not outlive this run's first.
                    _image.Stamps[file] = stamp;
                    NeedsRewrite = true;
                }
            }

            _states.Add(file, state);
        }

        return state;
    }

    /// <summary>Whether the file is as we left it, or as our own last writes can have left it.</summary>
    private bool IsOurs(int file, FileStamp now)
    {
        var isKnown = _image.Stamps.TryGetValue(file, out var left);
        if (isKnown && left == now)
        {
            return true;
        }

        if (!_image.IsOpen)
        {
            return false;
        }

        if (_isSameBoot)
        {
            // Killed: every record survived, so only a write announced and not reported can be ours.
            foreach (var (time, files) in _image.Writing.Values)
            {
                if (
                    files.Contains(file)
                    && !IsOlder(now, left)
                    && Math.Abs(now.ModifiedTicks - time) <= WriteWindow.Ticks
                )
                {
                    return true;
                }
            }

            return false;
        }

        // The machine went down. Of writes after the last sync and of their records, each may be lost without the
        // other; but what happened after the machine's start was not us.
        return _image.DurableStamps.TryGetValue(file, out var durable)
            && !IsOlder(now, durable)
            && now.ModifiedTicks <= _image.LastTime + LostWindow.Ticks
            && now.ModifiedTicks < _bootedAt;
    }

    private static bool IsOlder(FileStamp now, FileStamp left) =>
        now.Size < left.Size || now.ModifiedTicks < left.ModifiedTicks;
}
