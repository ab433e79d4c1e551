using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.SimTests;

/// <summary>v1, v2 and hybrid, with and without the torrent file, alone and mixed.</summary>
public sealed class FormatTests
{
    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void One_leech_fetches_from_one_seed(TorrentFormat format) =>
        Simulation.Twice(
            11,
            world =>
            {
                var torrent = SimTorrent.Files(format, 11, 1_500_000, 64 * 1024);
                var origin = world.Add(
                    new SimNodeOptions
                    {
                        Torrent = torrent,
                        IsSeed = true,
                        CheckInvariants = true,
                    }
                );
                var leech = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                Simulation.StartAll(world);
                Assert.True(world.RunUntil(() => leech.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(leech.HasContent);
                Assert.Equal(torrent.Metainfo.Size, leech.Status.DoneBytes);
                Assert.Equal(0, leech.Status.Wasted);
                Assert.True(origin.Status.Uploaded <= torrent.Metainfo.Layout.Extent);
            }
        );

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void A_magnet_link_is_enough(TorrentFormat format) =>
        Simulation.Twice(
            12,
            world =>
            {
                var torrent = SimTorrent.Files(format, 12, 1_500_000, 32 * 1024);
                world.Add(new SimNodeOptions { Torrent = torrent, IsSeed = true });
                var first = world.Add(new SimNodeOptions { Torrent = torrent, KnowsMetainfo = false });
                var second = world.Add(new SimNodeOptions { Torrent = torrent, KnowsMetainfo = false });
                Simulation.StartAll(world);
                Assert.Equal(TorrentState.FetchingMetadata, first.Status.State);
                Assert.True(world.RunUntil(() => first.Swarm!.State.Content is not null, TimeSpan.FromSeconds(2)));
                Assert.True(world.RunUntil(() => first.IsDone && second.IsDone, TimeSpan.FromMinutes(1)));
                Assert.True(first.HasContent && second.HasContent);
                Assert.True(first.Swarm!.State.Content!.Verifier.Hashes?.IsComplete != false);
                if (format == TorrentFormat.V2)
                {
                    // The next run has the hashes of pieces from the start.
                    Assert.Equal(PieceHashes.Of(torrent.Metainfo)!.ToLayers(), first.Disk.PieceLayers);
                }
            }
        );

    [Fact]
    public void Peers_of_either_name_and_of_both_are_one_swarm() =>
        Simulation.Twice(
            13,
            world =>
            {
                var torrent = SimTorrent.Files(TorrentFormat.Hybrid, 13, 1_000_000, 64 * 1024);
                var hashes = torrent.Metainfo.InfoHashes;
                var v1 = new SimNodeOptions
                {
                    Torrent = torrent,
                    KnowsMetainfo = false,
                    InfoHashes = hashes with { V2 = null },
                };
                var v2 = v1 with { InfoHashes = hashes with { V1 = null } };
                world.Add(v1 with { IsSeed = true, KnowsMetainfo = true, InfoHashes = hashes with { V2 = null } });
                var first = world.Add(v1);
                var both = world.Add(new SimNodeOptions { Torrent = torrent, CheckInvariants = true });
                var second = world.Add(v2);
                Simulation.StartAll(world);
                SimNode[] leeches = [first, both, second];
                Assert.True(world.RunUntil(() => leeches.All(node => node.IsDone), TimeSpan.FromMinutes(2)));
                Assert.All(leeches, node => Assert.True(node.HasContent));
            }
        );
}
