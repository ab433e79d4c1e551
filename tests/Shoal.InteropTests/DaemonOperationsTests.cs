using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Shoal.Api;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>What happens around the daemon: disks that fill up, ports that are taken, many hands at once.</summary>
public sealed class DaemonOperationsTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Downloads_wait_before_the_disk_is_full_and_go_on_with_room()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("room");
        var (near, far) = (await lab.AddHostAsync("seed"), await lab.AddHostAsync("daemon"));
        var seed = await new LibtorrentClient().SeedAsync(near, sample, sample.Parent);
        var disk = far.SubFolder("disk");
        await Lab.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={sample.Size + 60_000_000}", "shoal-room", disk]);
        try
        {
            await using var daemon = await DaemonProcess.StartAsync(far, "--set", "folders.min-free=100000000");
            var wish = new AddTorrent
            {
                Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)),
                SaveDirectory = disk,
                Peers = [near.EndPoint],
                // So that the guard, which looks every two seconds, sees it before it is complete.
                DownloadLimit = 4_000_000,
            };
            var id = (await daemon.Client.AddAsync(wish, None)).Id;
            var held = await daemon.WaitAsync(id, item => item is { State: TorrentPhase.Queued, Error: not null });
            Assert.Contains("folders.min-free", held.Error, StringComparison.Ordinal);
            Assert.False(held.Paused);
            await Lab.RunAsync("mount", ["-o", $"remount,size={sample.Size + 400_000_000}", disk]);
            // Meanwhile it knows what the one peer has: everything.
            var map = await CountedAsync(daemon, id);
            Assert.Equal(map.Count, Convert.FromBase64String(map.Copies!).Count(copies => copies == 1));
            var done = await daemon.WaitCompleteAsync(id);
            Assert.Null(done.Error);
            DataSet.AssertSame(sample.Content, Path.Combine(disk, sample.Name));
            await daemon.StopAsync();
            await seed.StopAsync();
        }
        finally
        {
            await far.DisposeAsync();
            await Lab.RunAsync("umount", ["-l", disk]);
        }
    }

    /// <summary>The pieces, with how many peers have each: counted from the first question on.</summary>
    private static async Task<PieceMap> CountedAsync(DaemonProcess daemon, string id)
    {
        for (var i = 0; ; i++)
        {
            var map = await daemon.Client.PiecesAsync(id, None);
            if (map.Copies is not null)
            {
                return map;
            }

            Assert.True(i < 100, "nobody counts");
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task Peers_that_were_named_are_tried_again_by_a_daemon_that_was_killed_at_once()
    {
        using var folder = new StateFolder();
        await using var seeds = new EngineFixture();
        int port;
        using (var free = new TcpListener(System.Net.IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((System.Net.IPEndPoint)free.LocalEndpoint).Port;
        }

        // A folder below a file is one that nothing can be written to: it fails with the first write.
        var blocked = Path.Combine(folder.Path, "file", "below");
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "file"), "");
        var torrents = Enumerable
            .Range(0, 3)
            .Select(i => new TorrentBuilder(TorrentFormat.V1, 16 * 1024).File($"f{i}", 100_000, seed: i + 1).Build())
            .ToList();
        var ids = new List<string>();
        await using (var doomed = await DaemonProcess.StartAsync(folder.State))
        {
            for (var i = 0; i < torrents.Count; i++)
            {
                var wish = new AddTorrent
                {
                    Metainfo = Convert.ToBase64String(torrents[i].TorrentBytes),
                    SaveDirectory = i == 2 ? blocked : Path.Combine(folder.Path, $"got{i}"),
                    Peers = i == 0 ? null : [$"127.0.0.1:{port}"],
                };
                ids.Add((await doomed.Client.AddAsync(wish, None)).Id);
            }

            await doomed.Client.AddPeersAsync(ids[0], new AddPeers([$"127.0.0.1:{port}"]), None);
            await doomed.Process.KillAsync();
        }

        File.Delete(Path.Combine(folder.Path, "file"));
        var seed = await seeds.Start(options => options with { Port = port });
        foreach (var torrent in torrents)
        {
            var options = new Shoal.Engine.TorrentOptions { SaveDirectory = seeds.Write(torrent) };
            await (await seed.AddAsync(torrent.Metainfo, options, seeds.Timeout.Token)).WhenComplete(
                seeds.Timeout.Token
            );
        }

        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        foreach (var id in ids)
        {
            await daemon.WaitCompleteAsync(id);
        }

        await daemon.StopAsync();
    }

    [Fact]
    public async Task A_state_folder_that_is_full_is_told_and_nothing_that_was_acknowledged_is_lost()
    {
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        var state = Directory.CreateDirectory(folder.State).FullName;
        await Lab.RunAsync("mount", ["-t", "tmpfs", "-o", "size=1m", "shoal-state", state]);
        try
        {
            await using (var daemon = await DaemonProcess.StartAsync(state, "--set", $"folders.download={folder.Path}"))
            {
                var wish = new AddTorrent { Source = sample.Magnet, Paused = true };
                var id = (await daemon.Client.AddAsync(wish, None)).Id;
                var filler = Path.Combine(state, "filler");
                await FillAsync(filler);
                var error = await Assert.ThrowsAsync<DaemonException>(async () =>
                {
                    // Sooner or later there is no room for a line.
                    for (var i = 0; i < 2000; i++)
                    {
                        await daemon.Client.ChangeAsync(
                            id,
                            new TorrentChange { Labels = [$"{i}", new string('x', 100)] },
                            None
                        );
                    }
                });
                Assert.Equal("state-not-saved", error.Code);
                Assert.NotNull((await daemon.Client.StatusAsync(None)).StateProblem);
                File.Delete(filler);
                await EventuallyAsync(async () => (await daemon.Client.StatusAsync(None)).StateProblem is null);
                await daemon.Client.ChangeAsync(id, new TorrentChange { Labels = ["last"] }, None);
                await daemon.Process.KillAsync();
            }

            await using var again = await DaemonProcess.StartAsync(state);
            var item = Assert.Single((await again.Client.TorrentsAsync(null, None)).Items);
            Assert.Equal("last", Assert.Single(item.Labels));
            await again.StopAsync();
        }
        finally
        {
            await Lab.RunAsync("umount", ["-l", state]);
        }
    }

    [Fact]
    public async Task A_state_folder_that_is_read_only_is_refused_with_one_line()
    {
        using var folder = new StateFolder();
        var state = Directory.CreateDirectory(folder.State).FullName;
        await Lab.RunAsync("mount", ["-t", "tmpfs", "-o", "ro", "shoal-state", state]);
        try
        {
            await RefusedAsync(state, "state-folder");
        }
        finally
        {
            await Lab.RunAsync("umount", ["-l", state]);
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_with_the_setting()
    {
        using var folder = new StateFolder();
        using var taken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        taken.Listen();
        Assert.Contains(
            "http.listen",
            await RefusedAsync(folder.State, "cannot-listen", "--http", $"{taken.LocalEndPoint}"),
            StringComparison.Ordinal
        );
        taken.Dispose();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        await daemon.StopAsync();
    }

    [Fact]
    public async Task Many_hands_at_once_lose_no_change()
    {
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        string[] keys = ["limits.download", "limits.upload", "queue.downloads", "queue.seeds", "queue.seed-time"];
        string id;
        await using (
            var daemon = await DaemonProcess.StartAsync(folder.State, "--set", $"folders.download={folder.Path}")
        )
        {
            id = (await daemon.Client.AddAsync(new AddTorrent { Source = sample.Magnet, Paused = true }, None)).Id;
            await Task.WhenAll(
                Enumerable
                    .Range(1, 100)
                    .Select(async i =>
                    {
                        var value = JsonSerializer.SerializeToElement(1000 + i);
                        await daemon.Client.ChangeSettingsAsync(new() { [keys[i % keys.Length]] = value }, None);
                        await daemon.Client.SetCategoryAsync(new CategoryItem { Name = $"c{i}" }, None);
                        await daemon.Client.ChangeAsync(
                            id,
                            i % 2 == 0
                                ? new TorrentChange { UploadLimit = i }
                                : new TorrentChange { DownloadLimit = i },
                            None
                        );
                    })
            );
            await daemon.Process.KillAsync();
        }

        await using var again = await DaemonProcess.StartAsync(folder.State);
        var item = (await again.Client.TorrentAsync(id, None)).Torrent;
        Assert.True(item is { UploadLimit: > 0, DownloadLimit: > 0 });
        Assert.Equal(100, (await again.Client.CategoriesAsync(None)).Categories.Count);
        var settings = (await again.Client.SettingsAsync(None)).Settings.ToDictionary(setting => setting.Key);
        Assert.All(keys, key => Assert.True(settings[key].Value.GetInt64() > 1000, key));
        await again.StopAsync();
    }

    [Fact]
    public async Task The_page_comes_by_https_with_a_certificate_of_its_own()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(folder.State, "--set", "http.tls=self-signed");
        Assert.StartsWith("https://", daemon.Url, StringComparison.Ordinal);
        using var own = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder.State, "daemon", "tls.pem"));
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == own.Thumbprint,
        };
        using var client = new HttpClient(handler);
        Assert.Equal("ok\n", await client.GetStringAsync(daemon.Url + "healthz"));
        await Assert.ThrowsAsync<HttpRequestException>(() =>
            client.GetStringAsync(daemon.Url.Replace("https", "http", StringComparison.Ordinal) + "healthz")
        );
        await daemon.StopAsync();
    }

    [Fact]
    public async Task The_doctor_looks_at_a_daemon_and_without_one_at_the_machine()
    {
        using var folder = new StateFolder();
        async Task<Dictionary<string, string>> Ask() =>
            (await Lab.RunAsync(Tools.Shoal, ["doctor", "--state", folder.State, "--json"]))
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonElement.Parse(line))
                .ToDictionary(
                    check => check.GetProperty("check").GetString()!,
                    check => check.GetProperty("health").GetString()!
                );
        Assert.Equal("unknown", (await Ask())["daemon"]);
        await using var daemon = await DaemonProcess.StartAsync(
            folder.State,
            "--set",
            $"folders.download={folder.Path}"
        );
        var checks = await Ask();
        Assert.Equal(("ok", "advice", "ok"), (checks["daemon"], checks["port"], checks["state-folder"]));
        Assert.True(checks.ContainsKey("disk") && checks.ContainsKey("clock") && checks.ContainsKey("udp-buffers"));
        Assert.DoesNotContain(
            Directory.GetFiles(folder.Path),
            path => path.Contains("doctor", StringComparison.Ordinal)
        );
        await daemon.StopAsync();
    }

    private static async Task<string> RefusedAsync(string state, string code, params string[] options)
    {
        await using var daemon = DaemonProcess.Start(state, options);
        Assert.Equal(1, await daemon.WaitForExitAsync(TimeSpan.FromSeconds(20)));
        var line = Assert.Single(daemon.Lines, line => line.StartsWith('{'));
        Assert.Equal(code, JsonElement.Parse(line).GetProperty("code").GetString());
        Assert.DoesNotContain(daemon.Lines, line => line.Contains("   at ", StringComparison.Ordinal));
        return line;
    }

    private static async Task FillAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static async Task EventuallyAsync(Func<Task<bool>> isSo)
    {
        for (var i = 0; !await isSo(); i++)
        {
            Assert.True(i < 300, "it did not become so within 30 seconds");
            await Task.Delay(100);
        }
    }
}
