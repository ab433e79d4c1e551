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

    // Which entry is next.
    private byte _x = 1;
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
        // waits for the one before it, and there are four of them for each byte. What waits most is the next entry, which
        // may be the one that is just being written: so it is read before, and mended in the one case of 256 where it is.
        ref var state = ref Unsafe.As<State, uint>(ref _state);
        nuint x = _x;
        nuint y = _y;
        nuint first = Unsafe.Add(ref state, x);
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var left = bytes.Length;
        for (; left > 0 && x % sizeof(ulong) != 0; left--)
        {
            at ^= (byte)Next(ref state, ref x, ref y, ref first);
            at = ref Unsafe.Add(ref at, 1);
        }

        while (left >= sizeof(ulong))
        {
            // Seven entries have their next one behind them; only the eighth may go back to the table's start.
            ulong stream = Next(ref state, x, 0, ref y, ref first);
            stream |= (ulong)Next(ref state, x, 1, ref y, ref first) << 8;
            stream |= (ulong)Next(ref state, x, 2, ref y, ref first) << 16;
            stream |= (ulong)Next(ref state, x, 3, ref y, ref first) << 24;
            stream |= (ulong)Next(ref state, x, 4, ref y, ref first) << 32;
            stream |= (ulong)Next(ref state, x, 5, ref y, ref first) << 40;
            stream |= (ulong)Next(ref state, x, 6, ref y, ref first) << 48;
            x += sizeof(ulong) - 1;
            stream |= (ulong)Next(ref state, ref x, ref y, ref first) << 56;
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
            at ^= (byte)Next(ref state, ref x, ref y, ref first);
            at = ref Unsafe.Add(ref at, 1);
        }

        _x = (byte)x;
        _y = (byte)y;
    }

    /// <summary>The output of the entry at x, which is moved on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Next(ref uint state, ref nuint x, ref nuint y, ref nuint first)
    {
        nuint next = (byte)(x + 1);
        var output = Swap(
            ref Unsafe.Add(ref state, x),
            ref Unsafe.Add(ref state, next),
            next,
            ref state,
            ref y,
            ref first
        );
        x = next;
        return output;
    }

    /// <summary>The same of an entry some places behind x, which stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Next(ref uint state, nuint x, int place, ref nuint y, ref nuint first)
    {
        ref var row = ref Unsafe.Add(ref state, x);
        var next = x + (nuint)place + 1;
        return Swap(
            ref Unsafe.Add(ref row, place),
            ref Unsafe.Add(ref row, place + 1),
            next,
            ref state,
            ref y,
            ref first
        );
    }

    /// <param name="one">The entry whose turn it is.</param>
    /// <param name="after">The one after it.</param>
    /// <param name="next">Its place.</param>
    /// <param name="first">What stands in the one; then what stands in the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Swap(ref uint one, ref uint after, nuint next, ref uint state, ref nuint y, ref nuint first)
    {
        y = (byte)(y + first);
        ref var other = ref Unsafe.Add(ref state, y);
        nuint second = other;
        nuint then = after;
        other = (uint)first;
        one = (uint)second;
        if (next == y)
        {
            then = first;
        }

        var output = Unsafe.Add(ref state, (nuint)(byte)(first + second));
        first = then;
        return output;
    }

    [InlineArray(256)]
    private struct State
    {
        private uint _first;
    }
}
