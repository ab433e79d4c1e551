using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Filters of addresses and ports between engines on loopback.</summary>
public sealed class FilterTests
{
    private static BuiltTorrent Torrent() =>
        new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024).File("a", 3_000_000, 91).Build();

    [Fact]
    public async Task Who_comes_into_the_filter_is_disconnected_and_stays_out_until_the_filter_is_another()
    {
        await using var fixture = new EngineFixture();
        var list = Path.Combine(fixture.Folder(), "list");
        await File.WriteAllTextAsync(list, "192.0.2.0/24\n");
        var torrent = Torrent();
        var seed = await fixture.Seed(torrent, options => options with { IpFilterFiles = [list], UseDht = false });
        var leech = await fixture.Start(options => options with { DownloadLimit = 400_000, UseDht = false });
        var got = await leech.AddAsync(
            torrent.Metainfo,
            new TorrentOptions { SaveDirectory = fixture.Folder(), Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        await Until(() => got.Status.Downloaded > 200_000);
        await File.WriteAllTextAsync(list, "everybody:127.0.0.0-127.255.255.255\n");
        await seed.ReloadIpFilterAsync(fixture.Timeout.Token);
        Assert.Equal(1, seed.FilteredRanges);
        await Until(() => got.Status.Peers.Count == 0);
        var before = got.Status.Downloaded;
        leech.SetLimits(0, 0);
        // Another peer who calls does not get in either.
        var other = await fixture.Start(options => options with { UseDht = false });
        var nothing = await other.AddAsync(
            torrent.Metainfo,
            new TorrentOptions { SaveDirectory = fixture.Folder(), Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        // A broken file changes nothing.
        await File.WriteAllTextAsync(list, "nonsense\n");
        await Assert.ThrowsAsync<IpFilterException>(() => seed.ReloadIpFilterAsync(fixture.Timeout.Token));
        await Task.Delay(TimeSpan.FromSeconds(1), fixture.Timeout.Token);
        Assert.Equal(before, got.Status.Downloaded);
        Assert.Equal(0, nothing.Status.Downloaded);
        await File.WriteAllTextAsync(list, "# nobody\n");
        await seed.ReloadIpFilterAsync(fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
    }

    [Fact]
    public async Task Filtered_addresses_are_not_called_and_filtered_ports_only_if_the_user_names_them()
    {
        await using var fixture = new EngineFixture();
        var list = Path.Combine(fixture.Folder(), "list");
        await File.WriteAllTextAsync(list, "127.0.0.1\n");
        var torrent = Torrent();
        var seed = await fixture.Seed(torrent, options => options with { UseDht = false });
        Assert.True(PortRanges.TryParse($"{seed.Port}", out var ports));
        var magnet = $"magnet:?xt=urn:btih:{torrent.Metainfo.InfoHashes.V1}&x.pe=127.0.0.1:{seed.Port}";
        Assert.True(MagnetLink.TryParse(magnet, out var link, out _));
        // The link's author named the peer.
        var careful = await fixture.Start(options => options with { BlockedPorts = ports, UseDht = false });
        var refused = await careful.AddAsync(link, new TorrentOptions { SaveDirectory = fixture.Folder() }, default);
        var filtered = await fixture.Start(options => options with { IpFilterFiles = [list], UseDht = false });
        var peers = new TorrentOptions { SaveDirectory = fixture.Folder(), Peers = [EngineFixture.AddressOf(seed)] };
        var none = await filtered.AddAsync(torrent.Metainfo, peers, fixture.Timeout.Token);
        // The user named the peer.
        var trusting = await fixture.Start(options => options with { BlockedPorts = ports, UseDht = false });
        peers = peers with { SaveDirectory = fixture.Folder() };
        var got = await trusting.AddAsync(torrent.Metainfo, peers, fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
        Assert.Equal(0, refused.Status.Downloaded);
        Assert.Null(refused.Metainfo);
        Assert.Equal(0, none.Status.Downloaded);
    }

    [Fact]
    public async Task An_engine_does_not_start_with_a_filter_that_is_wrong()
    {
        await using var fixture = new EngineFixture();
        var list = Path.Combine(fixture.Folder(), "list");
        await File.WriteAllTextAsync(list, "1.2.3.4\n1.2.3.4-1.2.3.3\n");
        var failure = await Assert.ThrowsAsync<EngineStartException>(() =>
            fixture.Start(options => options with { IpFilterFiles = [list] })
        );
        Assert.Equal($"the IP filter '{list}' is wrong in line 2: the range ends before it begins", failure.Message);
    }

    private static async Task Until(Func<bool> isTrue)
    {
        for (var waited = TimeSpan.Zero; !isTrue(); waited += TimeSpan.FromMilliseconds(20))
        {
            Assert.True(waited < EngineFixture.Patience, "it never becomes true");
            await Task.Delay(20);
        }
    }
}
