using System.Buffers.Binary;
using System.Text;

namespace Shoal.Engine;

/// <summary>What a record of the resume journal says; the numbers are those in the file (docs/formats/resume.md).</summary>
internal enum ResumeRecordKind : byte
{
    Session = 1,
    Closed = 2,
    Begin = 3,
    End = 4,
    Checkpoint = 5,
    Durable = 6,
    Peers = 7,
    Totals = 8,
    Priorities = 9,
    Rename = 10,
    Distrust = 11,
    Suspects = 12,
    Renaming = 13,
    Foreign = 14,
}

/// <summary>Builds the body of one record: little-endian integers, counted arrays.</summary>
internal sealed class ResumeRecordWriter
{
    private byte[] _bytes = new byte[256];
    private int _length;

    public ReadOnlySpan<byte> Body => _bytes.AsSpan(0, _length);

    public ResumeRecordWriter Start(ResumeRecordKind kind)
    {
        _length = 0;
        Reserve(1)[0] = (byte)kind;
        return this;
    }

    public ResumeRecordWriter Byte(byte value)
    {
        Reserve(1)[0] = value;
        return this;
    }

    public ResumeRecordWriter Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);
        return this;
    }

    public ResumeRecordWriter Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(Reserve(8), value);
        return this;
    }

    public ResumeRecordWriter Raw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Reserve(value.Length));
        return this;
    }

    /// <summary>With its length before it.</summary>
    public ResumeRecordWriter Counted(ReadOnlySpan<byte> value) => Int32(value.Length).Raw(value);

    public ResumeRecordWriter Text(string value) => Counted(Encoding.UTF8.GetBytes(value));

    public ResumeRecordWriter Numbers(IReadOnlyCollection<int> values)
    {
        Int32(values.Count);
        foreach (var value in values)
        {
            Int32(value);
        }

        return this;
    }

    public ResumeRecordWriter Stamps(IReadOnlyCollection<KeyValuePair<int, FileStamp>> stamps)
    {
        Int32(stamps.Count);
        foreach (var (file, stamp) in stamps)
        {
            Int32(file).Int64(stamp.Size).Int64(stamp.ModifiedTicks);
        }

        return this;
    }

    private Span<byte> Reserve(int count)
    {
        if (_bytes.Length - _length < count)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        }

        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}

/// <summary>
/// Reads the body of one record. Hostile bytes only ever make it fail: after the first thing that does not fit,
/// everything reads as zero and <see cref="IsGood"/> stays false. Nothing is allocated from a declared length
/// that the body does not have.
/// </summary>
internal ref struct ResumeRecordReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    public bool IsGood { get; private set; } = true;

    /// <summary>Whether all was read, and all was good.</summary>
    public readonly bool IsDone => IsGood && _rest.IsEmpty;

    public byte Byte() => Take(1) is [var value] ? value : (byte)0;

    public int Int32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : 0;

    public long Int64() => Take(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

    public ReadOnlySpan<byte> Raw(int length) => Take(length);

    public ReadOnlySpan<byte> Counted() => Take(Int32());

    /// <summary>A number of elements, each of at least so many bytes; 0 if they cannot all be there.</summary>
    public int Count(int elementSize)
    {
        var count = Int32();
        if (count < 0 || (long)count * elementSize > _rest.Length)
        {
            IsGood = false;
            return 0;
        }

        return count;
    }

    /// <summary>A number from 0 to below the limit; otherwise the record is bad.</summary>
    public int Index(int limit)
    {
        var value = Int32();
        if ((uint)value < (uint)limit)
        {
            return value;
        }

        IsGood = false;
        return 0;
    }

    public string Text()
    {
        var bytes = Counted();
        return IsGood ? Encoding.UTF8.GetString(bytes) : "";
    }

    /// <summary>Fails the record for a reason of its meaning.</summary>
    public void Require(bool condition) => IsGood &= condition;

    private ReadOnlySpan<byte> Take(int length)
    {
        if (!IsGood || length < 0 || length > _rest.Length)
        {
            IsGood = false;
            return default;
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
