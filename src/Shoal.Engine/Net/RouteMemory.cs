using System.Net;

namespace Shoal.Engine;

/// <summary>
/// Of which peers the usual way did not lead there, and which did: tried first the next time. Shared by all torrents;
/// safe to use from any thread.
/// </summary>
/// <param name="usual">What is not worth a place, since it is tried first anyway.</param>
/// <param name="capacity">Beyond: the oldest is forgotten.</param>
internal sealed class RouteMemory(DialMemory usual, int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPEndPoint, LinkedListNode<(IPEndPoint Peer, DialMemory Way)>> _ways = [];
    private readonly LinkedList<(IPEndPoint Peer, DialMemory Way)> _order = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _ways.Count;
            }
        }
    }

    public DialMemory? Recall(IPEndPoint peer)
    {
        lock (_lock)
        {
            return _ways.TryGetValue(peer, out var node) ? node.Value.Way : null;
        }
    }

    public void Worked(IPEndPoint peer, DialMemory way)
    {
        lock (_lock)
        {
            Drop(peer);
            if (way == usual)
            {
                return;
            }

            _ways[peer] = _order.AddLast((peer, way));
            if (_ways.Count > capacity)
            {
                Drop(_order.First!.Value.Peer);
            }
        }
    }

    /// <summary>Nothing worked, so what is remembered is not true any more.</summary>
    public void Failed(IPEndPoint peer)
    {
        lock (_lock)
        {
            Drop(peer);
        }
    }

    private void Drop(IPEndPoint peer)
    {
        if (_ways.Remove(peer, out var node))
        {
            _order.Remove(node);
        }
    }
}
