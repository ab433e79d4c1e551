using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>More torrents in one engine than it may have connections; and a disk with too little space.</summary>
public sealed class SharingEngineTests
{
    [Fact]
    public async Task More_torrents_than_connections_all_complete()
    {
        await using var fixture = new EngineFixture();
        BuiltTorrent[] torrents =
        [
            .. Enumerable
                .Range(1, 12)
                .Select(i => new TorrentBuilder(TorrentFormat.V1, 32768).Single(300_000, i).Build()),
        ];
        var seed = await fixture.Start();
        var leech = await fixture.Start(options => options with { MaxPeers = 3, MaxPeersPerTorrent = 3 });
        var got = new List<Torrent>();
        foreach (var torrent in torrents)
        {
            var options = new TorrentOptions { SaveDirectory = fixture.Write(torrent) };
            await seed.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
        }

        var folders = torrents.Select(_ => fixture.Folder()).ToArray();
        for (var i = 0; i < torrents.Length; i++)
        {
            var options = new TorrentOptions { SaveDirectory = folders[i], Peers = [EngineFixture.AddressOf(seed)] };
            got.Add(await leech.AddAsync(torrents[i].Metainfo, options, fixture.Timeout.Token));
        }

        await Task.WhenAll(got.Select(torrent => torrent.WhenComplete(fixture.Timeout.Token)));
        for (var i = 0; i < torrents.Length; i++)
        {
            EngineFixture.AssertSame(torrents[i], folders[i]);
        }
    }

    [Fact]
    public async Task Space_that_is_not_there_is_told_before_anything_is_fetched()
    {
        await using var fixture = new EngineFixture();
        var torrent = new TorrentBuilder(TorrentFormat.V1, 32768).File("a", 1_000_000).File("b", 7_000_000).Build();
        var engine = await fixture.Start();
        var disk = fixture.Folder();
        await Lab.RunAsync("mount", ["-t", "tmpfs", "-o", "size=4m", "shoal-small-disk", disk]);
        try
        {
            var options = new TorrentOptions { SaveDirectory = disk, Preallocate = true };
            var failure = await Assert.ThrowsAnyAsync<IOException>(() =>
                engine.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token)
            );
            Assert.Contains("the disk is full", failure.Message);
            Assert.Empty(Directory.GetFiles(disk, "*", SearchOption.AllDirectories));

            await Lab.RunAsync("mount", ["-o", "remount,size=20m", disk]);
            await engine.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
            // All of it is taken, though nothing has come.
            Assert.InRange(new DriveInfo(disk).AvailableFreeSpace, 0, 13_000_000);
        }
        finally
        {
            await engine.DisposeAsync();
            await Lab.RunAsync("umount", ["-l", disk]);
        }
    }
}
