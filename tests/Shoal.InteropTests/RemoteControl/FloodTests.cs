using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Flood in front of our daemon, by both protocols that it knows and we speak.</summary>
public sealed class FloodTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData("qbittorrent")]
    [InlineData("transmission")]
    public async Task Flood_drives_the_daemon(string protocol)
    {
        var sample = await library.DataAsync("v1");
        await using var run = await QBittorrentCaller.StartAsync(login: false);
        DataSet.Copy(sample.Content, Path.Combine(run.Downloads, sample.Name));
        var rundir = Directory.CreateDirectory(Path.Combine(run.Folder, "flood")).FullName;
        var url = run.Daemon.Url.TrimEnd('/');
        await using var flood = await FloodProcess.StartAsync(
            rundir,
            protocol == "qbittorrent"
                ? ["--qburl", url, "--qbuser", "any", "--qbpass", run.Token]
                : ["--trurl", url + "/transmission/rpc", "--truser", "any", "--trpass", run.Token]
        );
        string[] hashes = [sample.InfoHash.ToUpperInvariant()];
        async Task<TorrentItem> Item() => (await run.Daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent;

        // Added, stopped, started, complete.
        await flood.SendAsync(
            HttpMethod.Post,
            "torrents/add-files",
            new
            {
                files = new[] { Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)) },
                destination = run.Downloads,
                tags = new[] { "one" },
                start = false,
            }
        );
        await flood.UntilAsync(sample.InfoHash, torrent => Has(torrent, "stopped"), "does not show it stopped");
        Assert.True((await Item()).Paused);
        Assert.Equal(["one"], (await Item()).Labels);
        await flood.SendAsync(HttpMethod.Post, "torrents/start", new { hashes });
        await flood.UntilAsync(
            sample.InfoHash,
            torrent => Has(torrent, "seeding") && torrent.GetProperty("percentComplete").GetDouble() >= 100,
            "does not show it seeding"
        );
        var shown = await flood.TorrentAsync(sample.InfoHash);
        Assert.Equal(sample.Name, shown.GetProperty("name").GetString());
        Assert.Equal(sample.Size, shown.GetProperty("sizeBytes").GetInt64());
        Assert.Equal(run.Downloads, shown.GetProperty("directory").GetString());

        // Files, trackers, peers, as it shows them.
        var details = await flood.GetAsync($"torrents/{hashes[0]}/details");
        var files = details.GetProperty("contents").EnumerateArray().ToList();
        Assert.Equal(
            (await run.Daemon.Client.FilesAsync(sample.InfoHash, None)).Files.Select(file => file.Path),
            files.Select(file => file.GetProperty("path").GetString())
        );
        // Of an empty file it computes nothing by Transmission's protocol.
        Assert.All(
            files.Where(file => file.GetProperty("sizeBytes").GetInt64() > 0),
            file => Assert.Equal(100, file.GetProperty("percentComplete").GetDouble())
        );
        Assert.Contains(
            details.GetProperty("trackers").EnumerateArray(),
            tracker => tracker.GetProperty("url").GetString() == Lab.TrackerUrl
        );

        // Priorities of files, tags, trackers, order, checking.
        await flood.SendAsync(
            HttpMethod.Patch,
            $"torrents/{hashes[0]}/contents",
            new { indices = new[] { 1, 2 }, priority = 0 }
        );
        await flood.SendAsync(
            HttpMethod.Patch,
            $"torrents/{hashes[0]}/contents",
            new { indices = new[] { 3 }, priority = 2 }
        );
        Assert.Equal(
            [FileWish.Normal, FileWish.Skip, FileWish.Skip, FileWish.High],
            (await run.Daemon.Client.FilesAsync(sample.InfoHash, None)).Files.Take(4).Select(file => file.Priority)
        );
        await flood.SendAsync(
            HttpMethod.Patch,
            $"torrents/{hashes[0]}/contents",
            new { indices = new[] { 1, 2, 3 }, priority = 1 }
        );
        await flood.SendAsync(HttpMethod.Patch, "torrents/tags", new { hashes, tags = new[] { "two", "three" } });
        await run.Daemon.WaitAsync(sample.InfoHash, item => item.Labels.Order().SequenceEqual(["three", "two"]));
        const string tracker = "http://127.0.0.1:9/announce";
        await flood.SendAsync(HttpMethod.Patch, "torrents/trackers", new { hashes, trackers = new[] { tracker } });
        Assert.Contains(
            (await run.Daemon.Client.TrackersAsync(sample.InfoHash, None)).Trackers,
            known => known.Url == tracker
        );
        await flood.SendAsync(HttpMethod.Post, "torrents/reannounce", new { hashes });
        await flood.SendAsync(HttpMethod.Post, "torrents/check-hash", new { hashes });
        await run.Daemon.WaitCompleteAsync(sample.InfoHash);
        if (protocol == "qbittorrent")
        {
            // By the other protocol Flood does not offer it.
            await flood.SendAsync(HttpMethod.Patch, "torrents/sequential", new { hashes, isSequential = true });
            Assert.True((await Item()).Sequential);
            await flood.SendAsync(
                HttpMethod.Patch,
                "torrents/initial-seeding",
                new { hashes, isInitialSeeding = true }
            );
            Assert.True((await Item()).SuperSeeding);
        }

        // The client's settings.
        Assert.Equal(
            run.Downloads,
            (await flood.GetAsync("client/settings")).GetProperty("directoryDefault").GetString()
        );
        await flood.SendAsync(HttpMethod.Patch, "client/settings", new { throttleGlobalUpSpeed = 100_000 });
        // By Transmission's protocol it divides by 1,024 and cuts, although it is told that a kilobyte has 1,000.
        Assert.Equal(
            protocol == "qbittorrent" ? 100_000 : 97_000,
            (await run.Daemon.Client.StatusAsync(None)).UploadLimit
        );

        // Moved, stopped, removed with its files.
        var moved = Path.Combine(run.Downloads, "moved");
        await flood.SendAsync(
            HttpMethod.Post,
            "torrents/move",
            new
            {
                hashes,
                destination = moved,
                moveFiles = true,
                isBasePath = false,
                isCheckHash = false,
            }
        );
        await run.Daemon.WaitAsync(sample.InfoHash, item => item is { MovingTo: null } && item.SaveDirectory == moved);
        DataSet.AssertSame(sample.Content, Path.Combine(moved, sample.Name));
        await flood.SendAsync(HttpMethod.Post, "torrents/stop", new { hashes });
        Assert.True((await Item()).Paused);
        await flood.SendAsync(HttpMethod.Post, "torrents/delete", new { hashes, deleteData = true });
        await flood.UntilAsync(
            sample.InfoHash,
            torrent =>
                torrent.ValueKind == JsonValueKind.Undefined && !Directory.Exists(Path.Combine(moved, sample.Name)),
            "still has it"
        );

        // A link, whose torrent nobody has.
        await flood.SendAsync(
            HttpMethod.Post,
            "torrents/add-urls",
            new
            {
                urls = new[] { sample.Magnet },
                destination = run.Downloads,
                start = true,
            }
        );
        await flood.UntilAsync(
            sample.InfoHash,
            torrent => torrent.ValueKind != JsonValueKind.Undefined,
            "does not show the link"
        );
        Assert.Equal(TorrentPhase.Metadata, (await Item()).State);
    }

    private static bool Has(JsonElement torrent, string status) =>
        torrent.ValueKind == JsonValueKind.Object
        && torrent.GetProperty("status").EnumerateArray().Any(word => word.GetString() == status);
}
