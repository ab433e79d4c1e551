namespace Shoal.Engine;

/// <summary>
/// The smallest one-way delay of the last minutes, the base to which queueing adds. Samples are differences of two
/// clocks, so only their differences have a meaning, and they wrap around. Microseconds.
/// </summary>
internal sealed class UtpDelayBase
{
    /// <summary>
    /// Minutes that count. BEP 29 says two; we follow RFC 6817 with ten, because our own queue may stand for two minutes
    /// and would then pass for the path.
    /// </summary>
    private const int Minutes = 10;

    private const long Minute = 60_000_000;

    private readonly uint[] _smallest = new uint[Minutes];
    private int _count;
    private int _current;
    private long _minuteEnds;

    /// <summary>Meaningless before the first sample.</summary>
    public uint Value { get; private set; }

    public bool HasSample => _count > 0;

    /// <summary>Whether the first delay is less than the second.</summary>
    private static bool IsLess(uint first, uint second) => (int)(first - second) < 0;

    /// <summary>Takes a sample; returns how much it is above the base.</summary>
    public long Add(uint sample, long now)
    {
        if (_count == 0)
        {
            _count = 1;
            _smallest[0] = sample;
            _minuteEnds = now + Minute;
            Value = sample;
            return 0;
        }

        if (now >= _minuteEnds)
        {
            _current = (_current + 1) % Minutes;
            _count = Math.Min(_count + 1, Minutes);
            _smallest[_current] = sample;
            _minuteEnds = now + Minute;
            Refresh();
        }
        else if (IsLess(sample, _smallest[_current]))
        {
            _smallest[_current] = sample;
        }

        if (IsLess(sample, Value))
        {
            Value = sample;
        }

        return (int)(sample - Value);
    }

    /// <summary>The clocks drift apart: everything measured so far would be so much more now.</summary>
    public void Shift(uint by)
    {
        for (var i = 0; i < _count; i++)
        {
            _smallest[i] += by;
        }

        Value += by;
    }

    private void Refresh()
    {
        Value = _smallest[_current];
        for (var i = 0; i < _count; i++)
        {
            if (IsLess(_smallest[i], Value))
            {
                Value = _smallest[i];
            }
        }
    }
}
