using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// Writes bencoding. The caller sees to it that keys come in the order of their bytes and that everything
/// begun is ended.
/// </summary>
public readonly ref struct BencodeWriter(IBufferWriter<byte> output)
{
    public void BeginDictionary() => WriteByte((byte)'d');

    public void BeginList() => WriteByte((byte)'l');

    public void End() => WriteByte((byte)'e');

    public void Integer(long value)
    {
        // 'i', up to 20 characters, 'e'
        var span = output.GetSpan(22);
        span[0] = (byte)'i';
        Utf8Formatter.TryFormat(value, span[1..], out var written);
        span[written + 1] = (byte)'e';
        output.Advance(written + 2);
    }

    public void String(ReadOnlySpan<byte> value)
    {
        Length(value.Length);
        output.Write(value);
    }

    /// <summary>Writes the text as UTF-8.</summary>
    public void String(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var length = Encoding.UTF8.GetByteCount(text);
        Length(length);
        Encoding.UTF8.GetBytes(text, output.GetSpan(length));
        output.Advance(length);
    }

    /// <summary>Starts a string whose content the caller writes to the output in pieces.</summary>
    public void Length(int length)
    {
        var span = output.GetSpan(11);
        Utf8Formatter.TryFormat(length, span, out var written);
        span[written] = (byte)':';
        output.Advance(written + 1);
    }

    /// <summary>Writes bytes that are bencoding already.</summary>
    public void Raw(ReadOnlySpan<byte> encoded) => output.Write(encoded);

    public void Entry(ReadOnlySpan<byte> key, long value)
    {
        String(key);
        Integer(value);
    }

    public void Entry(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        String(key);
        String(value);
    }

    public void Entry(ReadOnlySpan<byte> key, string value)
    {
        String(key);
        String(value);
    }

    private void WriteByte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
