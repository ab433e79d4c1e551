using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// A set of pieces, in the byte order of BEP 3's bitfield message: the high bit of the first byte is piece 0.
/// The number of members is kept up to date, so <see cref="Count"/> costs nothing.
/// </summary>
public sealed class Bitfield
{
    private readonly byte[] _bytes;

    public Bitfield(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        _bytes = new byte[(length + 7) / 8];
    }

    private Bitfield(int length, byte[] bytes, int count)
    {
        Length = length;
        _bytes = bytes;
        Count = count;
    }

    /// <summary>How many pieces there are, set or not.</summary>
    public int Length { get; }

    /// <summary>How many pieces are set.</summary>
    public int Count { get; private set; }

    public bool IsFull => Count == Length;

    public bool IsEmpty => Count == 0;

    /// <summary>The message form. Spare bits are zero.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    public bool this[int index] =>
        (uint)index < (uint)Length
            ? (_bytes[index >> 3] & (0x80 >> (index & 7))) != 0
            : throw new ArgumentOutOfRangeException(nameof(index));

    public bool this[PieceIndex piece] => this[piece.Value];

    /// <summary>Adds the piece; false if it was there.</summary>
    public bool Set(int index)
    {
        if (this[index])
        {
            return false;
        }

        _bytes[index >> 3] |= (byte)(0x80 >> (index & 7));
        Count++;
        return true;
    }

    public bool Set(PieceIndex piece) => Set(piece.Value);

    /// <summary>Removes the piece; false if it was not there.</summary>
    public bool Clear(int index)
    {
        if (!this[index])
        {
            return false;
        }

        _bytes[index >> 3] &= (byte)~(0x80 >> (index & 7));
        Count--;
        return true;
    }

    public bool Clear(PieceIndex piece) => Clear(piece.Value);

    public void SetAll()
    {
        _bytes.AsSpan().Fill(0xff);
        if ((Length & 7) != 0)
        {
            _bytes[^1] = (byte)(0xff << (8 - (Length & 7)));
        }

        Count = Length;
    }

    public void ClearAll()
    {
        _bytes.AsSpan().Clear();
        Count = 0;
    }

    public Bitfield Clone() => new(Length, (byte[])_bytes.Clone(), Count);

    /// <summary>
    /// Reads a peer's bitfield. BEP 3: "A bitfield of the wrong length is considered an error. Clients should
    /// drop the connection if they receive bitfields that are not of the correct size, or if the bitfield has
    /// any of the spare bits set."
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, int length, out Bitfield bitfield)
    {
        bitfield = null!;
        if (bytes.Length != (length + 7) / 8)
        {
            return false;
        }

        if ((length & 7) != 0 && (bytes[^1] & (0xff >> (length & 7))) != 0)
        {
            return false;
        }

        var count = 0;
        foreach (var b in bytes)
        {
            count += BitOperations.PopCount(b);
        }

        bitfield = new Bitfield(length, bytes.ToArray(), count);
        return true;
    }
}
