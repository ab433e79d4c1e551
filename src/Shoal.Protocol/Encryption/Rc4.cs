using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Shoal.Protocol;

/// <summary>
/// The stream cipher of message stream encryption: one direction of one connection. It hides traffic from filters and
/// is no protection against whoever means to read it.
/// </summary>
public sealed class Rc4
{
    /// <summary>MSE: the first 1024 bytes of the cipher's output are thrown away, since they tell of the key.</summary>
    public const int Discarded = 1024;

    private State _state;
    private byte _x;
    private byte _y;

    /// <param name="key">From 1 to 256 bytes.</param>
    /// <param name="discard">How much of the output is thrown away before use.</param>
    public Rc4(ReadOnlySpan<byte> key, int discard = Discarded)
    {
        Span<uint> state = _state;
        for (var i = 0; i < state.Length; i++)
        {
            state[i] = (uint)i;
        }

        byte y = 0;
        for (var i = 0; i < state.Length; i++)
        {
            y += (byte)(state[i] + key[i % key.Length]);
            (state[i], state[y]) = (state[y], state[i]);
        }

        Span<byte> nothing = stackalloc byte[256];
        for (; discard > 0; discard -= nothing.Length)
        {
            Apply(nothing[..Math.Min(discard, nothing.Length)]);
        }
    }

    /// <summary>Encrypts or decrypts in place: the same operation.</summary>
    public void Apply(Span<byte> bytes)
    {
        // A table of 32-bit entries and eight bytes of output joined before they meet the data: each narrower access
        // waits for the one before it, and there are four of them for each byte.
        ref var state = ref Unsafe.As<State, uint>(ref _state);
        uint x = _x;
        uint y = _y;
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var left = bytes.Length;
        while (left >= sizeof(ulong))
        {
            ulong stream = Next(ref state, ref x, ref y);
            stream |= (ulong)Next(ref state, ref x, ref y) << 8;
            stream |= (ulong)Next(ref state, ref x, ref y) << 16;
            stream |= (ulong)Next(ref state, ref x, ref y) << 24;
            stream |= (ulong)Next(ref state, ref x, ref y) << 32;
            stream |= (ulong)Next(ref state, ref x, ref y) << 40;
            stream |= (ulong)Next(ref state, ref x, ref y) << 48;
            stream |= (ulong)Next(ref state, ref x, ref y) << 56;
            if (!BitConverter.IsLittleEndian)
            {
                stream = BinaryPrimitives.ReverseEndianness(stream);
            }

            Unsafe.WriteUnaligned(ref at, Unsafe.ReadUnaligned<ulong>(ref at) ^ stream);
            at = ref Unsafe.Add(ref at, sizeof(ulong));
            left -= sizeof(ulong);
        }

        for (; left > 0; left--)
        {
            at ^= (byte)Next(ref state, ref x, ref y);
            at = ref Unsafe.Add(ref at, 1);
        }

        _x = (byte)x;
        _y = (byte)y;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Next(ref uint state, ref uint x, ref uint y)
    {
        x = (byte)(x + 1);
        ref var one = ref Unsafe.Add(ref state, x);
        var first = one;
        y = (byte)(y + first);
        ref var other = ref Unsafe.Add(ref state, y);
        var second = other;
        one = second;
        other = first;
        return Unsafe.Add(ref state, (nuint)(byte)(first + second));
    }

    [InlineArray(256)]
    private struct State
    {
        private uint _first;
    }
}
