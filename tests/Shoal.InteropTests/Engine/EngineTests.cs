using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Two of our engines, in this process, over real sockets and files.</summary>
public class EngineTests
{
    private static BuiltTorrent Build(TorrentFormat format) =>
        new TorrentBuilder(format, 32 * 1024)
            .File("empty", 0)
            .File("one byte", 1)
            .File("folder/odd", 100_003, seed: 2)
            .File("folder/deeper/ünï/large", 1_500_000, seed: 3)
            .Build();

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.Hybrid)]
    public async Task A_leech_gets_what_a_seed_has(TorrentFormat format)
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(format);
        var seed = await fixture.Seed(torrent);
        var leech = await fixture.Start();
        var folder = fixture.Folder();

        var got = await leech.AddAsync(
            torrent.Metainfo,
            new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);

        Assert.Equal(TorrentState.Seeding, got.Status.State);
        Assert.Equal(torrent.Metainfo.Size, got.Status.DoneBytes);
        EngineFixture.AssertSame(torrent, folder);
    }

    [Fact]
    public async Task Files_that_are_not_wanted_do_not_come()
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.V1);
        var seed = await fixture.Seed(torrent);
        var leech = await fixture.Start();
        var folder = fixture.Folder();

        var got = await leech.AddAsync(
            torrent.Metainfo,
            new TorrentOptions
            {
                SaveDirectory = folder,
                Peers = [EngineFixture.AddressOf(seed)],
                FilePriority = file => file.Path.EndsWith("odd") ? FilePriority.Normal : FilePriority.Skip,
            },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);

        var odd = torrent.Metainfo.Files.Single(file => file.Path.EndsWith("odd"));
        Assert.True(File.ReadAllBytes(Path.Combine(folder, odd.Path)).AsSpan().SequenceEqual(torrent.Content(odd)));
        Assert.DoesNotContain(Directory.GetFiles(folder, "*", SearchOption.AllDirectories), f => f.EndsWith("large"));
    }

    [Fact]
    public async Task The_same_torrent_twice_is_refused()
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.Hybrid);
        var engine = await fixture.Start();
        var options = new TorrentOptions { SaveDirectory = fixture.Folder() };
        await engine.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);

        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            engine.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token)
        );
        Assert.Single(engine.Torrents);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_error()
    {
        await using var fixture = new EngineFixture();
        var first = await fixture.Start();

        var error = await Assert.ThrowsAsync<EngineStartException>(() =>
            fixture.Start(o => o with { Port = first.Port })
        );

        Assert.Contains($"port {first.Port}", error.Message);
    }
}
