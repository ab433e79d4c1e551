using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Testing;

/// <summary>
/// Real swarms in a simulated world: virtual time, links with latency and bandwidth, disks that can fail. Everything
/// that happens follows from the seed; <see cref="TraceHash"/> covers every effect of every swarm, so two runs can be
/// compared.
/// </summary>
internal sealed class SimWorld
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private readonly Dictionary<IPEndPoint, SimNode> _byAddress = [];
    private long _order;
    private ulong _trace = 14695981039346656037;

    public SimWorld(int seed)
    {
        Seed = seed;
        Random = new Random(seed);
    }

    public int Seed { get; }
    public Random Random { get; }
    public TimeSpan Now { get; private set; }
    public ulong TraceHash => _trace;
    public long EventCount { get; private set; }
    public List<SimNode> Nodes { get; } = [];

    /// <summary>All block buffers of all nodes; ends at zero leases.</summary>
    public BlockPool Pool { get; } = new(65536);

    /// <summary>One-way delay between two nodes.</summary>
    public Func<SimNode, SimNode, TimeSpan> Latency { get; set; } = (_, _) => TimeSpan.FromMilliseconds(20);

    /// <summary>Whether two nodes can reach each other at all.</summary>
    public Func<SimNode, SimNode, bool> IsReachable { get; set; } = (_, _) => true;

    public SimNode Add(SimNodeOptions options)
    {
        var node = new SimNode(this, Nodes.Count, options);
        Nodes.Add(node);
        _byAddress.Add(node.EndPoint, node);
        return node;
    }

    public SimNode? Find(IPEndPoint endPoint) => _byAddress.GetValueOrDefault(endPoint);

    public void At(TimeSpan time, Action action) => _events.Enqueue(action, (time < Now ? Now : time, _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Runs until the condition holds; false when it did not within the time.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        while (!condition())
        {
            if (!_events.TryPeek(out _, out var next) || next.At > limit)
            {
                return false;
            }

            Step();
        }

        return true;
    }

    public void RunFor(TimeSpan time)
    {
        var end = Now + time;
        while (_events.TryPeek(out _, out var next) && next.At <= end)
        {
            Step();
        }

        Now = end;
    }

    /// <summary>Everything ends; what was under way is given back.</summary>
    public void Stop()
    {
        foreach (var node in Nodes)
        {
            node.Kill();
        }

        while (_events.TryDequeue(out var action, out var at))
        {
            Now = at.At > Now ? at.At : Now;
            action();
        }

        if (Pool.Leased != 0)
        {
            throw new InvalidOperationException($"{Pool.Leased} block buffers were lost (seed {Seed})");
        }
    }

    public void Trace(int node, in SwarmEffect effect)
    {
        Mix((ulong)Now.Ticks);
        Mix((ulong)node << 32 | (ulong)effect.Kind << 8 | (ulong)effect.MessageId);
        Mix((ulong)effect.Peer.Value << 32 | effect.Piece);
        Mix((ulong)effect.Begin << 32 | effect.Length);
    }

    private void Mix(ulong value) => _trace = (_trace ^ value) * 1099511628211;

    private void Step()
    {
        var found = _events.TryDequeue(out var action, out var at);
        if (found)
        {
            Now = at.At;
            EventCount++;
            action!();
        }
    }
}
