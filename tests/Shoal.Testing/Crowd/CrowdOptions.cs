using Shoal.Engine;

namespace Shoal.Testing;

/// <summary>A swarm of many: who takes part, over which links, and what befalls it.</summary>
internal sealed record CrowdOptions
{
    /// <summary>All that is random follows from it, however many threads compute it.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Peers that begin with nothing.</summary>
    public int Receivers { get; init; } = 16;

    /// <summary>Bytes of content.</summary>
    public long Size { get; init; } = 64 << 20;
    public int PieceLength { get; init; } = 256 << 10;

    /// <summary>The origin's link, in bytes a second.</summary>
    public long OriginUp { get; init; } = 2_500_000;

    /// <summary>The receivers' links, in bytes a second; dealt out in turn.</summary>
    public IReadOnlyList<(long Up, long Down)> Links { get; init; } = [(2_500_000, 2_500_000)];

    /// <summary>Least delay between two nodes, one way. The longer it is, the faster the simulation.</summary>
    public TimeSpan LeastDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Greatest delay between two nodes, one way; each node has its own distance.</summary>
    public TimeSpan GreatestDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Bytes of blocks under way on one connection, as the window of TCP bounds them.</summary>
    public int Window { get; init; } = 256 << 10;

    /// <summary>How long a disk takes to hash a piece.</summary>
    public TimeSpan HashDelay { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Addresses the tracker gives at once.</summary>
    public int TrackerPeers { get; init; } = 30;

    /// <summary>Receivers join over this time instead of all at once.</summary>
    public TimeSpan JoinOver { get; init; }

    /// <summary>Share of the receivers that leave as soon as they have everything.</summary>
    public double Leaving { get; init; }

    /// <summary>Share of the receivers that die at some time while they receive.</summary>
    public double Dying { get; init; }

    /// <summary>Share of the receivers that take and never give: they unchoke nobody.</summary>
    public double FreeRiders { get; init; }

    public bool SuperSeeding { get; init; }

    /// <summary>Limits of all nodes.</summary>
    public SwarmLimits Limits { get; init; } = SwarmLimits.Default with { MaxPeers = 50, MaxHearsay = 100 };

    /// <summary>Threads that compute; the outcome is the same for any number.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Whether every swarm checks itself around every event.</summary>
    public bool CheckInvariants { get; init; }

    /// <summary>
    /// What no protocol can beat, in seconds: max(F/u_origin, F/d_min, N·F/(u_origin + Σu)), if all begin at once.
    /// </summary>
    public double Bound
    {
        get
        {
            var up = (double)OriginUp;
            var slowest = long.MaxValue;
            for (var i = 0; i < Receivers; i++)
            {
                up += Links[i % Links.Count].Up;
                slowest = Math.Min(slowest, Links[i % Links.Count].Down);
            }

            return Math.Max(Math.Max((double)Size / OriginUp, (double)Size / slowest), Receivers * (double)Size / up);
        }
    }
}
