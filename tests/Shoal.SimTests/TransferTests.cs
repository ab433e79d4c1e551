using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.SimTests;

public sealed class TransferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void One_leech_fetches_a_v1_torrent_from_one_seed(int seed)
    {
        Simulation.Twice(
            seed,
            world =>
            {
                var torrent = SimTorrent.V1(seed, 3 * 1024 * 1024 + 12345, 256 * 1024);
                var origin = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        CheckInvariants = true,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                origin.Start();
                leech.Start();
                leech.Introduce(origin);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                Assert.Equal(1, leech.Completions);
                Assert.Equal(torrent.Metainfo.Size, leech.Status.Downloaded);
                world.RunFor(TimeSpan.FromSeconds(3));
                Assert.Equal(torrent.Metainfo.Size, origin.Status.Uploaded);
                Assert.Contains(DisconnectReason.NotUseful, leech.Disconnects.Concat(origin.Disconnects));
                Assert.True(leech.CompletedAt < TimeSpan.FromSeconds(3), $"took {leech.CompletedAt}");
            }
        );
    }

    [Fact]
    public void Twenty_leeches_share_what_one_seed_has()
    {
        Simulation.Twice(
            3,
            world =>
            {
                var torrent = SimTorrent.V1(3, 8 * 1024 * 1024, 256 * 1024);
                const long Rate = 1_000_000;
                var origin = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = Rate,
                        Down = Rate,
                    }
                );
                var leeches = Enumerable
                    .Range(0, 20)
                    .Select(_ =>
                        world.Add(
                            new SimNodeOptions
                            {
                                Torrent = torrent,
                                Up = Rate,
                                Down = Rate,
                            }
                        )
                    )
                    .ToArray();
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromMinutes(3)));
                Assert.All(leeches, node => Assert.True(node.HasContent));
                var copies = (double)origin.Status.Uploaded / torrent.Metainfo.Size;
                var time =
                    leeches.Max(node => node.CompletedAt!.Value).TotalSeconds / (torrent.Metainfo.Size / (double)Rate);
                TestContext.Current.TestOutputHelper!.WriteLine($"time / bound {time:f2}, copies {copies:f2}");
                Assert.True(copies < 2.5, $"the origin uploaded {copies:f2} copies");
                Assert.True(time < 2.5, $"the last finished after {time:f2} times the bound");
            }
        );
    }
}
