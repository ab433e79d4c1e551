namespace Shoal.Engine;

/// <summary>
/// Remembers which hosts let those who asked them wait in vain, so that not everybody waits who has a question for the same
/// one: exchanges have few places, and one dead tracker of a thousand torrents would keep them from all others for half an hour.
/// Safe to use from any thread.
/// </summary>
internal sealed class SilentHosts(TimeProvider time)
{
    /// <summary>In a row; fewer may be chance.</summary>
    private const int Enough = 3;

    /// <summary>A failure that came sooner cost nobody much.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(5);

    /// <summary>How often one is let through to see whether it is back.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Who was not asked for so long is as good as unknown. Well more than the hour after which a tracker that fails is tried again
    /// at the latest: one that stays silent is not forgotten meanwhile.
    /// </summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(2);

    /// <summary>Hosts that are remembered; beyond, others are not.</summary>
    private const int MaxHosts = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (int Failures, long Last)> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether it is worth asking. Who is let through tells how it went.</summary>
    /// <param name="host">With its port: what listens at another may be there.</param>
    public bool MayAsk(string host)
    {
        lock (_lock)
        {
            if (!_hosts.TryGetValue(host, out var known) || known.Failures < Enough || IsOver(known.Last))
            {
                return true;
            }

            if (time.GetElapsedTime(known.Last) < Interval)
            {
                return false;
            }

            _hosts[host] = known with { Last = time.GetTimestamp() };
            return true;
        }
    }

    /// <param name="host">Who was asked.</param>
    /// <param name="isThere">It answered something, if only a refusal.</param>
    /// <param name="began">Timestamp of the question.</param>
    public void Asked(string host, bool isThere, long began)
    {
        lock (_lock)
        {
            if (isThere)
            {
                _hosts.Remove(host);
            }
            else if (time.GetElapsedTime(began) >= Long)
            {
                var isKnown = _hosts.TryGetValue(host, out var known);
                if (isKnown || HasRoom())
                {
                    _hosts[host] = (isKnown && !IsOver(known.Last) ? known.Failures + 1 : 1, time.GetTimestamp());
                }
            }
        }
    }

    private bool IsOver(long last) => time.GetElapsedTime(last) >= Lifetime;

    /// <summary>Forgets those whose time is over when it needs their places.</summary>
    private bool HasRoom()
    {
        if (_hosts.Count >= MaxHosts)
        {
            foreach (var (host, known) in _hosts)
            {
                // Removing does not end the enumeration of a dictionary.
                if (IsOver(known.Last))
                {
                    _hosts.Remove(host);
                }
            }
        }

        return _hosts.Count < MaxHosts;
    }
}
