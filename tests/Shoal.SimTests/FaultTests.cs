using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>Liars, silent peers, full disks, sudden deaths.</summary>
public sealed class FaultTests
{
    [Theory]
    [InlineData(TorrentFormat.V1, 21)]
    [InlineData(TorrentFormat.V1, 22)]
    [InlineData(TorrentFormat.V2, 23)]
    [InlineData(TorrentFormat.Hybrid, 24)]
    public void Who_sends_bad_blocks_is_banned_and_nobody_else(TorrentFormat format, int seed) =>
        Simulation.Twice(
            seed,
            world =>
            {
                var torrent = SimTorrent.Of(new TorrentBuilder(format, 128 * 1024).Single(4_000_000, seed));
                const long Rate = 200_000;
                var honest = new SimNodeOptions
                {
                    Torrent = torrent,
                    IsSeed = true,
                    Up = Rate,
                };
                var lies = new Random(seed);
                world.Add(honest);
                world.Add(honest);
                var liar = world.Add(
                    honest with
                    {
                        Corrupt = (_, _, block) =>
                        {
                            if (lies.Next(3) == 0)
                            {
                                block.Span[lies.Next(block.Length)] ^= 1;
                            }
                        },
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(3)));
                Assert.True(leech.HasContent);
                Assert.Equal([liar.EndPoint.Address], leech.Banned);
                Assert.True(leech.Status.HashFailures > 0);
                Assert.Contains(DisconnectReason.SentBadData, leech.Disconnects);
            }
        );

    [Fact]
    public void A_silent_peer_holds_nothing_up() =>
        Simulation.Twice(
            25,
            world =>
            {
                var torrent = SimTorrent.V1(25, 2_000_000, 64 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        IsStalled = true,
                    }
                );
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 200_000,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromSeconds(30)));
                Assert.True(leech.HasContent);
            }
        );

    [Fact]
    public void A_full_disk_stops_fetching_and_goes_on_when_space_returns() =>
        Simulation.Twice(
            26,
            world =>
            {
                var torrent = SimTorrent.V1(26, 2_000_000, 64 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 500_000,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                var other = world.Add(new SimNodeOptions { Torrent = torrent });
                leech.Disk.Space = 1_000_000;
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.Status.State == TorrentState.Failed, TimeSpan.FromSeconds(30)));
                Assert.Contains("space", leech.Status.Error, StringComparison.Ordinal);
                var before = leech.Status.Uploaded;
                Assert.True(world.RunUntil(() => other.IsDone, TimeSpan.FromMinutes(1)));
                Assert.False(leech.IsDone);
                Assert.True(leech.Status.Uploaded >= before);
                leech.Disk.Recover(long.MaxValue);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(2)));
                Assert.True(leech.HasContent);
                // Nothing fetched before is fetched again; what the slow peer has in its queue for a second, 32 blocks, may
                // come from the fast one too in the endgame.
                Assert.InRange(leech.Status.Wasted, 0, 32 * PieceLayout.BlockSize);
            }
        );

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    public void A_killed_peer_goes_on_where_it_was(TorrentFormat format) =>
        Simulation.Twice(
            27,
            world =>
            {
                var torrent = SimTorrent.Of(new TorrentBuilder(format, 256 * 1024).Single(3_000_000, 27));
                var origin = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 400_000,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                long fetched = 0;
                for (var kill = 0; kill < 5; kill++)
                {
                    world.RunFor(TimeSpan.FromMilliseconds(1300 + world.Random.Next(500)));
                    fetched += leech.Status.Downloaded;
                    leech.Kill();
                    world.RunFor(TimeSpan.FromMilliseconds(300));
                    leech.Start();
                    leech.Introduce(origin);
                }

                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                fetched += leech.Status.Downloaded;
                Assert.True(leech.HasContent);
                // What was on disk is never fetched again; only what was in flight at a kill is lost.
                Assert.Equal(torrent.Metainfo.Size, fetched);
                Assert.Empty(leech.Banned);
            }
        );

    [Fact]
    public void A_swarm_survives_partitions_and_lost_connections() =>
        Simulation.Twice(
            28,
            world =>
            {
                var torrent = SimTorrent.V1(28, 2_000_000, 64 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 300_000,
                    }
                );
                var leeches = Enumerable
                    .Range(0, 6)
                    .Select(_ => world.Add(new SimNodeOptions { Torrent = torrent, Up = 300_000 }))
                    .ToArray();
                Simulation.StartAll(world);
                world.RunFor(TimeSpan.FromSeconds(3));
                world.IsReachable = (a, b) => (a.Index < 4) == (b.Index < 4);
                foreach (var node in world.Nodes)
                {
                    foreach (var link in node.Links.Values.ToArray())
                    {
                        if (!world.IsReachable(node, link.Other))
                        {
                            link.Close(DisconnectReason.ConnectionLost);
                        }
                    }
                }

                world.RunFor(TimeSpan.FromSeconds(20));
                Assert.Contains(leeches, node => !node.IsDone);
                world.IsReachable = (_, _) => true;
                Assert.True(world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromMinutes(3)));
                Assert.All(leeches, node => Assert.True(node.HasContent));
            }
        );
}
