using System.Buffers.Binary;
using System.Net;
using System.Numerics;

namespace Shoal.Engine;

/// <summary>The file: appending, reading it, and writing it anew. Called under the lock or before others know it.</summary>
internal sealed partial class ResumeJournal
{
    private const int HeaderLength = 96;

    /// <summary>Largest journal that is read, in bytes; more cannot come from us.</summary>
    private const int MaxLength = 256 * 1024 * 1024;

    private void Append(ResumeRecordWriter record)
    {
        Apply(record);
        if (_file is null || _needsRewrite)
        {
            return; // The image knows; the next rewrite says it.
        }

        try
        {
            var frame = Frame(record.Body, ref _chain, out var before);
            try
            {
                _file.Write(frame, _length);
            }
            catch
            {
                _chain = before;
                throw;
            }

            _length += frame.Length;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            Fail(e);
        }
    }

    private void Sync()
    {
        if (_file is null || _needsRewrite)
        {
            return;
        }

        try
        {
            _file.Sync();
            _syncedAt = Now;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            Fail(e);
        }
    }

    private void Fail(Exception e)
    {
        _needsRewrite = true;
        if (!_hasFailed)
        {
            _hasFailed = true;
            Failed?.Invoke(StorageException.From(e, "cannot write", _path).Failure);
        }
    }

    /// <summary>Length, body, and a checksum that continues the one before, so that no leftover of a failed write fits.</summary>
    private static ReadOnlySpan<byte> Frame(ReadOnlySpan<byte> body, ref uint chain, out uint before)
    {
        before = chain;
        if (_threadFrame is not { } frame || frame.Length < body.Length + 8)
        {
            _threadFrame = frame = new byte[Math.Max(512, 2 * (body.Length + 8))];
        }

        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame.AsSpan(4));
        chain = Checksum(chain, frame.AsSpan(0, body.Length + 4));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(body.Length + 4), chain);
        return frame.AsSpan(0, body.Length + 8);
    }

    /// <summary>CRC-32C.</summary>
    internal static uint Checksum(uint seed, ReadOnlySpan<byte> bytes)
    {
        var crc = ~seed;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    private byte[] Header()
    {
        var header = new byte[HeaderLength];
        "SHOALRSM"u8.CopyTo(header);
        var (v1, v2) = (_metainfo.InfoHashes.V1, _metainfo.InfoHashes.V2);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), 1);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(12), (v1 is null ? 0 : 1) | (v2 is null ? 0 : 2));
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(16), _metainfo.Layout.PieceCount);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(20), _metainfo.Layout.PieceLength);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), _metainfo.Layout.Extent);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(32), _metainfo.Files.Count);
        v1?.CopyTo(header.AsSpan(36));
        v2?.CopyTo(header.AsSpan(56));
        // 88: reserved.
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(92), Checksum(0, header.AsSpan(0, 92)));
        return header;
    }

    private void Load()
    {
        byte[] bytes;
        try
        {
            if (_files.StampOf(_path) is not { Size: >= HeaderLength and <= MaxLength } stamp)
            {
                return;
            }

            using var file = _files.Open(_path, writable: false, create: false);
            bytes = new byte[stamp.Size];
            bytes = bytes[..file.Read(bytes, 0)];
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return; // Without it everything is hashed: slow, but true.
        }

        var header = Header();
        if (!bytes.AsSpan().StartsWith(header))
        {
            return;
        }

        _chain = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(92));
        var at = HeaderLength;
        while (TryNext(bytes.AsSpan(at), _chain, out var body, out var chain))
        {
            if (!Image.Apply(body, at))
            {
                // The checksum fits and the meaning does not: not ours. Whatever it half said is not believed.
                Image = new ResumeImage(_metainfo.Layout, _metainfo.Files.Count);
                at = 0;
                break;
            }

            _chain = chain;
            at += body.Length + 8;
        }

        // What follows is torn; the next append overwrites it.
        _length = at;
        _checkpointed = at;
        _lengthAfterRewrite = at;
        _needsRewrite = at > 0 && at < bytes.Length;
    }

    private static bool TryNext(ReadOnlySpan<byte> bytes, uint chain, out ReadOnlySpan<byte> body, out uint next)
    {
        body = default;
        next = 0;
        if (bytes.Length < 8)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length < 1 || length > bytes.Length - 8)
        {
            return false;
        }

        next = Checksum(chain, bytes[..(length + 4)]);
        if (next != BinaryPrimitives.ReadUInt32LittleEndian(bytes[(length + 4)..]))
        {
            return false;
        }

        body = bytes.Slice(4, length);
        return true;
    }

    /// <summary>Writes what the image says to a new file that takes the old one's place when it is durable.</summary>
    private void Rewrite()
    {
        var temporary = _path + ".new";
        IDataFile? file = null;
        try
        {
            var folder = Path.GetDirectoryName(_path)!;
            if (_files.KindOf(folder) == PathKind.Missing)
            {
                _files.CreateDirectory(folder);
            }

            _files.Delete(temporary);
            file = _files.Open(temporary, writable: true, create: true);
            var content = Snapshot(out var image, out var chain);
            file.Write(content, 0);
            file.Sync();
            _files.TryMove(temporary, _path);
            _files.SyncDirectory(folder);
            _file?.Dispose();
            (_file, file) = (new RestingFile(_files, _path, file), null);
            Image = image;
            _chain = chain;
            _length = _lengthAfterRewrite = _checkpointed = content.Length;
            _syncedAt = Now;
            _needsRewrite = false;
            _generation++;
            if (_hasFailed)
            {
                _hasFailed = false;
                Recovered?.Invoke();
            }
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            Fail(e);
        }
        finally
        {
            file?.Dispose();
        }
    }

    private byte[] Snapshot(out ResumeImage copy, out uint finalChain)
    {
        var content = new MemoryStream();
        var header = Header();
        content.Write(header);
        var chain = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(92));
        var image = new ResumeImage(_metainfo.Layout, _metainfo.Files.Count);
        foreach (var record in Records(content))
        {
            if (!image.Apply(record.Body, content.Length))
            {
                throw new InvalidOperationException("the journal does not understand its own record");
            }

            content.Write(Frame(record.Body, ref chain, out _));
        }

        copy = image;
        finalChain = chain;
        return content.ToArray();
    }

    /// <summary>The image as records. One at a time: the writer is shared.</summary>
    private IEnumerable<ResumeRecordWriter> Records(MemoryStream content)
    {
        var image = Image;
        yield return Writer
            .Start(ResumeRecordKind.Session)
            .Int64(image.LastTime)
            .Raw(image.BootId.ToByteArray())
            .Text(image.SaveDirectory);
        yield return Writer.Start(ResumeRecordKind.Durable).Counted(image.Durable.Bytes);
        var durable = image.Blocks.Where(b => b.Value.Durable is not null).ToArray();
        yield return EndRecord([], durable.Select(b => (b.Key, b.Value.Durable!)).ToArray(), []);
        yield return Writer
            .Start(ResumeRecordKind.Checkpoint)
            .Int64(image.LastTime)
            .Int64(content.Length)
            .Stamps(image.DurableStamps);
        var pending = image.Pending.ToHashSet();
        var unsure = Enumerable.Range(0, image.Written.Length).Where(p => image.Written[p] && !pending.Contains(p));
        yield return EndRecord(image.Stamps, [], [.. unsure]);
        yield return Writer.Start(ResumeRecordKind.Distrust);
        yield return EndRecord([], image.Blocks.Select(b => (b.Key, b.Value.Latest)).ToArray(), [.. pending]);
        foreach (var (shard, (time, files)) in image.Writing)
        {
            yield return Writer.Start(ResumeRecordKind.Begin).Int32(shard).Int64(time).Numbers(files);
        }

        if (!image.Suspects.IsEmpty)
        {
            yield return Writer.Start(ResumeRecordKind.Suspects).Counted(image.Suspects.Bytes);
        }

        foreach (var (file, name) in image.Renamed)
        {
            yield return Writer.Start(ResumeRecordKind.Rename).Int32(file).Text(name);
        }

        if (image.Renaming is { } renaming)
        {
            yield return Writer.Start(ResumeRecordKind.Renaming).Int32(renaming.File).Text(renaming.Path);
        }

        if (image.Foreign is { } foreign)
        {
            yield return Writer.Start(ResumeRecordKind.Foreign).Numbers(foreign);
        }

        if (image.Peers.Count > 0)
        {
            yield return PeersRecord(image.Peers);
        }

        yield return Writer.Start(ResumeRecordKind.Totals).Int64(image.Totals.Downloaded).Int64(image.Totals.Uploaded);
        if (image.Priorities is { } priorities)
        {
            yield return PrioritiesRecord(priorities, image.Kept.Contains);
        }

        if (!image.IsOpen)
        {
            yield return Writer.Start(ResumeRecordKind.Closed).Int64(image.LastTime);
        }
    }

    private ResumeRecordWriter EndRecord(
        IReadOnlyCollection<KeyValuePair<int, FileStamp>> stamps,
        (int Piece, byte[] Bitmap)[] blocks,
        int[] committed
    )
    {
        Writer.Start(ResumeRecordKind.End).Int32(-1).Int64(Image.LastTime).Stamps(stamps).Int32(blocks.Length);
        foreach (var (piece, bitmap) in blocks)
        {
            Writer.Int32(piece).Counted(bitmap);
        }

        return Writer.Numbers(committed).Int32(0);
    }

    private ResumeRecordWriter PeersRecord(IReadOnlyCollection<IPEndPoint> peers)
    {
        Writer.Start(ResumeRecordKind.Peers).Int32(peers.Count);
        foreach (var peer in peers)
        {
            var address = peer.Address.GetAddressBytes();
            Writer.Byte((byte)address.Length).Raw(address);
            Writer.Byte((byte)(peer.Port >> 8)).Byte((byte)peer.Port);
        }

        return Writer;
    }

    private ResumeRecordWriter PrioritiesRecord(IReadOnlyList<FilePriority> priorities, Func<int, bool> isKept)
    {
        Writer.Start(ResumeRecordKind.Priorities).Int32(priorities.Count);
        for (var i = 0; i < priorities.Count; i++)
        {
            Writer.Byte((byte)((int)priorities[i] | (isKept(i) ? 0x80 : 0)));
        }

        return Writer;
    }
}
