using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>Content that is on the machine already is copied, not fetched.</summary>
public sealed class SameContentTests
{
    private const int Size = 1_000_003;

    /// <summary>Three files, of which two are the same.</summary>
    private static SimTorrent Twins(TorrentFormat format) =>
        SimTorrent.Of(
            new TorrentBuilder(format, 64 * 1024)
                .File("a/one", Size, seed: 1)
                .File("b/other", 300_000, seed: 2)
                .File("c/same as one", Size, seed: 1)
        );

    [Theory]
    [InlineData(TorrentFormat.V2, true)]
    [InlineData(TorrentFormat.Hybrid, true)]
    [InlineData(TorrentFormat.V2, false)]
    [InlineData(TorrentFormat.Hybrid, false)]
    public void Of_equal_files_one_is_fetched(TorrentFormat format, bool knowsMetainfo) =>
        Simulation.Twice(
            31,
            world =>
            {
                var torrent = Twins(format);
                world.Add(new SimNodeOptions { Torrent = torrent, IsSeed = true });
                var leech = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        KnowsMetainfo = knowsMetainfo,
                        CheckInvariants = true,
                    }
                );
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                Assert.True(leech.Disk.Copies > 0);
                Assert.InRange(leech.Status.Downloaded, Size + 300_000, Size + 300_000 + 3 * PieceLayout.BlockSize);
            }
        );

    [Fact]
    public void Two_peers_with_one_of_the_equal_files_each_are_enough() =>
        Simulation.Twice(
            32,
            world =>
            {
                var torrent = Twins(TorrentFormat.V2);
                var files = torrent.Metainfo.Files;
                foreach (var wanted in new[] { "one", "same as one" })
                {
                    var part = world.Add(
                        new SimNodeOptions
                        {
                            Torrent = torrent,
                            IsSeed = true,
                            Up = 200_000,
                            FilePriority = file => file.Path.EndsWith(wanted) ? FilePriority.Normal : FilePriority.Skip,
                        }
                    );
                    part.Disk.Claimed.ClearAll();
                    var file = files.Single(file => file.Path.EndsWith('/' + wanted));
                    var layout = torrent.Metainfo.Layout;
                    for (var at = file.Offset; at < file.End; at += layout.PieceLength)
                    {
                        part.Disk.Claimed.Set(layout.PieceAt(at));
                    }
                }

                var leech = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        CheckInvariants = true,
                        FilePriority = file => file.Path.EndsWith("other") ? FilePriority.Skip : FilePriority.Normal,
                    }
                );
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.Equal(2 * Size, leech.Status.DoneBytes);
                Assert.InRange(leech.Status.Downloaded, Size, Size + 10 * PieceLayout.BlockSize);
            }
        );

    [Fact]
    public void A_piece_begun_with_a_peer_that_left_does_not_hold_up_its_twin() =>
        Simulation.Twice(
            33,
            world =>
            {
                var torrent = SimTorrent.Of(
                    new TorrentBuilder(TorrentFormat.V2, 256 * 1024)
                        .File("a", 256 * 1024, seed: 1)
                        .File("b", 256 * 1024, seed: 1)
                );
                var pieces = new SimNode[2];
                for (var i = 0; i < 2; i++)
                {
                    var name = i == 0 ? "a" : "b";
                    pieces[i] = world.Add(
                        new SimNodeOptions
                        {
                            Torrent = torrent,
                            IsSeed = true,
                            Up = 50_000,
                            FilePriority = file => file.Path.EndsWith(name) ? FilePriority.Normal : FilePriority.Skip,
                        }
                    );
                    pieces[i].Disk.Claimed.Clear(1 - i);
                }

                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                foreach (var node in world.Nodes)
                {
                    node.Start();
                }

                leech.Introduce(pieces[0]);
                Assert.True(world.RunUntil(() => leech.Status.Downloaded > 0, TimeSpan.FromMinutes(1)));
                pieces[0].Kill();
                leech.Introduce(pieces[1]);
                // Nobody has the first piece any more; as a copy of the second it comes all the same.
                Assert.True(world.RunUntil(() => leech.Swarm!.State.Content!.Have[1], TimeSpan.FromMinutes(5)));
                Assert.True(leech.HasContent || world.RunUntil(() => leech.HasContent, TimeSpan.FromMinutes(1)));
            }
        );
}
