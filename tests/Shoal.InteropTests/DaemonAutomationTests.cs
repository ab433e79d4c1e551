using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>What the daemon does by itself, with a real peer.</summary>
public sealed class DaemonAutomationTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_complete_leaves_the_incomplete_folder_whenever_the_daemon_is_killed(bool isOtherDevice)
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync("inc");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        // Memory is a file system of its own.
        using var memory = new StateFolder("/dev/shm");
        var films = far.SubFolder("films");
        var incomplete = isOtherDevice ? Path.Combine(memory.Path, "incomplete") : far.SubFolder("incomplete");
        string[] options = ["--transport", "tcp", "--set", "folders.incomplete=" + incomplete];
        string id;
        await using (var first = await DaemonProcess.StartAsync(far, options))
        {
            await first.Client.SetCategoryAsync(new CategoryItem { Name = "films", SaveDirectory = films }, None);
            var added = await first.Client.AddAsync(
                new AddTorrent
                {
                    Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
                    Category = "films",
                    Peers = [near.EndPoint],
                },
                None
            );
            id = added.Id;
            Assert.Equal((films, incomplete), (added.SaveDirectory, added.IncompleteDirectory));
            await first.WaitAsync(id, item => item.Done > 1_000_000);
            Assert.True(Directory.Exists(Path.Combine(incomplete, sample.Name)));
            Assert.False(Directory.Exists(Path.Combine(films, sample.Name)));
            await first.WaitAsync(id, item => item is { Progress: 1, State: TorrentPhase.Seeding });
            // Within the second in which the move begins, or in the middle of it, or after it.
            await first.Process.KillAsync();
        }

        await using var last = await DaemonProcess.StartAsync(far, options);
        var item = await last.WaitAsync(
            id,
            item => item is { IncompleteDirectory: null, MovingTo: null, State: TorrentPhase.Seeding, Progress: 1 }
        );
        Assert.Equal((films, "films"), (item.SaveDirectory, item.Category));
        DataSet.AssertSame(sample.Content, Path.Combine(films, sample.Name));
        Assert.False(Directory.Exists(Path.Combine(incomplete, sample.Name)));
        await last.StopAsync();
        await seed.StopAsync();
    }

    [Fact]
    public async Task Watch_folders_take_whole_files_and_programs_get_names_as_arguments()
    {
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        var (watched, got) = (Path.Combine(folder.Path, "in"), Path.Combine(folder.Path, "got"));
        var films = Directory.CreateDirectory(Path.Combine(watched, "films")).FullName;
        var told = Path.Combine(folder.Path, "told");
        var program = Path.Combine(folder.Path, "tell");
        await File.WriteAllTextAsync(
            program,
            $"#!/bin/sh\nprintf '%s|' \"$#\" \"$@\" \"$SHOAL_NAME\" \"$NOTIFY_SOCKET\" >>'{told}'\n"
        );
        var slow = Path.Combine(folder.Path, "slow");
        await File.WriteAllTextAsync(slow, "#!/bin/sh\nsleep 600 &\nsleep 600\n");
        foreach (var script in new[] { program, slow })
        {
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await using var daemon = await DaemonProcess.StartAsync(
            folder.State,
            "--set",
            $"watch.folders={watched}",
            "--set",
            "watch.interval=1",
            "--set",
            $"folders.download={got}",
            "--set",
            $"events.added={program},--,{{name}},$(id) {{category}}",
            "--set",
            $"events.failed={slow}",
            "--set",
            "events.time-limit=1"
        );
        const string hash = "0123456789abcdef0123456789abcdef01234567";
        const string hostile = "a b; $(touch /tmp/x) `id`";
        await File.WriteAllTextAsync(
            Path.Combine(watched, "link.magnet"),
            $"magnet:?xt=urn:btih:{hash}&dn={Uri.EscapeDataString(hostile)}\n"
        );
        // Written in two halves, with a rest between in which it looks finished.
        var bytes = await File.ReadAllBytesAsync(sample.File);
        var file = Path.Combine(films, "x.torrent");
        await File.WriteAllBytesAsync(file, bytes[..(bytes.Length / 2)]);
        await File.WriteAllTextAsync(Path.Combine(watched, "broken.torrent"), "this is none");
        await EventuallyAsync(() => File.Exists(Path.Combine(watched, "link.magnet.added")));
        Assert.True(File.Exists(file));
        await File.WriteAllBytesAsync(file, bytes);
        await EventuallyAsync(() => File.Exists(file + ".added"));
        var item = (await daemon.Client.TorrentAsync(sample.InfoHash, None)).Torrent;
        Assert.Equal(("films", got), (item.Category, item.SaveDirectory));
        await File.WriteAllBytesAsync(Path.Combine(watched, "again.torrent"), bytes);
        await EventuallyAsync(() => File.Exists(Path.Combine(watched, "again.torrent.duplicate")));
        await EventuallyAsync(() => File.Exists(Path.Combine(watched, "broken.torrent.failed")));
        Assert.Equal(2, (await daemon.Client.TorrentsAsync(null, None)).Total);

        await EventuallyAsync(() => File.ReadAllText(told).Split(sample.Name).Length == 3);
        var text = await File.ReadAllTextAsync(told);
        Assert.Contains($"3|--|{hostile}|$(id) |{hostile}||", text, StringComparison.Ordinal);
        Assert.Contains($"3|--|{sample.Name}|$(id) films|{sample.Name}||", text, StringComparison.Ordinal);
        Assert.False(File.Exists("/tmp/x"));
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Feeds_are_read_by_rules_and_lists_of_addresses_fetched()
    {
        var sample = await library.DataAsync("hybrid");
        await using var lab = await Lab.CreateAsync("feed");
        var (near, far) = (await lab.AddHostAsync("web"), await lab.AddHostAsync("daemon"));
        var root = near.SubFolder("www");
        File.Copy(sample.File, Path.Combine(root, "a.torrent"));
        await File.WriteAllTextAsync(Path.Combine(root, "list.p2p"), "somebody:203.0.113.0-203.0.113.255\n");
        var web = await WebHost.StartAsync(near, root);
        const string other = "<item><title>Other S01E02</title><link>b.torrent</link></item>";
        string Feed(string items) => $"<rss version='2.0'><channel><title>x</title>{items}</channel></rss>";
        var mine =
            $"<item><title>Film S01E01 one</title><enclosure url='{web.Url}a.torrent' type='application/x-bittorrent'/></item>";
        var again = "<item><title>Film S01E01 two</title><link>c.torrent</link></item>";
        await File.WriteAllTextAsync(Path.Combine(root, "feed.xml"), Feed(other + mine + again));
        await using var daemon = await DaemonProcess.StartAsync(
            far,
            "--set",
            $"folders.download={far.SubFolder("got")}",
            "--set",
            $"network.ip-filter-urls={web.Url}list.p2p"
        );
        var feed = new FeedItem { Url = web.Url + "feed.xml" };
        await daemon.Client.SetFeedAsync(feed, None);
        await daemon.Client.SetFeedRuleAsync(
            new FeedRule
            {
                Name = "films",
                MustContain = "film",
                OnceAnEpisode = true,
                Labels = ["from feed"],
            },
            None
        );
        await EventuallyAsync(async () => (await daemon.Client.TorrentsAsync(null, None)).Total == 1);
        var item = Assert.Single((await daemon.Client.TorrentsAsync(null, None)).Items);
        Assert.Equal((sample.InfoHash, "from feed"), (item.Id, Assert.Single(item.Labels)));

        // Not changed: asked, and not sent again. Taken: not again, though the torrent is gone.
        await daemon.Client.RemoveAsync(item.Id, data: true, None);
        await daemon.Client.CheckFeedsAsync(None);
        await EventuallyAsync(() => web.Requests.Any(request => request is { Status: 304, Target: "/feed.xml" }));
        await File.WriteAllTextAsync(Path.Combine(root, "feed.xml"), "<!DOCTYPE x []>" + Feed(mine));
        await daemon.Client.CheckFeedsAsync(None);
        await EventuallyAsync(async () =>
            (await daemon.Client.FeedsAsync(None)).Feeds[0].Error?.Contains("DTD", StringComparison.Ordinal) == true
        );
        Assert.Equal(0, (await daemon.Client.TorrentsAsync(null, None)).Total);
        Assert.Equal(
            [false, true, false],
            (await daemon.Client.FeedEntriesAsync(feed.Url, None)).Entries.Select(entry => entry.Seen)
        );
        Assert.DoesNotContain(web.Requests, request => request.Target is "/b.torrent" or "/c.torrent");
        var list = Assert.Single(Directory.GetFiles(Path.Combine(daemon.State, "daemon", "ip-filters"), "*.list"));
        await EventuallyAsync(() => new FileInfo(list).Length > 0);
        await daemon.StopAsync();
    }

    private static Task EventuallyAsync(Func<bool> isSo) => EventuallyAsync(() => Task.FromResult(isSo()));

    private static async Task EventuallyAsync(Func<Task<bool>> isSo)
    {
        for (var i = 0; !await isSo(); i++)
        {
            Assert.True(i < 600, "it did not become so within a minute");
            await Task.Delay(100);
        }
    }
}
