using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Shoal.Daemon;

/// <summary>
/// Writes protocol buffers: the few ways to put a field down that our messages need. protobuf.dev, "Encoding": "the
/// key is a varint with the value (field_number &lt;&lt; 3) | wire_type".
/// </summary>
internal sealed class ProtobufWriter
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Bytes = 2;

    private readonly ArrayBufferWriter<byte> _bytes = new();

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public void WriteVarint(int field, ulong value)
    {
        WriteKey(field, Varint);
        WriteVarint(value);
    }

    public void WriteFixed64(int field, ulong value)
    {
        WriteKey(field, Fixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
    }

    public void WriteDouble(int field, double value) => WriteFixed64(field, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>Many numbers of 8 bytes in one field: "packed".</summary>
    public void WriteFixed64s(int field, ReadOnlySpan<ulong> values)
    {
        WriteKey(field, Bytes);
        WriteVarint((ulong)values.Length * 8);
        foreach (var value in values)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(8), value);
            _bytes.Advance(8);
        }
    }

    public void WriteText(int field, string value) => WriteBytes(field, Encoding.UTF8.GetBytes(value));

    /// <summary>A message within the message.</summary>
    public void WriteMessage(int field, Action<ProtobufWriter> write)
    {
        var inner = new ProtobufWriter();
        write(inner);
        WriteBytes(field, inner._bytes.WrittenSpan);
    }

    private void WriteBytes(int field, ReadOnlySpan<byte> bytes)
    {
        WriteKey(field, Bytes);
        WriteVarint((ulong)bytes.Length);
        _bytes.Write(bytes);
    }

    private void WriteKey(int field, int kind) => WriteVarint((ulong)(field << 3 | kind));

    private void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            WriteByte((byte)(value | 0x80));
        }

        WriteByte((byte)value);
    }

    private void WriteByte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }
}
