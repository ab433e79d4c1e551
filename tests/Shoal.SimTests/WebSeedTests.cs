using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.SimTests;

public sealed class WebSeedTests
{
    private const long Rate = 1_000_000;

    [Theory]
    [InlineData(TorrentFormat.V1, 1)]
    [InlineData(TorrentFormat.V2, 2)]
    [InlineData(TorrentFormat.Hybrid, 3)]
    public void A_web_seed_alone_is_enough(TorrentFormat format, int seed) =>
        Simulation.Twice(
            seed,
            world =>
            {
                var torrent = SimTorrent.Files(format, seed, 3_000_000, 64 * 1024);
                var server = new SimWebServer(world, torrent, "http://server/", Rate);
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                leech.Start();
                leech.Use(server);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                Assert.Equal(0, leech.Status.Wasted);
                world.RunFor(TimeSpan.FromSeconds(2));
                Assert.Equal([DisconnectReason.NotUseful], leech.Disconnects);
                var bound = torrent.Metainfo.Size / (double)Rate;
                Assert.True(leech.CompletedAt < TimeSpan.FromSeconds(bound + 1), $"{leech.CompletedAt}, {bound} s");
            }
        );

    /// <summary>
    /// A release day: nobody has anything but the web server. Receivers that begin at different places have something to
    /// give each other, so the server sends little more than one copy.
    /// </summary>
    [Fact]
    public void Sixteen_leeches_share_what_one_web_seed_sends() =>
        Simulation.Twice(
            4,
            world =>
            {
                var torrent = SimTorrent.V1(4, 16 * 1024 * 1024, 128 * 1024);
                var server = new SimWebServer(world, torrent, "http://server/", Rate);
                var leeches = Enumerable
                    .Range(0, 16)
                    .Select(_ =>
                        world.Add(
                            new SimNodeOptions
                            {
                                Torrent = torrent,
                                Up = Rate,
                                Down = 4 * Rate,
                            }
                        )
                    )
                    .ToArray();
                Simulation.StartAll(world);
                foreach (var leech in leeches)
                {
                    leech.Use(server);
                }

                Assert.True(world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromMinutes(5)));
                Assert.All(leeches, node => Assert.True(node.HasContent));
                var copies = (double)server.Uploaded / torrent.Metainfo.Size;
                var last = leeches.Max(node => node.CompletedAt!.Value).TotalSeconds;
                var bound = torrent.Metainfo.Size / (double)Rate;
                TestContext.Current.TestOutputHelper!.WriteLine($"time / bound {last / bound:f2}, copies {copies:f2}");
                Assert.True(copies < 2.5, $"the web seed sent {copies:f2} copies");
                Assert.True(last < 2.5 * bound, $"the last finished after {last / bound:f2} times the bound");
            }
        );

    [Fact]
    public void A_seed_and_a_web_seed_share_the_load() =>
        Simulation.Twice(
            5,
            world =>
            {
                var torrent = SimTorrent.V1(5, 16 * 1024 * 1024, 128 * 1024);
                var server = new SimWebServer(world, torrent, "http://server/", Rate);
                var seed = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = Rate,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                leech.Use(server);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                // Each gave about half, nothing twice, and together they were about twice as fast.
                var size = torrent.Metainfo.Size;
                Assert.InRange(server.Uploaded, size * 4 / 10, size * 6 / 10);
                Assert.InRange(leech.Status.Wasted, 0, size / 50);
                Assert.InRange(leech.CompletedAt!.Value.TotalSeconds, 0, 1.25 * size / (2 * Rate));
                Assert.NotNull(seed.Swarm);
            }
        );

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    public void A_web_seed_that_lies_is_dropped_and_nobody_else(int seed) =>
        Simulation.Twice(
            seed,
            world =>
            {
                var torrent = SimTorrent.V1(seed, 8 * 1024 * 1024, 128 * 1024);
                var random = new Random(seed);
                var liar = new SimWebServer(world, torrent, "http://liar/", Rate)
                {
                    Corrupt = (_, _, bytes) => bytes.Span[0] ^= (byte)(random.Next(10) == 0 ? 1 : 0),
                };
                var honest = new SimWebServer(world, torrent, "http://honest/", Rate);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = Rate,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                leech.Use(liar);
                leech.Use(honest);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(2)));
                Assert.True(leech.HasContent);
                Assert.Equal(["http://liar:80/"], leech.BannedWebSeeds.Select(url => url.Display));
                Assert.Empty(leech.Banned);
                Assert.True(leech.Status.HashFailures > 0);
            }
        );
}
