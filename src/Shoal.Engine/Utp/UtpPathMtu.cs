namespace Shoal.Engine;

/// <summary>
/// Finds out how long packets may be on the path of one connection (RFC 8899). A probe is an ordinary data packet made
/// longer by padding: when it is lost its data goes again without the padding, so nothing ever depends on a length that
/// is not proven, and nothing is taken apart on the way.
/// </summary>
internal sealed class UtpPathMtu
{
    /// <summary>
    /// Sizes of IP packets that networks have: the minimum of IPv6, tunnels, PPPoE, Ethernet, jumbo frames, loopback. The
    /// last is a quarter of the longest datagram, so that four leave with one call.
    /// </summary>
    private static readonly int[] IpSizes = [1280, 1400, 1420, 1454, 1480, 1492, 1500, 4352, 9000, 16_384];

    private const int Ethernet = 1500;

    /// <summary>Probes of one size that must be lost: one may be by chance.</summary>
    private const int Attempts = 2;

    /// <summary>Paths change: longer packets are tried again after ten minutes.</summary>
    private const long SearchAgain = 600_000_000;

    private readonly List<int> _sizes = [];
    private readonly int _overhead;
    private int _low = -1;
    private int _high;
    private int _failures;
    private int _probing = -1;
    private long _searchAt;

    public UtpPathMtu(UtpPath path)
    {
        _overhead = path.Overhead;
        Floor = path.MinPacket;
        Size = path.MinPacket;
        foreach (var size in IpSizes)
        {
            var content = Math.Min(size - path.Overhead, path.MaxPacket);
            if (content > (_sizes.Count == 0 ? Size : _sizes[^1]))
            {
                _sizes.Add(content);
            }
        }

        _high = _sizes.Count;
    }

    /// <summary>The proven size of a datagram, without headers below ours.</summary>
    public int Size { get; private set; }

    /// <summary>What certainly gets through.</summary>
    public int Floor { get; }

    /// <summary>The size to try now; 0: nothing to try, or a probe is under way.</summary>
    public int Wanted(long now)
    {
        if (_probing >= 0)
        {
            return 0;
        }

        if (_high - _low <= 1)
        {
            if (_high >= _sizes.Count || now < _searchAt)
            {
                return 0;
            }

            _high = _sizes.Count;
        }

        return _sizes[Next()];
    }

    /// <summary>The wanted size has left.</summary>
    public void Sent() => _probing = Next();

    /// <summary>The probe has come in.</summary>
    public void Succeed()
    {
        if (_probing >= 0)
        {
            _low = Math.Max(_low, _probing);
            Size = Math.Max(Size, _sizes[_low]);
        }

        (_probing, _failures) = (-1, 0);
    }

    /// <summary>The probe was lost, or the system says at once that it is too long.</summary>
    public void Fail(bool isCertain, long now)
    {
        if (_probing < 0)
        {
            return;
        }

        if (isCertain || ++_failures >= Attempts)
        {
            _high = Math.Max(_probing, _low + 1);
            _failures = 0;
            _searchAt = now + SearchAgain;
        }

        _probing = -1;
    }

    /// <summary>Packets of the proven size do not get through any more.</summary>
    public void Collapse(long now)
    {
        Size = Floor;
        (_low, _high, _probing, _failures) = (-1, _sizes.Count, -1, 0);
        _searchAt = now;
    }

    // Nearly everywhere it is Ethernet's size or a little less, so that comes first; then what jumbo networks have, one
    // after the other, or the middle of what is left below.
    private int Next()
    {
        var ethernet = _sizes.FindIndex(size => size + _overhead >= Ethernet);
        if (ethernet < 0)
        {
            ethernet = _sizes.Count - 1;
        }

        return _low < ethernet && ethernet < _high ? ethernet
            : _low >= ethernet ? _low + 1
            : (_low + _high) / 2;
    }
}
