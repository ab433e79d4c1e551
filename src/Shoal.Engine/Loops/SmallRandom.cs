namespace Shoal.Engine;

/// <summary>
/// Randomness that can be repeated and takes 8 bytes, where <see cref="Random"/> with a seed takes 300: each torrent has some.
/// Not for secrets.
/// </summary>
/// <remarks>SplitMix64 (Steele, Lea, Flood 2014): a counter, well mixed.</remarks>
internal sealed class SmallRandom(long seed) : Random
{
    private ulong _state = (ulong)seed;

    public override int Next() => (int)Below(int.MaxValue);

    public override int Next(int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxValue);
        return maxValue == 0 ? 0 : (int)Below((ulong)maxValue);
    }

    public override int Next(int minValue, int maxValue) => (int)NextInt64(minValue, maxValue);

    public override long NextInt64() => (long)Below(long.MaxValue);

    public override long NextInt64(long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxValue);
        return maxValue == 0 ? 0 : (long)Below((ulong)maxValue);
    }

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        return minValue == maxValue ? minValue : minValue + (long)Below((ulong)maxValue - (ulong)minValue);
    }

    public override double NextDouble() => (Mix() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (Mix() >> 40) * (1.0f / (1U << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        while (buffer.Length >= sizeof(ulong))
        {
            BitConverter.TryWriteBytes(buffer, Mix());
            buffer = buffer[sizeof(ulong)..];
        }

        Span<byte> rest = stackalloc byte[sizeof(ulong)];
        BitConverter.TryWriteBytes(rest, Mix());
        rest[..buffer.Length].CopyTo(buffer);
    }

    protected override double Sample() => NextDouble();

    // Of 2^64 values the few that do not divide evenly favour nobody by more than one in 2^32.
    private ulong Below(ulong bound) => Math.BigMul(Mix(), bound, out _);

    private ulong Mix()
    {
        var mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
