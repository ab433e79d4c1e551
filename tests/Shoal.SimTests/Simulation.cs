using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>How every scenario is run.</summary>
internal static class Simulation
{
    /// <summary>Runs the scenario two times from one seed: the traces must agree. A failure names the seed.</summary>
    public static void Twice(int seed, Action<SimWorld> scenario)
    {
        var traces = new ulong[2];
        for (var run = 0; run < 2; run++)
        {
            var world = new SimWorld(seed);
            try
            {
                scenario(world);
                world.Stop();
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"simulation with seed {seed} failed at {world.Now}", exception);
            }

            traces[run] = world.TraceHash;
        }

        Assert.True(traces[0] == traces[1], $"two runs with seed {seed} differ");
    }

    /// <summary>Starts all nodes, and each learns of all others.</summary>
    public static void StartAll(SimWorld world)
    {
        foreach (var node in world.Nodes)
        {
            node.Start();
        }

        foreach (var node in world.Nodes)
        {
            node.Introduce([.. world.Nodes.Where(other => other != node)]);
        }
    }
}
