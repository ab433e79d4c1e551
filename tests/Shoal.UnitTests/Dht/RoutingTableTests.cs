using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class RoutingTableTests
{
    private readonly DhtRandom _random = new([.. Enumerable.Repeat((byte)7, 32)]);
    private readonly TimeSpan _now = TimeSpan.FromSeconds(100);

    [Fact]
    public void The_table_has_one_node_of_an_address_and_one_of_a_network_in_a_bucket()
    {
        var table = new RoutingTable(new DhtLimits(), default, TimeSpan.Zero);
        var far = new NodeId([0x80, .. new byte[19]]);
        for (var i = 0; i < 100; i++)
        {
            // All in the farthest bucket, of one /24; and one address under many ids.
            var id = far.WithPrefixOf(1, _random.NextNodeId());
            table.Responded(new NodeContact(id, new IPEndPoint(new IPAddress([8, 0, 0, (byte)i]), 1)), _now);
            table.Responded(
                new NodeContact(_random.NextNodeId(), new IPEndPoint(IPAddress.Parse("9.9.9.9"), i + 1)),
                _now
            );
        }

        Assert.Equal(2, table.Count);
    }

    [Fact]
    public void Nodes_without_a_proper_id_do_not_crowd_out_the_others()
    {
        var table = new RoutingTable(new DhtLimits(), _random.NextNodeId(), TimeSpan.Zero);
        for (var i = 0; i < 2000; i++)
        {
            var endPoint = new IPEndPoint(new IPAddress([8, (byte)(i >> 8), (byte)i, 1]), 1);
            table.Responded(new NodeContact(_random.NextNodeId(), endPoint), _now);
        }

        var squatters = table.Count;
        for (var i = 0; i < 2000; i++)
        {
            var endPoint = new IPEndPoint(new IPAddress([9, (byte)(i >> 8), (byte)i, 1]), 1);
            table.Responded(new NodeContact(NodeIdRule.Create(endPoint.Address, _random), endPoint), _now);
        }

        // Half of the first bucket, which holds 32; the other half waits for those with a proper id.
        Assert.Equal(16, squatters);
        Assert.True(table.Nodes.Count(node => node.IsVerified) > 60);
        Assert.True(table.Nodes.Count(node => !node.IsVerified) <= 16);
        var target = _random.NextNodeId();
        var closest = table.Closest(target, 8, forAnswer: true);
        Assert.Equal(8, closest.Count);
        Assert.Equal(
            table
                .Nodes.Where(node => node.IsVerified)
                .Select(node => node.Id)
                .Order(Comparer<NodeId>.Create((a, b) => NodeId.CompareDistance(target, a, b)))
                .Take(8),
            closest.Select(contact => contact.Id)
        );
    }

    [Fact]
    public void A_silent_node_gives_its_place_to_one_that_waits_but_not_while_all_are_silent()
    {
        var table = new RoutingTable(new DhtLimits(), default, TimeSpan.Zero);
        for (var i = 0; i < 60; i++)
        {
            var id = new NodeId([0x80, (byte)i, .. new byte[18]]);
            table.Responded(new NodeContact(id, new IPEndPoint(IPAddress.Loopback, 1000 + i)), _now);
        }

        Assert.Equal(32, table.Count);
        var victim = table.Nodes.First().EndPoint;
        for (var i = 0; i < 10; i++)
        {
            table.Failed(victim, mayForget: false, _now);
        }

        Assert.NotNull(table.Find(victim));
        Assert.DoesNotContain(table.Closest(default, 32, forAnswer: true), contact => contact.EndPoint.Equals(victim));
        table.Failed(victim, mayForget: true, _now);
        Assert.Null(table.Find(victim));
        Assert.Equal(32, table.Count);
    }
}
