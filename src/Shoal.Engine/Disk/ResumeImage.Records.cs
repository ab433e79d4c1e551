using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// What records mean that have several parts.
internal sealed partial class ResumeImage
{
    private void ApplyBegin(ref ResumeRecordReader reader)
    {
        var shard = reader.Int32();
        LastTime = Math.Max(LastTime, reader.Int64());
        var files = new int[reader.Count(4)];
        for (var i = 0; i < files.Length; i++)
        {
            files[i] = reader.Index(fileCount + 1);
        }

        (_writing ??= [])[shard] = (LastTime, files);
    }

    private void ApplyEnd(ref ResumeRecordReader reader, long at)
    {
        var shard = reader.Int32();
        _writing?.Remove(shard);
        LastTime = Math.Max(LastTime, reader.Int64());
        ApplyStamps(ref reader);
        for (var left = reader.Count(8); left > 0 && reader.IsGood; left--)
        {
            var piece = reader.Index(layout.PieceCount);
            var bitmap = reader.Counted();
            if (!reader.IsGood)
            {
                return;
            }

            var blocks = layout.DataBlockCount(layout.Piece(piece));
            reader.Require(bitmap.Length == (blocks + 63) / 64 * 8);
            if (reader.IsGood && !Claims(piece))
            {
                var older = Blocks.GetValueOrDefault(piece);
                (_blocks ??= [])[piece] = new WrittenBlocks(bitmap.ToArray(), at, older?.Durable);
            }
        }

        for (var left = reader.Count(4); left > 0 && reader.IsGood; left--)
        {
            var piece = reader.Index(layout.PieceCount);
            if (reader.IsGood && !Durable[piece])
            {
                Written.Set(piece);
                _pending.Add((piece, at));
            }

            _blocks?.Remove(piece);
            if (reader.IsGood)
            {
                Suspects.Clear(piece);
            }
        }

        for (var left = reader.Count(4); left > 0 && reader.IsGood; left--)
        {
            var piece = reader.Index(layout.PieceCount);
            if (reader.IsGood)
            {
                Forget(piece);
            }
        }
    }

    private void ApplyCheckpoint(ref ResumeRecordReader reader)
    {
        LastTime = Math.Max(LastTime, reader.Int64());
        var covers = reader.Int64();
        ApplyStamps(ref reader, isDurable: true);
        if (!reader.IsGood)
        {
            return;
        }

        var kept = 0;
        // Not foreach: writing to a list ends its enumeration.
        for (var i = 0; i < _pending.Count; i++)
        {
            var (piece, at) = _pending[i];
            if (at < covers)
            {
                Written.Clear(piece);
                Durable.Set(piece);
            }
            else
            {
                _pending[kept++] = (piece, at);
            }
        }

        _pending.RemoveRange(kept, _pending.Count - kept);
        foreach (var blocks in Blocks.Values)
        {
            if (blocks.At < covers)
            {
                blocks.Durable = blocks.Latest;
            }
        }
    }

    private void ApplyStamps(ref ResumeRecordReader reader, bool isDurable = false)
    {
        for (var left = reader.Count(20); left > 0 && reader.IsGood; left--)
        {
            var file = reader.Index(fileCount + 1);
            var stamp = new FileStamp(reader.Int64(), reader.Int64());
            if (reader.IsGood)
            {
                if (isDurable)
                {
                    DurableStamps[file] = stamp;
                }

                // Shards look at a file's stamp at different times and may record it in another order. Within one tick of the
                // system's clock the size tells which came last: we only make files longer.
                Stamps[file] =
                    Stamps.TryGetValue(file, out var known)
                    && (known.ModifiedTicks, known.Size).CompareTo((stamp.ModifiedTicks, stamp.Size)) > 0
                        ? known
                        : stamp;
            }
        }
    }

    private void ApplyRenaming(ref ResumeRecordReader reader)
    {
        var file = reader.Index(fileCount);
        var path = reader.Text();
        reader.Require(path.Length == 0 || IsSafePath(path));
        if (reader.IsGood)
        {
            Renaming = path.Length == 0 ? null : (file, path);
        }
    }

    private void ApplyForeign(ref ResumeRecordReader reader)
    {
        var foreign = new HashSet<int>();
        for (var left = reader.Count(4); left > 0 && reader.IsGood; left--)
        {
            foreign.Add(reader.Index(fileCount));
        }

        if (reader.IsGood)
        {
            Foreign = foreign;
        }
    }

    private void ApplyPeers(ref ResumeRecordReader reader)
    {
        var peers = new List<IPEndPoint>();
        for (var left = reader.Count(7); left > 0 && reader.IsGood; left--)
        {
            var length = reader.Byte();
            reader.Require(length is 4 or 16);
            var address = reader.Raw(length);
            var port = reader.Byte() << 8 | reader.Byte();
            if (reader.IsGood && port != 0 && peers.Count < MaxPeers)
            {
                peers.Add(new IPEndPoint(new IPAddress(address), port));
            }
        }

        Peers = peers;
    }

    private void ApplyPriorities(ref ResumeRecordReader reader)
    {
        var bytes = reader.Counted();
        reader.Require(bytes.Length == fileCount);
        if (!reader.IsGood)
        {
            return;
        }

        var priorities = new FilePriority[fileCount];
        _kept = null;
        for (var i = 0; i < fileCount; i++)
        {
            priorities[i] = (FilePriority)(bytes[i] & 7);
            reader.Require(Enum.IsDefined(priorities[i]));
            if ((bytes[i] & 0x80) != 0)
            {
                (_kept ??= []).Add(i);
            }
        }

        Priorities = priorities;
    }
}
