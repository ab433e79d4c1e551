using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;
using Shoal.Tracker;

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
    [InlineData(TorrentFormat.V2)]
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

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public async Task A_magnet_link_is_enough(TorrentFormat format)
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(format);
        var seed = await fixture.Seed(torrent);
        var leech = await fixture.Start();
        var folder = fixture.Folder();
        Assert.True(MagnetLink.TryParse(MagnetOf(torrent.Metainfo.InfoHashes), out var magnet, out _));

        var got = await leech.AddAsync(
            magnet,
            new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        var metainfo = await got.WhenMetadata(fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);

        Assert.Equal(torrent.Metainfo.InfoHashes, metainfo.InfoHashes);
        EngineFixture.AssertSame(torrent, folder);
    }

    [Fact]
    public async Task A_restarted_seed_hashes_nothing_again()
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.Hybrid);
        var folder = fixture.Write(torrent);
        var state = fixture.Folder();
        var options = new TorrentOptions { SaveDirectory = folder };
        var first = await fixture.Start(o => o with { StateDirectory = state });
        var added = await first.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
        await added.WhenComplete(fixture.Timeout.Token);
        await first.DisposeAsync();

        // Wrong bytes behind an unchanged size and time: whoever hashes would notice.
        var file = Path.Combine(folder, torrent.Metainfo.Files.Single(f => f.Path.EndsWith("odd")).Path);
        var time = File.GetLastWriteTimeUtc(file);
        File.WriteAllBytes(file, new byte[new FileInfo(file).Length]);
        File.SetLastWriteTimeUtc(file, time);

        var second = await fixture.Start(o => o with { StateDirectory = state });
        var again = await second.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
        await again.WhenComplete(fixture.Timeout.Token);
        Assert.Equal(torrent.Metainfo.Size, again.Status.DoneBytes);

        // And with another time it is noticed.
        await second.DisposeAsync();
        File.SetLastWriteTimeUtc(file, time.AddHours(-1));
        var third = await fixture.Start(o => o with { StateDirectory = state });
        var checkedAgain = await third.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
        while (checkedAgain.Status.State == TorrentState.Checking)
        {
            await Task.Delay(20, fixture.Timeout.Token);
        }

        Assert.Equal(torrent.Metainfo.Size - new FileInfo(file).Length, checkedAgain.Status.DoneBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Peers_that_were_named_are_tried_by_the_next_run_though_nobody_was_reached(bool byName)
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.V2);
        var seed = await fixture.Seed(torrent);
        var (state, folder) = (fixture.Folder(), fixture.Folder());
        var port = seed.Port;
        await seed.DisposeAsync();
        var first = await fixture.Start(o => o with { StateDirectory = state });
        var options = new TorrentOptions { SaveDirectory = folder };
        var added = await first.AddAsync(
            torrent.Metainfo,
            byName ? options with { NamedPeers = [new DnsEndPoint("127.0.0.1", port)] } : options,
            fixture.Timeout.Token
        );
        if (!byName)
        {
            added.AddPeers([new IPEndPoint(IPAddress.Loopback, port)]);
        }
        else
        {
            // The look-up of a name takes a moment.
            await Task.Delay(500, fixture.Timeout.Token);
        }

        await first.DisposeAsync();
        await fixture.Seed(torrent, o => o with { Port = port });
        var second = await fixture.Start(o => o with { StateDirectory = state });
        var again = await second.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
        await again.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(torrent, folder);
    }

    [Fact]
    public async Task A_restarted_magnet_link_needs_no_peer_to_know_its_metadata()
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.Hybrid);
        var seed = await fixture.Seed(torrent);
        var state = fixture.Folder();
        var folder = fixture.Folder();
        Assert.True(MagnetLink.TryParse(MagnetOf(torrent.Metainfo.InfoHashes), out var magnet, out _));
        var first = await fixture.Start(o => o with { StateDirectory = state });
        var got = await first.AddAsync(
            magnet,
            new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);
        await first.DisposeAsync();
        await seed.DisposeAsync();

        var second = await fixture.Start(o => o with { StateDirectory = state });
        var again = await second.AddAsync(magnet, new TorrentOptions { SaveDirectory = folder }, fixture.Timeout.Token);
        await again.WhenComplete(fixture.Timeout.Token);

        Assert.Equal(torrent.Metainfo.Size, again.Status.DoneBytes);
        Assert.Equal(0, again.Status.Downloaded);
        Assert.True(again.Status.AllTimeDownloaded >= torrent.Metainfo.Size);
    }

    [Fact]
    public async Task Metadata_that_a_peer_sends_while_what_was_kept_is_opened_opens_the_files_no_second_time()
    {
        await using var fixture = new EngineFixture();
        var torrent = Build(TorrentFormat.V2);
        var seed = await fixture.Seed(torrent);
        Assert.True(MagnetLink.TryParse(MagnetOf(torrent.Metainfo.InfoHashes), out var magnet, out _));
        var engine = await fixture.Start();
        var options = new TorrentOptions { SaveDirectory = fixture.Folder(), Peers = [EngineFixture.AddressOf(seed)] };
        var got = await engine.AddAsync(magnet, options, fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);

        // As from the swarm, which cannot know that the metadata lies on the disk.
        ((ISwarmOwner)got.Runner).MetadataFetched(torrent.Metainfo.InfoBytes.ToArray());
        await engine.DisposeAsync();

        var known = 0;
        await foreach (var happened in engine.Events.ReadAllAsync(fixture.Timeout.Token))
        {
            known += happened is EngineEvent.MetadataKnown ? 1 : 0;
        }

        Assert.Equal(1, known);
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
    public async Task Who_has_all_it_wants_but_not_everything_is_no_seed_to_trackers()
    {
        await using var fixture = new EngineFixture();
        await using var tracker = await TrackerServer.StartAsync(
            new TrackerOptions { HttpEndPoints = [new IPEndPoint(IPAddress.Loopback, 0)] }
        );
        var url = $"http://127.0.0.1:{tracker.HttpEndPoints[0].Port}/announce";
        var torrent = Build(TorrentFormat.V1);
        var folder = fixture.Write(torrent);
        var engine = await fixture.Start(o => o with { UseTrackers = true });
        var added = await engine.AddAsync(
            torrent.Metainfo,
            new TorrentOptions
            {
                SaveDirectory = folder,
                ExtraTrackers =
                [
                    [url],
                ],
                FilePriority = file => file.Path.EndsWith("odd") ? FilePriority.Normal : FilePriority.Skip,
            },
            fixture.Timeout.Token
        );
        await added.WhenComplete(fixture.Timeout.Token);

        while (tracker.Counters.Peers == 0)
        {
            await Task.Delay(20, fixture.Timeout.Token);
        }

        using var http = new HttpClient();
        var name = string.Concat(torrent.Metainfo.InfoHashes.Primary.ToArray().Select(b => $"%{b:x2}"));
        var scrape = await http.GetStringAsync(
            $"{url.Replace("/announce", "/scrape")}?info_hash={name}",
            fixture.Timeout.Token
        );
        Assert.Contains("8:completei0e", scrape);
        Assert.Contains("10:incompletei1e", scrape);
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

    private static string MagnetOf(InfoHashes hashes)
    {
        var v1 = hashes.V1 is { } btih ? $"xt=urn:btih:{btih}" : null;
        var v2 = hashes.V2 is { } btmh ? $"xt=urn:btmh:1220{btmh}" : null;
        return "magnet:?" + string.Join('&', new[] { v1, v2 }.Where(xt => xt is not null));
    }
}
