using System.Net;
using Shoal.Engine;

namespace Shoal.SimTests;

/// <summary>
/// Nodes that are new among liars: every fifth node is hostile, half of what answers a newcomer is, and all say the same
/// false address. Peers and trackers are heard too (<see cref="ExternalAddressJudge"/>), and their verdict reaches the id.
/// </summary>
public sealed class ExternalAddressTests(ITestOutputHelper log)
{
    private const int Seed = 20261128;
    private static readonly IPAddress Lie = IPAddress.Parse("66.66.66.66");

    /// <param name="areFirst">Whether the others are heard before the DHT has an opinion, or when it has one.</param>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_peers_and_a_tracker_say_corrects_what_hostile_nodes_say(bool areFirst)
    {
        var world = new DhtWorld(Seed, loss: 0.02);
        var honest = new List<HonestNode>();
        DhtSimulationTests.Populate(world, 500, 0.2, honest, [], [], Begin);
        world.Run(TimeSpan.FromMinutes(1));
        var alone = honest.Count(IsFooled);
        if (!areFirst)
        {
            honest.ForEach(Tell);
            world.Run(TimeSpan.FromMinutes(1));
        }

        var voted = honest.Count(node => Lie.Equals(node.Dht.Nodes[0].VotedAddress));
        var fooled = honest.Count(IsFooled);
        var sure = honest.Count(node => node.Address.Address.Equals(node.Dht.Nodes[0].ExternalAddress));
        log.WriteLine(
            $"seed {Seed}: of {honest.Count} {voted} had a wrong vote, {fooled} are fooled, {sure} sure"
                + (areFirst ? "" : $"; {alone} were fooled before others were heard")
        );
        Assert.InRange(fooled, 0, honest.Count / 50);
        Assert.InRange(sure, honest.Count * 95 / 100, honest.Count);
        // The vote itself does not stay what the first to come made of it.
        Assert.InRange(voted, 0, honest.Count / 8);
        Assert.True(areFirst || fooled < alone, $"{fooled} are fooled, and {alone} were before");

        void Begin(HonestNode node)
        {
            node.Judge = new ExternalAddressJudge();
            if (areFirst)
            {
                Tell(node);
            }
        }

        void Tell(HonestNode node)
        {
            var truth = node.Address.Address;
            for (var i = 0; i < 8; i++)
            {
                // A fifth of the peers lies as the nodes do.
                node.Hear(AddressWitness.Peer, $"{i}", world.Random.NextDouble() < 0.2 ? Lie : truth, world.Now);
            }

            node.Hear(AddressWitness.Tracker, "0", truth, world.Now);
        }
    }

    private static bool IsFooled(HonestNode node) => Lie.Equals(node.Dht.Nodes[0].ExternalAddress);
}
