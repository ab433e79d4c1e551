using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// How often a member may ask: so many at once, and as many in each period. One caller at a time; time is a parameter.
/// Whoever has not asked for a period is forgotten.
/// </summary>
internal sealed class MemberRates(int perPeriod, TimeSpan period)
{
    private readonly TimeSpan _period = period;
    private readonly Dictionary<MemberId, (double Left, TimeSpan At)> _members = [];
    private TimeSpan _nextSweep = period;

    public int Remembered => _members.Count;

    /// <summary>Counts requests, all or none: unless they are too many.</summary>
    public bool TryTake(MemberId member, TimeSpan now, int count = 1)
    {
        if (now >= _nextSweep)
        {
            _nextSweep = now + _period;
            foreach (
                var idle in _members.Where(entry => now - entry.Value.At >= _period).Select(entry => entry.Key).ToList()
            )
            {
                _members.Remove(idle);
            }
        }

        var (left, at) = _members.TryGetValue(member, out var known) ? known : (perPeriod, now);
        left = Math.Min(perPeriod, left + perPeriod * ((now - at) / _period));
        if (left < count)
        {
            return false;
        }

        _members[member] = (left - count, now);
        return true;
    }
}
