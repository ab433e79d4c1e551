using Shoal.Api;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Many torrents in one call: of each a clear answer, and what was said to be kept is.</summary>
public sealed class DaemonBatchTests
{
    private const int Count = 300;

    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Torrents_of_one_call_are_kept_and_those_that_are_refused_are_no_fault_of_theirs()
    {
        using var folder = new StateFolder();
        var torrents = Enumerable.Range(0, Count).Select(Build).ToList();
        var wishes = torrents.ConvertAll(torrent => new AddTorrent
        {
            Metainfo = Convert.ToBase64String(torrent.TorrentBytes),
            Paused = true,
            SaveDirectory = folder.Path,
        });
        // Whatever can be wrong with one, between others that are right.
        wishes.Insert(10, wishes[3]);
        wishes.Insert(20, new AddTorrent { Metainfo = "not base64" });
        wishes.Insert(30, new AddTorrent { Metainfo = Convert.ToBase64String("d4:infode"u8) });
        wishes.Insert(40, new AddTorrent { Source = "magnet:?xt=urn:btih:short" });
        wishes.Insert(50, new AddTorrent());
        wishes.Insert(60, wishes[100] with { Labels = [""] });
        wishes.Insert(70, new AddTorrent { Source = $"magnet:?xt=urn:btih:{77:x40}", Paused = true });
        wishes.Insert(80, wishes[2] with { Files = [new FilePriorityWish([9], FileWish.Skip)] });
        string?[] codes =
        [
            "torrent-exists",
            "bad-value",
            "not-a-torrent",
            "bad-magnet",
            "bad-value",
            "bad-value",
            null,
            "bad-value",
        ];
        await using (var daemon = await DaemonProcess.StartAsync(folder.State))
        {
            var answer = await daemon.Client.AddAsync(new AddTorrents(wishes), None);
            Assert.Equal(wishes.Count, answer.Items.Count);
            Assert.Equal(codes, Enumerable.Range(1, 8).Select(i => answer.Items[10 * i].Problem?.Code));
            var added = answer.Items.Where(item => item.Problem is null).Select(item => item.Torrent!.Id).ToList();
            Assert.Equal(Count + 1, added.Distinct().Count());
            Assert.Equal(
                torrents.Select(torrent => $"{torrent.Metainfo.InfoHashes.V1}"),
                added.Where(id => id != $"{77:x40}")
            );
            await daemon.Process.KillAsync();
        }

        await using var again = await DaemonProcess.StartAsync(folder.State);
        Assert.Equal(Count + 1, (await again.Client.TorrentsAsync(null, None)).Total);
        foreach (var torrent in torrents.Take(5))
        {
            var item = await again.WaitAsync(
                $"{torrent.Metainfo.InfoHashes.V1}",
                item => item.State == TorrentPhase.Paused
            );
            Assert.Equal(torrent.Metainfo.Name, item.Name);
        }

        await again.StopAsync();
    }

    [Fact]
    public async Task What_was_just_removed_may_be_added_again_at_once()
    {
        using var folder = new StateFolder();
        var wishes = Enumerable
            .Range(0, Count)
            .Select(i => new AddTorrent
            {
                Metainfo = Convert.ToBase64String(Build(i).TorrentBytes),
                SaveDirectory = folder.Path,
            })
            .ToList();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var first = await daemon.Client.AddAsync(new AddTorrents(wishes), None);
        for (var i = 0; i < Count; i++)
        {
            await daemon.Client.RemoveAsync(first.Items[i].Torrent!.Id, data: true, None);
            var again = await daemon.Client.AddAsync(new AddTorrents([wishes[i]]), None);
            Assert.Null(Assert.Single(again.Items).Problem);
        }

        Assert.Equal(Count, (await daemon.Client.TorrentsAsync(null, None)).Total);
        await daemon.StopAsync();
    }

    [Fact]
    public async Task More_than_a_call_may_name_are_refused_and_none_is_added()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var many = Enumerable.Range(0, 1001).Select(i => new AddTorrent { Source = $"{i:x40}", Paused = true });
        var error = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.AddAsync(new AddTorrents([.. many]), None)
        );
        Assert.Equal("bad-value", error.Code);
        var tooLong = new AddTorrent { Metainfo = new string('A', 33 * 1024 * 1024) };
        error = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.AddAsync(new AddTorrents([tooLong]), None)
        );
        Assert.Equal((413, "too-large"), (error.Status, error.Code));
        Assert.Empty((await daemon.Client.TorrentsAsync(null, None)).Items);
        await daemon.StopAsync();
    }

    [Fact]
    public async Task The_command_adds_the_others_where_one_is_refused_and_says_so()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        var files = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            files.Add(Path.Combine(folder.Path, $"{i}.torrent"));
            await File.WriteAllBytesAsync(files[i], Build(i).TorrentBytes);
        }

        string[] options = ["--paused", "-o", folder.Path, "--state", folder.State, "--json"];
        var first = await Lab.RunAsync(Tools.Shoal, ["add", files[0], files[1], .. options]);
        Assert.Equal(2, first.Split('\n').Count(line => line.Contains("\"added\"", StringComparison.Ordinal)));
        var refused = await Assert.ThrowsAnyAsync<Exception>(() =>
            Lab.RunAsync(Tools.Shoal, ["add", files[1], files[2], .. options])
        );
        Assert.Contains("torrent-exists", refused.Message, StringComparison.Ordinal);
        Assert.Equal(3, (await daemon.Client.TorrentsAsync(null, None)).Total);
        await daemon.StopAsync();
    }

    private static BuiltTorrent Build(int number) =>
        new TorrentBuilder(TorrentFormat.V1, 16 * 1024, $"t{number:000}").File("a", 20_000, number).Build();
}
