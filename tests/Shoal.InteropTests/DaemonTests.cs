using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>The daemon as a process, with real peers, and its end at any moment.</summary>
public sealed class DaemonTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Theory]
    [InlineData("v1", false)]
    [InlineData("hybrid", true)]
    public async Task Fetches_from_libtorrent_and_seeds_to_it(string format, bool magnet)
    {
        var sample = await library.DataAsync(format);
        // The name of a Unix socket is short.
        await using var lab = await Lab.CreateAsync("fetch");
        var (near, far, third) = (
            await lab.AddHostAsync("seed"),
            await lab.AddHostAsync("daemon"),
            await lab.AddHostAsync("leech")
        );
        TrackerHost.Start(lab, sample);
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        await using var daemon = await DaemonProcess.StartAsync(far);
        var target = far.SubFolder("got");
        var added = await daemon.Client.AddAsync(
            new AddTorrent
            {
                Source = magnet ? sample.Magnet : null,
                Metainfo = magnet ? null : Convert.ToBase64String(File.ReadAllBytes(sample.File)),
                SaveDirectory = target,
                Peers = [near.EndPoint],
                Labels = ["data"],
            },
            None
        );
        Assert.Equal(sample.InfoHash, added.Id);
        var done = await daemon.WaitCompleteAsync(added.Id);
        Assert.Equal((sample.Name, 1d, "data"), (done.Name, done.Progress, Assert.Single(done.Labels)));
        await seed.StopAsync();

        // Watched from the beginning: two that have everything hang up.
        var seen = SeesClientAsync(daemon, added.Id, "libtorrent");
        var leech = await new LibtorrentClient().GetAsync(
            third,
            sample,
            magnet: false,
            third.SubFolder("got"),
            far.EndPoint
        );
        await leech.WaitCompleteAsync(DaemonProcess.Patience);
        await seen;

        // Its .torrent, also where it came by a link, is one by which others can be told of it.
        var file = Path.Combine(far.SubFolder("file"), "handed out.torrent");
        await File.WriteAllBytesAsync(file, await daemon.Client.MetainfoAsync(added.Id, None));
        var told = JsonElement.Parse(await Lab.RunAsync(Tools.Shoal, ["show", file, "--json"]));
        var hash = told.GetProperty(format == "v2" ? "infoHashV2" : "infoHashV1").GetString();
        Assert.Equal(sample.InfoHash, hash);
        Assert.Contains(Lab.TrackerUrl, told.ToString(), StringComparison.Ordinal);
        await leech.StopAsync();
        Assert.InRange(await daemon.StopAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));
        DataSet.AssertSame(sample.Content, Path.Combine(third.SubFolder("got"), sample.Name));
    }

    [Fact]
    public async Task Killed_at_any_moment_it_has_lost_nothing_that_it_had_acknowledged()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("kill");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        var target = far.SubFolder("got");
        var wish = new AddTorrent
        {
            Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
            SaveDirectory = target,
            Peers = [near.EndPoint],
        };
        // The kernel closes the TCP connections of a killed process. Of a uTP connection the seed would hear nothing, and
        // libtorrent takes no second one from the same address before it gives the first up, minutes later.
        string[] tcp = ["--transport", "tcp"];
        string id;
        await using (var first = await DaemonProcess.StartAsync(far, [.. tcp, "--download-limit", "8MiB/s"]))
        {
            id = (await first.Client.AddAsync(wish, None)).Id;
            await first.WaitAsync(id, item => item.Done > 2_000_000);
            await first.Client.ChangeAsync(id, new TorrentChange { Labels = ["kept"], UploadLimit = 123_456 }, None);
            await first.Process.KillAsync();
        }

        // Killed right after each answer.
        for (var round = 0; round < 5; round++)
        {
            await using var doomed = await DaemonProcess.StartAsync(far, tcp);
            var before = await doomed.Client.TorrentAsync(id, None);
            Assert.Equal(round % 2 == 1, before.Torrent.Paused);
            await doomed.Client.ChangeAsync(id, new TorrentChange { Paused = round % 2 == 0 }, None);
            await doomed.Process.KillAsync();
        }

        await using var last = await DaemonProcess.StartAsync(far, tcp);
        await last.Client.ChangeAsync(id, new TorrentChange { Paused = false }, None);
        await last.Client.AddPeersAsync(id, new AddPeers([near.EndPoint]), None);
        var done = await last.WaitCompleteAsync(id);
        Assert.Equal(("kept", 123_456L), (Assert.Single(done.Labels), done.UploadLimit));
        // What was there was not fetched again.
        Assert.True(done.Downloaded < sample.Size, $"{done.Downloaded} of {sample.Size}");
        await last.StopAsync();
        await seed.StopAsync();
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));
    }

    [Fact]
    public async Task A_removal_that_was_cut_short_ends_at_the_next_start()
    {
        var sample = await library.DataAsync("hybrid");
        using var folder = new StateFolder();
        var target = Path.Combine(folder.Path, "got");
        DataSet.Copy(sample.Content, Path.Combine(target, sample.Name));
        string id;
        await using (var first = await DaemonProcess.StartAsync(folder.State))
        {
            id = (await first.Client.AddAsync(Wish(sample, target), None)).Id;
            await first.WaitCompleteAsync(id);
            await first.Client.RemoveAsync(id, data: true, None);
            await first.Process.KillAsync();
        }

        await using var second = await DaemonProcess.StartAsync(folder.State);
        Assert.Empty((await second.Client.TorrentsAsync(null, None)).Items);
        await EventuallyAsync(() => !Directory.Exists(Path.Combine(target, sample.Name)));
        await EventuallyAsync(() => !Directory.EnumerateFiles(Path.Combine(folder.State, "daemon", "torrents")).Any());
    }

    [Fact]
    public async Task A_second_daemon_on_a_state_folder_refuses_with_one_line_and_the_first_goes_on()
    {
        using var folder = new StateFolder();
        await using var first = await DaemonProcess.StartAsync(folder.State);
        await using var second = DaemonProcess.Start(folder.State);
        Assert.Equal(1, await second.WaitForExitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains(
            "already-running",
            Assert.Single(second.Lines, line => line.StartsWith('{')),
            StringComparison.Ordinal
        );
        Assert.Equal(0, (await first.Client.StatusAsync(None)).Torrents);
        await first.Process.KillAsync();
        // A killed one keeps nobody out.
        await using var third = await DaemonProcess.StartAsync(folder.State);
        await third.StopAsync();
    }

    [Fact]
    public async Task Settings_with_a_mistake_are_told_with_their_line()
    {
        using var folder = new StateFolder();
        Directory.CreateDirectory(Path.Combine(folder.State, "daemon"));
        await File.WriteAllTextAsync(
            Path.Combine(folder.State, "daemon", "settings.toml"),
            "[queue]\n\ndownloads = many\n"
        );
        await using var daemon = DaemonProcess.Start(folder.State);
        Assert.Equal(1, await daemon.WaitForExitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains(daemon.Lines, line => line.Contains("line 3, queue.downloads", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Content_moves_with_its_torrent_and_what_lies_elsewhere_is_found_there()
    {
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        var (one, two) = (Path.Combine(folder.Path, "one"), Path.Combine(folder.Path, "two"));
        DataSet.Copy(sample.Content, Path.Combine(one, sample.Name));
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var id = (await daemon.Client.AddAsync(Wish(sample, one), None)).Id;
        await daemon.WaitCompleteAsync(id);
        await daemon.Client.MoveAsync(id, new MoveTorrent(two), None);
        await daemon.WaitAsync(id, item => item is { MovingTo: null } && item.SaveDirectory == two);
        DataSet.AssertSame(sample.Content, Path.Combine(two, sample.Name));
        Assert.False(Directory.Exists(Path.Combine(one, sample.Name)));

        // Moved by hand.
        Directory.Move(two, one + "-new");
        await daemon.Client.MoveAsync(id, new MoveTorrent(one + "-new", KeepFiles: true), None);
        await daemon.WaitAsync(id, item => item is { MovingTo: null, State: TorrentPhase.Seeding });
        await daemon.StopAsync();
        await using var again = await DaemonProcess.StartAsync(folder.State);
        Assert.Equal(one + "-new", (await again.WaitCompleteAsync(id)).SaveDirectory);
    }

    [Fact]
    public async Task Readers_of_changes_and_events_see_what_happened_since()
    {
        var sample = await library.DataAsync("hybrid");
        using var folder = new StateFolder();
        var target = Path.Combine(folder.Path, "got");
        DataSet.Copy(sample.Content, Path.Combine(target, sample.Name));
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var start = await daemon.Client.TorrentsAsync(null, None);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var before = (await daemon.Client.StatusAsync(None)).LastEvent;
        var kinds = new List<string>();
        var id = (await daemon.Client.AddAsync(Wish(sample, target), None)).Id;
        long last = 0;
        await foreach (var happening in daemon.Client.EventsAsync(before, limit.Token))
        {
            kinds.Add(happening.Kind);
            if (happening.Kind == "torrent-completed")
            {
                last = happening.Id;
                break;
            }
        }

        Assert.Equal("torrent-added", kinds[0]);
        Assert.Contains("torrent-state", kinds);
        Assert.Contains("changed", kinds);
        var changed = await daemon.Client.TorrentsAsync(start.Revision, None);
        Assert.False(changed.Full);
        Assert.Equal(id, Assert.Single(changed.Items).Id);
        await daemon.Client.RemoveAsync(id, data: false, None);
        await foreach (var happening in daemon.Client.EventsAsync(last, limit.Token))
        {
            if (happening.Kind == "torrent-removed")
            {
                break;
            }
        }

        changed = await daemon.Client.TorrentsAsync(changed.Revision, None);
        Assert.Equal([id], changed.Removed);
        // Of a former run, or of the future: everything.
        Assert.True((await daemon.Client.TorrentsAsync(1, None)).Full);
        Assert.True((await daemon.Client.TorrentsAsync(changed.Revision + 1000, None)).Full);
        DataSet.AssertSame(sample.Content, Path.Combine(target, sample.Name));
    }

    [Fact]
    public async Task The_commands_do_what_their_help_says()
    {
        var sample = await library.DataAsync("hybrid");
        using var folder = new StateFolder();
        var target = Path.Combine(folder.Path, "got");
        DataSet.Copy(sample.Content, Path.Combine(target, sample.Name));
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        async Task<JsonElement[]> Run(params string[] command) =>
            [
                .. (await Lab.RunAsync(Tools.Shoal, [.. command, "--state", folder.State, "--json"]))
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => JsonElement.Parse(line)),
            ];
        var added = Assert.Single(await Run("add", sample.File, "-o", target, "--label", "a", "--paused"));
        Assert.Equal("added", added.GetProperty("event").GetString());
        var id = added.GetProperty("id").GetString()!;
        await Run("resume", id[..8]);
        await daemon.WaitCompleteAsync(id);
        Assert.Equal("seeding", Assert.Single(await Run("list")).GetProperty("state").GetString());
        Assert.NotEmpty(await Run("files", sample.Name, "--skip", "small/**"));
        Assert.Contains((await daemon.Client.FilesAsync(id, None)).Files, file => file.Priority == FileWish.Skip);
        await Run("trackers", sample.Name, "--add", "http://127.0.0.1:9/announce");
        Assert.Contains(
            await Run("trackers", id),
            tracker => tracker.GetProperty("url").GetString() == "http://127.0.0.1:9/announce"
        );
        await Run("limit", id, "--upload", "1MiB/s", "--ratio", "2");
        await Run("limit", "--download", "3MiB/s");
        Assert.Equal(3 * 1024 * 1024, (await daemon.Client.StatusAsync(None)).DownloadLimit);
        Assert.Equal(1024 * 1024, (await daemon.Client.TorrentAsync(id, None)).Torrent.UploadLimit);
        await Run("move", id, Path.Combine(folder.Path, "elsewhere"));
        await Run("label", id, "--set", "b", "--category", "c");
        await Run("pause", "--all");
        var item = (await daemon.Client.TorrentAsync(id, None)).Torrent;
        Assert.Equal(("b", "c", TorrentPhase.Paused), (Assert.Single(item.Labels), item.Category, item.State));
        await Run("settings", "queue.downloads", "3");
        await Run("recheck", id);
        Assert.Empty(await Run("peers", id));
        Assert.Equal(1, (await Run("status"))[0].GetProperty("torrents").GetInt32());
        await Run("remove", id, "--data");
        Assert.Empty(await Run("list"));
        await EventuallyAsync(() => !Directory.Exists(Path.Combine(folder.Path, "elsewhere", sample.Name)));
        await Run("stop");
        Assert.Equal(0, await daemon.Process.WaitForExitAsync(TimeSpan.FromSeconds(5)));
    }

    private static AddTorrent Wish(Sample sample, string folder) =>
        new() { Metainfo = Convert.ToBase64String(File.ReadAllBytes(sample.File)), SaveDirectory = folder };

    /// <summary>Until a peer of a torrent has said that it is such a client.</summary>
    private static async Task SeesClientAsync(DaemonProcess daemon, string id, string client)
    {
        var patience = Task.Delay(DaemonProcess.Patience);
        while (
            !(await daemon.Client.PeersAsync(id, None)).Peers.Any(peer =>
                peer.Client.StartsWith(client, StringComparison.Ordinal)
            )
        )
        {
            Assert.False(patience.IsCompleted, $"no peer has said that it is {client}");
            await Task.Delay(20);
        }
    }

    private static async Task EventuallyAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 200, "it did not become so within 20 seconds");
            await Task.Delay(100);
        }
    }
}
