namespace Shoal.Engine;

/// <summary>
/// Bytes a second, averaged with decaying weight. Fed by <see cref="Add"/>, advanced by <see cref="Tick"/>.
/// </summary>
internal struct RateMeter
{
    private const double SlowSeconds = 5;

    private long _pending;
    private double _fast;
    private double _slow;
    private double _age;

    /// <summary>Bytes since the beginning.</summary>
    public long Total { get; private set; }

    /// <summary>Over about a second: for decisions about the next second.</summary>
    public readonly double Fast => _fast;

    /// <summary>
    /// Over about five seconds, or since the bytes began to flow if that is less: for people, and for comparing peers.
    /// </summary>
    public readonly double Slow => _slow;

    public void Add(int bytes)
    {
        _pending += bytes;
        Total += bytes;
    }

    public void Tick(TimeSpan elapsed)
    {
        var seconds = elapsed.TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        if (_pending == 0 && _slow == 0)
        {
            // Of most peers that is so most of the time: what is not written need not be carried back to memory.
            if (_age != 0)
            {
                _fast = 0;
                _age = 0;
            }

            return;
        }

        var now = _pending / seconds;
        _pending = 0;
        _age = Math.Min(SlowSeconds, _age + seconds);
        _fast += (now - _fast) * Math.Min(1, seconds);
        _slow += (now - _slow) * Math.Min(1, seconds / _age);
        if (_fast < 1)
        {
            _fast = 0;
        }

        if (_slow < 1)
        {
            _slow = 0;
        }
    }
}
