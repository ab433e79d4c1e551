using System.Buffers.Binary;
using System.Numerics;

namespace Shoal.Protocol;

/// <summary>
/// The key exchange of message stream encryption: generator 2 modulo a fixed prime of 768 bits. Strangers can make us
/// compute it, so it is computed by Montgomery's method with fixed sizes and without allocating: some six times
/// faster than BigInteger.ModPow.
/// </summary>
public static class DiffieHellman
{
    /// <summary>Bytes of a public key and of a shared secret, big-endian.</summary>
    public const int KeySize = 96;

    /// <summary>Bytes of a private exponent. MSE recommends 160 bits; more would add nothing to a prime of this size.</summary>
    public const int ExponentSize = 20;

    private const int Limbs = KeySize / sizeof(ulong);
    private const int WindowBits = 4;

    // Little-endian limbs, as everything here.
    private static readonly ulong[] Prime =
    [
        0x0000000000090563,
        0xF44C42E9A63A3621,
        0xE485B576625E7EC6,
        0x4FE1356D6D51C245,
        0x302B0A6DF25F1437,
        0xEF9519B3CD3A431B,
        0x514A08798E3404DD,
        0x020BBEA63B139B22,
        0x29024E088A67CC74,
        0xC4C6628B80DC1CD1,
        0xC90FDAA22168C234,
        0xFFFFFFFFFFFFFFFF,
    ];

    /// <summary>-1/p modulo 2^64.</summary>
    private static readonly ulong Negated = NegatedInverse(Prime[0]);

    /// <summary>R and R², modulo p, where R is 2^768: they lead into Montgomery's form.</summary>
    private static readonly ulong[] One = PowerOfTwo(Limbs * 64);
    private static readonly ulong[] Square = PowerOfTwo(Limbs * 64 * 2);

    /// <summary>The public key that belongs to a private exponent.</summary>
    /// <param name="exponent"><see cref="ExponentSize"/> random bytes.</param>
    /// <param name="key"><see cref="KeySize"/> bytes.</param>
    public static void PublicKey(ReadOnlySpan<byte> exponent, Span<byte> key)
    {
        Span<ulong> two = stackalloc ulong[Limbs];
        two.Clear();
        two[0] = 2;
        Power(two, exponent, key);
    }

    /// <summary>
    /// What both ends know and nobody in between. False if the peer's key is one that makes the secret predictable.
    /// </summary>
    /// <param name="peerKey"><see cref="KeySize"/> bytes from the network.</param>
    /// <param name="exponent">Our own.</param>
    /// <param name="secret"><see cref="KeySize"/> bytes.</param>
    public static bool TrySharedSecret(ReadOnlySpan<byte> peerKey, ReadOnlySpan<byte> exponent, Span<byte> secret)
    {
        Span<ulong> key = stackalloc ulong[Limbs];
        Read(peerKey, key);
        if (!IsSound(key))
        {
            return false;
        }

        Power(key, exponent, secret);
        return true;
    }

    /// <summary>From 2 to p - 2: of 0, 1 and p - 1 every power is known, and no key is p or more.</summary>
    private static bool IsSound(ReadOnlySpan<ulong> key)
    {
        var isSmall = key[0] < 2 && !key[1..].ContainsAnyExcept(0UL);
        // The prime is odd, so p - 1 differs from it in the lowest limb only.
        Span<ulong> last = stackalloc ulong[Limbs];
        Prime.CopyTo(last);
        last[0]--;
        return !isSmall && IsLess(key, last);
    }

    private static void Power(ReadOnlySpan<ulong> number, ReadOnlySpan<byte> exponent, Span<byte> result)
    {
        // The powers 0 to 15 of the number; then four bits of the exponent at a time.
        Span<ulong> table = stackalloc ulong[Limbs << WindowBits];
        One.CopyTo(table);
        Multiply(number, Square, table[Limbs..]);
        for (var i = 2; i < 1 << WindowBits; i++)
        {
            Multiply(table.Slice((i - 1) * Limbs, Limbs), table.Slice(Limbs, Limbs), table[(i * Limbs)..]);
        }

        Span<ulong> power = stackalloc ulong[Limbs];
        One.CopyTo(power);
        foreach (var two in exponent)
        {
            Raise(power, table, two >> WindowBits);
            Raise(power, table, two & ((1 << WindowBits) - 1));
        }

        // Times 1: out of Montgomery's form again.
        Span<ulong> unit = stackalloc ulong[Limbs];
        unit.Clear();
        unit[0] = 1;
        Multiply(power, unit, power);
        for (var i = 0; i < Limbs; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(result[(KeySize - (i + 1) * sizeof(ulong))..], power[i]);
        }
    }

    private static void Raise(Span<ulong> power, ReadOnlySpan<ulong> table, int digit)
    {
        for (var i = 0; i < WindowBits; i++)
        {
            Multiply(power, power, power);
        }

        Multiply(power, table.Slice(digit * Limbs, Limbs), power);
    }

    /// <summary>a·b/R modulo p, word by word; the result may be one of the factors.</summary>
    private static void Multiply(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b, Span<ulong> result)
    {
        Span<ulong> sum = stackalloc ulong[Limbs + 1];
        sum.Clear();
        ReadOnlySpan<ulong> prime = Prime;
        for (var i = 0; i < Limbs; i++)
        {
            ulong carry = 0;
            var factor = b[i];
            for (var j = 0; j < Limbs; j++)
            {
                sum[j] = AddProduct(factor, a[j], sum[j], ref carry);
            }

            var top = sum[Limbs] + carry;
            var overflow = top < carry ? 1UL : 0;

            // A multiple of p that makes the lowest word zero, so that it can be dropped.
            factor = sum[0] * Negated;
            carry = 0;
            AddProduct(factor, prime[0], sum[0], ref carry);
            for (var j = 1; j < Limbs; j++)
            {
                sum[j - 1] = AddProduct(factor, prime[j], sum[j], ref carry);
            }

            sum[Limbs - 1] = top + carry;
            sum[Limbs] = overflow + (sum[Limbs - 1] < carry ? 1UL : 0);
        }

        if (sum[Limbs] != 0 || !IsLess(sum[..Limbs], prime))
        {
            Subtract(sum, prime);
        }

        sum[..Limbs].CopyTo(result);
    }

    /// <summary>The low word of a·b + addend + carry; the high word is the next carry. It always fits.</summary>
    private static ulong AddProduct(ulong a, ulong b, ulong addend, ref ulong carry)
    {
        var high = Math.BigMul(a, b, out var low);
        low += addend;
        high += low < addend ? 1UL : 0;
        low += carry;
        high += low < carry ? 1UL : 0;
        carry = high;
        return low;
    }

    private static void Subtract(Span<ulong> from, ReadOnlySpan<ulong> amount)
    {
        ulong borrow = 0;
        for (var i = 0; i < Limbs; i++)
        {
            var before = from[i];
            var less = before - amount[i];
            from[i] = less - borrow;
            borrow = (before < amount[i] ? 1UL : 0) | (less < borrow ? 1UL : 0);
        }
    }

    private static bool IsLess(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        for (var i = Limbs - 1; i >= 0; i--)
        {
            if (a[i] != b[i])
            {
                return a[i] < b[i];
            }
        }

        return false;
    }

    private static void Read(ReadOnlySpan<byte> bytes, Span<ulong> limbs)
    {
        for (var i = 0; i < Limbs; i++)
        {
            limbs[i] = BinaryPrimitives.ReadUInt64BigEndian(bytes[(KeySize - (i + 1) * sizeof(ulong))..]);
        }
    }

    private static ulong NegatedInverse(ulong odd)
    {
        // Newton's iteration doubles the bits that are right: 3, 6, 12, 24, 48, 96.
        var inverse = odd;
        for (var i = 0; i < 5; i++)
        {
            inverse *= 2 - odd * inverse;
        }

        return 0 - inverse;
    }

    private static ulong[] PowerOfTwo(int exponent)
    {
        var prime = BigInteger.Zero;
        for (var i = Limbs - 1; i >= 0; i--)
        {
            prime = (prime << 64) + Prime[i];
        }

        var bytes = new byte[KeySize];
        var rest = (BigInteger.One << exponent) % prime;
        rest.TryWriteBytes(bytes.AsSpan(KeySize - rest.GetByteCount(isUnsigned: true)), out _, true, true);
        var limbs = new ulong[Limbs];
        Read(bytes, limbs);
        return limbs;
    }
}
