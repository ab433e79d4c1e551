using Shoal.Engine;

namespace Shoal.Testing;

/// <summary>What one thread needs to compute its nodes, and what they have for the others.</summary>
internal sealed class CrowdWorker
{
    // What one event may want to read: a window for each of very many peers.
    private readonly BlockPool _pool = new(4096);
    private readonly int _number;

    // Where the nodes of each worker begin, and where those of the last one end.
    private readonly int[] _firsts;

    // By worker.
    private readonly List<(int Node, CrowdEvent Event)>[] _outboxes;

    // By node, from the first of ours on. Apart from the nodes, so that what comes for one need not fetch it into the cache.
    private readonly CrowdLine[] _inboxes;

    public CrowdWorker(int number, int workers, int nodes)
    {
        _number = number;
        _firsts = [.. Enumerable.Range(0, workers + 1).Select(i => (int)((long)nodes * i / workers))];
        _outboxes = [.. Enumerable.Range(0, workers).Select(_ => new List<(int, CrowdEvent)>())];
        _inboxes = new CrowdLine[_firsts[number + 1] - _firsts[number]];
    }

    public SwarmEffects Effects { get; } = new();

    /// <summary>What waits at its nodes.</summary>
    public CrowdStore Store { get; } = new();

    public bool Computes(int node) => node >= _firsts[_number] && node < _firsts[_number + 1];

    /// <summary>A buffer for the moment in which a swarm wants to hold one.</summary>
    public BlockBuffer Rent(int length)
    {
        if (!_pool.TryRent(out var buffer))
        {
            throw new InvalidOperationException("block buffers were lost");
        }

        buffer.Length = length;
        return buffer;
    }

    public void Post(int node, in CrowdEvent e)
    {
        var number = 0;
        while (node >= _firsts[number + 1])
        {
            number++;
        }

        _outboxes[number].Add((node, e));
    }

    /// <summary>All that happens at its nodes before <paramref name="end"/>.</summary>
    public void RunUntil(long end, CrowdNode[] all)
    {
        for (var i = 0; i < _inboxes.Length; i++)
        {
            all[_firsts[_number] + i].RunUntil(end, this, ref _inboxes[i]);
        }
    }

    /// <summary>Takes what a worker has for nodes of this one.</summary>
    public void Collect(CrowdWorker sender)
    {
        var outbox = sender._outboxes[_number];
        foreach (ref readonly var entry in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(outbox))
        {
            _inboxes[entry.Node - _firsts[_number]].Add(Store, Store.Add(entry.Event));
        }

        outbox.Clear();
    }
}
