using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

/// <summary>A network of datagram ports in memory: what is sent waits until the test delivers it.</summary>
internal sealed class MemoryDatagrams
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPEndPoint, Port> _ports = [];
    private Queue<(IPEndPoint From, IPEndPoint To, byte[] Bytes)> _queue = new();

    /// <summary>All that was ever sent.</summary>
    public List<(IPEndPoint From, IPEndPoint To, byte[] Bytes)> Sent { get; } = [];

    public Port Open(string endPoint)
    {
        var local = IPEndPoint.Parse(endPoint);
        return _ports[local] = new Port(this, local);
    }

    /// <summary>Delivers what waits, and what comes of it; datagrams that arrive together come as one batch.</summary>
    public void Deliver()
    {
        while (Take() is { Count: > 0 } waiting)
        {
            foreach (var group in waiting.GroupBy(datagram => datagram.To))
            {
                if (_ports.TryGetValue(group.Key, out var port))
                {
                    port.Receive([.. group.Select(one => new ReceivedDatagram(one.From, one.Bytes))]);
                }
            }
        }
    }

    /// <summary>Forgets what waits: it is lost.</summary>
    public void Lose() => Take();

    private Queue<(IPEndPoint From, IPEndPoint To, byte[] Bytes)> Take()
    {
        lock (_lock)
        {
            var taken = _queue;
            _queue = new();
            return taken;
        }
    }

    internal sealed class Port(MemoryDatagrams network, IPEndPoint local) : IDatagramPort
    {
        private IDatagramProtocol[] _protocols = [];

        public IReadOnlyList<IPEndPoint> LocalEndPoints { get; } = [local];

        int IDatagramPort.Port => local.Port;

        public void Start(params IDatagramProtocol[] protocols) => _protocols = protocols;

        public int Send(int socket, IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            lock (network._lock)
            {
                var count = 0;
                for (var at = 0; at < datagrams.Length; at += segmentSize, count++)
                {
                    var bytes = datagrams.Slice(at, Math.Min(segmentSize, datagrams.Length - at)).ToArray();
                    network._queue.Enqueue((local, to, bytes));
                    network.Sent.Add((local, to, bytes));
                }

                return count;
            }
        }

        public ProbeOutcome Probe(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram)
        {
            Send(socket, to, datagram, datagram.Length);
            return ProbeOutcome.Sent;
        }

        public int MaxDatagram(int socket, IPAddress to) => 1472;

        public void Receive(ReceivedDatagram[] batch) => _protocols[0].Receive(0, batch);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
