using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>A v2 file with the same root in the same or another torrent is not fetched again.</summary>
public class SameContentTests
{
    private const int Size = 1_500_003;

    [Theory]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public async Task Of_equal_files_in_a_torrent_one_comes_from_peers(TorrentFormat format)
    {
        await using var fixture = new EngineFixture();
        var torrent = new TorrentBuilder(format, 32 * 1024)
            .File("a/one", Size, seed: 1)
            .File("b/other", 100_003, seed: 2)
            .File("c/same", Size, seed: 1)
            .Build();
        var seed = await fixture.Seed(torrent);
        var leech = await fixture.Start();
        var folder = fixture.Folder();

        var got = await leech.AddAsync(
            torrent.Metainfo,
            new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);

        EngineFixture.AssertSame(torrent, folder);
        Assert.Equal(torrent.Metainfo.Size, got.Status.DoneBytes);
        // The blocks of a piece whose twin was begun at the same moment may come twice.
        Assert.InRange(got.Status.Downloaded, Size + 100_003, Size + 100_003 + 20 * PieceLayout.BlockSize);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_of_another_torrent_is_copied_and_only_the_rest_fetched(bool isMagnet)
    {
        await using var fixture = new EngineFixture();
        var first = new TorrentBuilder(TorrentFormat.Hybrid, 64 * 1024, "first")
            .File("x/known", Size, seed: 1)
            .File("x/else", 50_000, seed: 2)
            .Build();
        // Another torrent, format and piece length.
        var second = new TorrentBuilder(TorrentFormat.V2, 32 * 1024, "second")
            .File("known already", Size, seed: 1)
            .File("new", 200_001, seed: 3)
            .Build();
        var seed = await fixture.Seed(second);
        var leech = await fixture.Start();
        var source = await leech.AddAsync(
            first.Metainfo,
            new TorrentOptions { SaveDirectory = fixture.Write(first) },
            fixture.Timeout.Token
        );
        await source.WhenComplete(fixture.Timeout.Token);
        var folder = fixture.Folder();
        var options = new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] };

        var got = isMagnet
            ? await leech.AddAsync(
                MagnetLink.TryParse($"magnet:?xt=urn:btmh:1220{second.Metainfo.InfoHashes.V2}", out var link, out _)
                    ? link
                    : throw new InvalidOperationException("not a magnet link"),
                options,
                fixture.Timeout.Token
            )
            : await leech.AddAsync(second.Metainfo, options, fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);

        EngineFixture.AssertSame(second, folder);
        Assert.Equal(200_001, got.Status.Downloaded);
        Assert.Equal(0, source.Status.Downloaded);
    }

    [Fact]
    public async Task Without_any_peer_a_known_file_completes()
    {
        await using var fixture = new EngineFixture();
        var torrents = new[] { "first", "second" }
            .Select(name => new TorrentBuilder(TorrentFormat.V2, 32 * 1024, name).File("file", Size, seed: 1).Build())
            .ToArray();
        var engine = await fixture.Start();
        var source = fixture.Write(torrents[0]);
        await (
            await engine.AddAsync(
                torrents[0].Metainfo,
                new TorrentOptions { SaveDirectory = source },
                fixture.Timeout.Token
            )
        ).WhenComplete(fixture.Timeout.Token);
        var folder = fixture.Folder();
        var got = await engine.AddAsync(
            torrents[1].Metainfo,
            new TorrentOptions { SaveDirectory = folder },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);

        EngineFixture.AssertSame(torrents[1], folder);
        Assert.Equal(0, got.Status.Downloaded);
    }
}
