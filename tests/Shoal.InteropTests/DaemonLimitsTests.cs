using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.InteropTests;

/// <summary>Many at once, slow disks, the wrong second: each a clear answer, and nothing lost.</summary>
public sealed class DaemonLimitsTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly Lock Answers = new();

    [Fact]
    public async Task Sixty_four_torrents_added_at_once_on_a_slow_disk_are_all_taken_and_kept()
    {
        Tools.Require("gcc");
        using var folder = new StateFolder();
        var slow = Path.Combine(folder.Path, "slow-disk.so");
        await Lab.RunAsync("gcc", ["-shared", "-fPIC", "-o", slow, Tools.Script("slow-disk.c"), "-ldl"]);
        var torrents = Enumerable.Range(0, 64).Select(Torrent).ToList();
        await using (
            var daemon = await DaemonProcess.StartAsync(
                folder.State,
                new Dictionary<string, string> { ["LD_PRELOAD"] = slow, ["SLOW_DISK_MS"] = "150" },
                "--set",
                $"folders.download={folder.Path}"
            )
        )
        {
            var clock = Stopwatch.StartNew();
            var added = await Task.WhenAll(
                torrents.Select(bytes =>
                    daemon.Client.AddAsync(
                        new AddTorrent { Metainfo = Convert.ToBase64String(bytes), Paused = true },
                        None
                    )
                )
            );
            // The disk was slow indeed: 64 files, four at a time, two syncs each.
            Assert.True(clock.Elapsed > TimeSpan.FromSeconds(2), $"only {clock.Elapsed}");
            Assert.Equal(64, added.Select(item => item.Id).Distinct().Count());
            Assert.Null((await daemon.Client.StatusAsync(None)).StateProblem);
            await daemon.Process.KillAsync();
        }

        await using var again = await DaemonProcess.StartAsync(folder.State);
        Assert.Equal(64, (await again.Client.TorrentsAsync(null, None)).Total);
        await again.StopAsync();
    }

    [Fact]
    public async Task Ten_thousand_torrents_change_in_one_call_and_are_kept()
    {
        using var folder = new StateFolder();
        var state = Directory.CreateDirectory(Path.Combine(folder.State, "daemon")).FullName;
        var lines = new ArrayBufferWriter<byte>();
        for (var i = 0; i < 10_000; i++)
        {
            LibraryLines.Write(
                lines,
                new LibraryRecord
                {
                    Put = new LibraryEntry
                    {
                        Id = $"{i:x40}",
                        InfoHashV1 = $"{i:x40}",
                        Name = $"t{i}",
                        Magnet = $"magnet:?xt=urn:btih:{i:x40}",
                        SaveDirectory = folder.Path,
                        Paused = true,
                        Order = i,
                    },
                }
            );
        }

        await File.WriteAllBytesAsync(Path.Combine(state, "library.journal"), lines.WrittenMemory);
        await using (var daemon = await DaemonProcess.StartAsync(folder.State))
        {
            var clock = Stopwatch.StartNew();
            var change = new TorrentChange { Labels = ["all"], UploadLimit = 7 };
            var result = await daemon.Client.DoAsync(
                new BatchAction { Action = TorrentAction.Change, Change = change },
                None
            );
            Assert.Equal((10_000, 0), (result.Done.Count, result.Failed.Count));
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{clock.Elapsed}");
            await daemon.Process.KillAsync();
        }

        await using var again = await DaemonProcess.StartAsync(folder.State);
        var page = await again.Client.TorrentsAsync(null, None, limit: 20_000);
        Assert.Equal(10_000, page.Items.Count);
        Assert.All(page.Items, item => Assert.Equal(("all", 7L), (Assert.Single(item.Labels), item.UploadLimit)));
        await again.StopAsync();
    }

    [Fact]
    public async Task A_torrent_that_is_paused_in_the_second_in_which_it_completes_is_complete()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(
            folder.State,
            "--set",
            $"folders.download={folder.Path}"
        );
        for (var i = 0; i < 8; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(folder.Path, $"film{i}"), Content(i));
            var id = (
                await daemon.Client.AddAsync(new AddTorrent { Metainfo = Convert.ToBase64String(Torrent(i)) }, None)
            ).Id;
            while ((await daemon.Client.TorrentAsync(id, None)).Torrent.Progress < 1)
            {
                await Task.Delay(5);
            }

            // The daemon looks once a second: mostly it has not seen it yet.
            await daemon.Client.ChangeAsync(id, new TorrentChange { Paused = true }, None);
            var item = await daemon.WaitAsync(id, item => item.CompletedAt is not null, TimeSpan.FromSeconds(20));
            Assert.True(item.Paused);
        }

        await daemon.StopAsync();
    }

    [Fact]
    public async Task Killed_while_calls_are_on_their_way_it_knows_what_it_had_answered_and_its_files_are_whole()
    {
        using var folder = new StateFolder();
        var random = new Random(11);
        var acknowledged = new List<string>();
        var categories = new List<string>();
        var limit = 0L;
        for (var round = 0; round < 6; round++)
        {
            await using var daemon = await DaemonProcess.StartAsync(
                folder.State,
                "--set",
                $"folders.download={folder.Path}"
            );
            var known = await daemon.Client.TorrentsAsync(null, None);
            Assert.Empty(acknowledged.Except(known.Items.Select(item => item.Id)));
            Assert.Empty(categories.Except((await daemon.Client.CategoriesAsync(None)).Categories.Select(c => c.Name)));
            var settings = (await daemon.Client.SettingsAsync(None)).Settings.ToDictionary(setting => setting.Key);
            Assert.True(settings["limits.upload"].Value.GetInt64() >= limit, "a setting that was acknowledged is lost");

            var adding = Enumerable
                .Range(round * 100, 100)
                .Select(i => TryAsync(() => daemon.Client.AddAsync(Magnet(i), None), item => acknowledged.Add(item.Id)))
                .ToList();
            var setting = Task.Run(async () =>
            {
                for (var i = 1; i < 200; i++)
                {
                    var value = limit + 1;
                    await TryAsync(
                        () =>
                            daemon.Client.ChangeSettingsAsync(
                                new() { ["limits.upload"] = JsonSerializer.SerializeToElement(value) },
                                None
                            ),
                        _ => limit = value
                    );
                    var name = $"c{round}-{i}";
                    await TryAsync(
                        () => daemon.Client.SetCategoryAsync(new CategoryItem { Name = name }, None),
                        _ => categories.Add(name)
                    );
                }
            });
            // So many are answered, and others are on their way: however slow the machine is, each round has something to lose.
            int before;
            lock (Answers)
            {
                before = acknowledged.Count;
            }

            await UntilAsync(
                random.Next(1, 60),
                () => Math.Min(acknowledged.Count - before, categories.Count > 0 ? int.MaxValue : 0)
            );
            await daemon.Process.KillAsync();
            await Task.WhenAll([.. adding, setting]);
        }

        await using var last = await DaemonProcess.StartAsync(folder.State);
        Assert.Empty(acknowledged.Except((await last.Client.TorrentsAsync(null, None)).Items.Select(item => item.Id)));
        Assert.DoesNotContain(last.Process.Lines, line => line.Contains("could not be read", StringComparison.Ordinal));
        await last.StopAsync();
    }

    [Fact]
    public async Task A_settings_file_that_is_half_written_changes_nothing_and_is_told_with_its_line()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartBareAsync(folder.State);
        var file = Path.Combine(folder.State, "daemon", "settings.toml");
        var whole = await File.ReadAllTextAsync(file);
        await daemon.Client.ChangeSettingsAsync(
            new() { ["limits.upload"] = JsonSerializer.SerializeToElement(5000) },
            None
        );
        foreach (
            var half in new[] { "[limits]\nupload = ", "[limits]\nupload = 6000\n[que", "[limits]\nupload = \"60" }
        )
        {
            await File.WriteAllTextAsync(file, half);
            var error = await Assert.ThrowsAsync<DaemonException>(() => daemon.Client.ReloadSettingsAsync(None));
            Assert.Equal("settings-file", error.Code);
            Assert.Contains("line ", error.Message, StringComparison.Ordinal);
            // Neither does a change by the API write over what somebody is still writing.
            error = await Assert.ThrowsAsync<DaemonException>(() =>
                daemon.Client.ChangeSettingsAsync(
                    new() { ["limits.download"] = JsonSerializer.SerializeToElement(1) },
                    None
                )
            );
            Assert.Equal("settings-file", error.Code);
            var settings = (await daemon.Client.SettingsAsync(None)).Settings.ToDictionary(setting => setting.Key);
            Assert.Equal(5000, settings["limits.upload"].Value.GetInt64());
        }

        await File.WriteAllTextAsync(file, whole);
        await daemon.Client.ReloadSettingsAsync(None);
        await daemon.StopAsync();
    }

    private static AddTorrent Magnet(int i) => new() { Source = $"magnet:?xt=urn:btih:{i + 1:x40}", Paused = true };

    private static byte[] Content(int i)
    {
        var content = new byte[40_000];
        new Random(i).NextBytes(content);
        return content;
    }

    /// <summary>A v1 torrent of one file of three pieces.</summary>
    private static byte[] Torrent(int i)
    {
        var content = Content(i);
        var pieces = new MemoryStream();
        foreach (var piece in content.Chunk(16_384))
        {
            pieces.Write(System.Security.Cryptography.SHA1.HashData(piece));
        }

        var name = $"film{i}";
        var torrent = new MemoryStream();
        torrent.Write(
            Encoding.ASCII.GetBytes(
                $"d4:infod6:lengthi{content.Length}e4:name{name.Length}:{name}12:piece lengthi16384e6:pieces{pieces.Length}:"
            )
        );
        torrent.Write(pieces.ToArray());
        torrent.Write("ee"u8);
        return torrent.ToArray();
    }

    /// <summary>A call to a daemon that may be killed meanwhile.</summary>
    private static async Task UntilAsync(int wanted, Func<int> answered)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30); await Task.Delay(5))
        {
            lock (Answers)
            {
                if (answered() >= wanted)
                {
                    return;
                }
            }
        }

        Assert.Fail($"not even {wanted} calls were answered");
    }

    private static async Task TryAsync<T>(Func<Task<T>> call, Action<T> answered)
    {
        try
        {
            var answer = await call();
            lock (Answers)
            {
                answered(answer);
            }
        }
        catch (Exception error) when (error is DaemonException or HttpRequestException or IOException)
        {
            // Killed before it could answer: nobody was promised anything.
        }
    }
}
