using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>What is fetched, in which order, and what the origin pays.</summary>
public sealed class OrderTests
{
    [Fact]
    public void Sequential_order_brings_pieces_in_order() =>
        Simulation.Twice(
            31,
            world =>
            {
                var torrent = SimTorrent.V1(31, 2_000_000, 32 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 500_000,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, Sequential = true });
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.Equal(leech.CompletedPieces.Order(), leech.CompletedPieces);
            }
        );

    [Fact]
    public void Important_files_come_first_and_skipped_ones_not_at_all() =>
        Simulation.Twice(
            32,
            world =>
            {
                var torrent = SimTorrent.Files(TorrentFormat.Hybrid, 32, 1_000_000, 32 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 300_000,
                    }
                );
                var leech = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        CheckInvariants = true,
                        FilePriority = file =>
                            file.Path.EndsWith("middle", StringComparison.Ordinal) ? FilePriority.High
                            : file.Path.EndsWith("large", StringComparison.Ordinal) ? FilePriority.Skip
                            : FilePriority.Low,
                    }
                );
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                var files = torrent.Metainfo.Files;
                var layout = torrent.Metainfo.Layout;
                var middle = files.First(file => file.Path.EndsWith("middle", StringComparison.Ordinal));
                var small = files.First(file => file.Path.EndsWith("small", StringComparison.Ordinal));
                Assert.Equal(middle.Size + small.Size, leech.Status.DoneBytes);
                Assert.Equal(layout.PieceAt(small.Offset).Value, leech.CompletedPieces[^1]);
                leech.Command(new SwarmCommand.SetFilePriorities([.. files.Select(_ => FilePriority.Normal)]));
                Assert.False(leech.IsDone);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                Assert.Equal(2, leech.Completions);
            }
        );

    [Fact]
    public void A_piece_with_a_deadline_comes_at_once() =>
        Simulation.Twice(
            33,
            world =>
            {
                var torrent = SimTorrent.V1(33, 8_000_000, 64 * 1024);
                world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        Up = 500_000,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent });
                Simulation.StartAll(world);
                world.RunFor(TimeSpan.FromSeconds(4));
                var piece = torrent.Metainfo.Layout.Piece(
                    Enumerable.Range(0, 120).Last(i => !leech.Swarm!.State.Content!.Have[i])
                );
                leech.Command(new SwarmCommand.SetDeadline(piece, world.Now + TimeSpan.FromSeconds(1)));
                var asked = world.Now;
                Assert.True(world.RunUntil(() => leech.CompletedPieces.Contains(piece.Value), TimeSpan.FromMinutes(1)));
                Assert.True(world.Now - asked < TimeSpan.FromSeconds(3), $"took {world.Now - asked}");
            }
        );

    [Theory]
    [InlineData(4)]
    [InlineData(16)]
    public void The_origin_uploads_little_more_than_one_copy(int count) =>
        Simulation.Twice(
            34,
            world =>
            {
                var (copies, time) = Share(world, count, superSeeding: false);
                Assert.True(copies < 1.6, $"{copies:f2} copies");
                Assert.True(time < 1.9, $"{time:f2} times the bound");
            }
        );

    [Fact]
    public void A_super_seed_uploads_hardly_more_than_one_copy() =>
        Simulation.Twice(
            35,
            world =>
            {
                var (copies, time) = Share(world, 8, superSeeding: true);
                Assert.True(copies < 1.1, $"{copies:f2} copies");
                Assert.True(time < 1.9, $"{time:f2} times the bound");
            }
        );

    private static (double Copies, double Time) Share(SimWorld world, int count, bool superSeeding)
    {
        const long Rate = 2_500_000;
        var torrent = SimTorrent.V1(world.Seed, 32 * 1024 * 1024, 256 * 1024);
        var peer = new SimNodeOptions
        {
            Torrent = torrent,
            Up = Rate,
            Down = Rate,
        };
        var origin = world.Add(peer with { IsSeed = true, SuperSeeding = superSeeding });
        var leeches = Enumerable.Range(0, count).Select(_ => world.Add(peer)).ToArray();
        Simulation.StartAll(world);
        Assert.True(world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromMinutes(5)));
        Assert.All(leeches, node => Assert.True(node.HasContent));
        var size = (double)torrent.Metainfo.Size;
        var copies = origin.Status.Uploaded / size;
        var time = leeches.Max(node => node.CompletedAt!.Value).TotalSeconds / (size / Rate);
        var wasted = leeches.Sum(node => node.Status.Wasted) / size / count;
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{count} leeches: {copies:f2} copies, {time:f2} times the bound, {wasted:p2} wasted"
        );
        return (copies, time);
    }
}
