using System.Net;

namespace Shoal.Engine;

/// <summary>So much a second, and so much at once after a pause.</summary>
internal sealed class TokenBucket(double perSecond, double burst)
{
    private readonly double _burst = burst;
    private double _level = burst;
    private TimeSpan _last = TimeSpan.MinValue;

    public bool TryTake(double amount, TimeSpan now)
    {
        if (!HasRoom(amount, now))
        {
            return false;
        }

        _level -= amount;
        return true;
    }

    /// <summary>Whether <see cref="TryTake"/> would succeed.</summary>
    public bool HasRoom(double amount, TimeSpan now)
    {
        if (_last != TimeSpan.MinValue && now > _last)
        {
            _level = Math.Min(_burst, _level + (now - _last).TotalSeconds * perSecond);
        }

        _last = now;
        return _level >= amount;
    }
}

/// <summary>
/// A <see cref="TokenBucket"/> for everybody who sends to us, in constant memory: sources fall on counters by a
/// hash that nobody outside can compute, so that a flood from forged addresses neither fills a table nor picks
/// whom it silences.
/// </summary>
internal sealed class SourceRateLimit
{
    private readonly (float Used, float At)[] _counters;
    private readonly float _perSecond;
    private readonly float _burst;
    private readonly ulong _key;

    public SourceRateLimit(int counters, double perSecond, double burst, DhtRandom random)
    {
        _counters = new (float, float)[counters];
        _perSecond = (float)perSecond;
        _burst = (float)burst;
        _key = random.NextUInt64();
    }

    public bool TryTake(IPAddress source, TimeSpan now)
    {
        var hash = Mix(Mix(DhtAddress.Source(source) ^ _key) + _key);
        ref var counter = ref _counters[(int)(hash & (uint)(_counters.Length - 1))];
        // Seconds as float are exact to 4 ms after a day and to 0.1 s after a fortnight: enough for a limit.
        var at = (float)now.TotalSeconds;
        var used = Math.Max(0, counter.Used - Math.Max(0, at - counter.At) * _perSecond);
        // In a local network many may share one address, and nobody from afar can use it.
        var cost = DhtAddress.IsLocal(source) ? 0.1f : 1f;
        if (used + cost > _burst)
        {
            counter = (used, at);
            return false;
        }

        counter = (used + cost, at);
        return true;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}

/// <summary>How long answers take, smoothed as TCP does it (RFC 6298).</summary>
internal sealed class RoundTripTime
{
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(200);

    private double _smoothed = -1;
    private double _variation;

    public void Measured(TimeSpan time)
    {
        var seconds = time.TotalSeconds;
        if (_smoothed < 0)
        {
            (_smoothed, _variation) = (seconds, seconds / 2);
            return;
        }

        _variation += (Math.Abs(seconds - _smoothed) - _variation) / 4;
        _smoothed += (seconds - _smoothed) / 8;
    }

    /// <summary>After how long an answer is overdue; the limit while nothing was measured, and at most.</summary>
    public TimeSpan SlowAfter(DhtLimits limits)
    {
        var after = TimeSpan.FromSeconds(_smoothed + 4 * _variation);
        return _smoothed < 0 || after > limits.SlowAfter ? limits.SlowAfter
            : after < Least ? Least
            : after;
    }
}
