using System.Net;
using BenchmarkDotNet.Attributes;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Benchmarks;

/// <summary>The DHT's routing table, filled by 20,000 nodes that answered.</summary>
public class LookupBenchmarks
{
    private readonly DhtRandom _random = new(new byte[DhtRandom.SeedSize]);
    private readonly List<NodeContact> _contacts = [];
    private readonly RoutingTable _table;
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private int _next;

    public LookupBenchmarks()
    {
        _table = new RoutingTable(new DhtLimits(), _random.NextNodeId(), _now);
        for (var i = 0; i < 20_000; i++)
        {
            var address = new IPAddress(BitConverter.GetBytes(_random.NextUInt32() | 0x01000001));
            _contacts.Add(new NodeContact(_random.NextNodeId(), new IPEndPoint(address, 6881)));
            _table.Responded(_contacts[^1], _now);
        }
    }

    /// <summary>The eight nodes nearest to a random id.</summary>
    [Benchmark]
    public int Closest() => _table.Closest(_random.NextNodeId(), 8, forAnswer: true).Count;

    [Benchmark]
    public void Responded()
    {
        _now += TimeSpan.FromMilliseconds(1);
        _table.Responded(_contacts[_next++ % _contacts.Count], _now);
    }
}
