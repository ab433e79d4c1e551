namespace Shoal.Engine;

/// <summary>Measures the round trip; all times in microseconds.</summary>
internal sealed class UtpRoundTrip
{
    /// <summary>How long the smallest round trip counts: paths change.</summary>
    private const long MinLifetime = 60_000_000;

    private long _variance;
    private long _thisMinute = long.MaxValue;
    private long _lastMinute = long.MaxValue;
    private long _minuteEnds;

    public bool HasSample { get; private set; }

    /// <summary>The smoothed round trip. 100 ms as long as nothing is known.</summary>
    public long Smoothed { get; private set; } = 100_000;

    public long Latest { get; private set; }

    /// <summary>The smallest one of the last one to two minutes.</summary>
    public long Min => HasSample ? Math.Min(_thisMinute, _lastMinute) : Smoothed;

    /// <summary>How long to wait for an acknowledgement, without bounds and back-off.</summary>
    public long Timeout => HasSample ? Smoothed + _variance * 4 : 1_000_000;

    public void Add(long sample, long now)
    {
        sample = Math.Max(sample, 1);
        Latest = sample;
        if (!HasSample)
        {
            HasSample = true;
            Smoothed = sample;
            _variance = sample / 2;
            _thisMinute = sample;
            _minuteEnds = now + MinLifetime;
            return;
        }

        // BEP 29: "rtt_var += (abs(delta) - rtt_var) / 4; rtt += (packet_rtt - rtt) / 8;"
        _variance += (Math.Abs(Smoothed - sample) - _variance) / 4;
        Smoothed += (sample - Smoothed) / 8;
        if (now >= _minuteEnds)
        {
            _lastMinute = _thisMinute;
            _thisMinute = sample;
            _minuteEnds = now + MinLifetime;
        }

        _thisMinute = Math.Min(_thisMinute, sample);
    }
}
