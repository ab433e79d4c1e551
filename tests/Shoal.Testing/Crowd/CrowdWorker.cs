using System.Runtime.InteropServices;
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

    // What has come, sorted by node; and where that of each of ours ends.
    private CrowdEvent[] _mail = [];
    private readonly int[] _ends;

    public CrowdWorker(int number, int workers, int nodes)
    {
        _number = number;
        _firsts = [.. Enumerable.Range(0, workers + 1).Select(i => (int)((long)nodes * i / workers))];
        _outboxes = [.. Enumerable.Range(0, workers).Select(_ => new List<(int, CrowdEvent)>())];
        _ends = new int[_firsts[number + 1] - _firsts[number]];
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
        var from = 0;
        for (var i = 0; i < _ends.Length; i++)
        {
            all[_firsts[_number] + i].RunUntil(end, this, _mail.AsSpan(from.._ends[i]));
            from = _ends[i];
        }
    }

    /// <summary>
    /// Takes what the workers have for nodes of this one, in the order of the senders, whichever worker they belong to. Sorts it by
    /// node: so it is read in one go, and is in the store only while it waits there.
    /// </summary>
    public void Collect(CrowdWorker[] senders)
    {
        Array.Clear(_ends);
        var first = _firsts[_number];
        foreach (var sender in senders)
        {
            foreach (ref readonly var entry in CollectionsMarshal.AsSpan(sender._outboxes[_number]))
            {
                _ends[entry.Node - first]++;
            }
        }

        // First these are the beginnings; each moves on to its end as it is filled.
        var count = 0;
        for (var i = 0; i < _ends.Length; i++)
        {
            (_ends[i], count) = (count, count + _ends[i]);
        }

        if (count > _mail.Length)
        {
            _mail = new CrowdEvent[count * 2];
        }

        foreach (var sender in senders)
        {
            foreach (ref readonly var entry in CollectionsMarshal.AsSpan(sender._outboxes[_number]))
            {
                _mail[_ends[entry.Node - first]++] = entry.Event;
            }

            sender._outboxes[_number].Clear();
        }
    }
}
