using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Torrents made by one daemon, chosen from and renamed in another.</summary>
public sealed class DaemonMakingTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    /// <summary>What is made of the allowed folder itself lies in the one above it, where a token may name nothing.</summary>
    [Fact]
    public async Task New_names_over_http_stay_in_the_allowed_folders()
    {
        using var folder = new StateFolder();
        var allowed = Directory.CreateDirectory(Path.Combine(folder.State, "allowed")).FullName;
        await File.WriteAllTextAsync(Path.Combine(allowed, "film"), "film");
        await using var daemon = await DaemonProcess.StartAsync(
            Path.Combine(folder.State, "state"),
            "--set",
            $"folders.download={allowed}"
        );
        var token = await daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Control), None);
        using var remote = new DaemonClient(new DaemonAddress { Url = new Uri(daemon.Url), Token = token.Secret });
        var creation = await remote.CreateAsync(new NewCreation { Path = allowed }, None);
        while (creation.State is CreationState.Queued or CreationState.Hashing)
        {
            await Task.Delay(50);
            creation = await remote.CreationAsync(creation.Id, None);
        }

        await daemon.WaitCompleteAsync(creation.Torrent!);
        var error = await Assert.ThrowsAsync<DaemonException>(() =>
            remote.ChangeFilesAsync(
                creation.Torrent!,
                new FileChange { Renames = [new(0, "state/daemon/categories.json")] },
                None
            )
        );
        Assert.Equal("path-not-allowed", error.Code);
        await remote.ChangeFilesAsync(creation.Torrent!, new FileChange { Renames = [new(0, "allowed/other")] }, None);
    }

    [Fact]
    public async Task A_folder_is_shared_its_files_chosen_before_any_is_fetched_and_renamed()
    {
        await using var lab = await Lab.CreateAsync("making");
        var (near, far) = (await lab.AddHostAsync("maker"), await lab.AddHostAsync("taker"));
        var content = Path.Combine(near.SubFolder("shared"), "films");
        var random = new Random(DataSet.Seed);
        DataSet.File(content, "one.mkv", 3_000_000, random);
        DataSet.File(content, "extra/two.mkv", 2_000_000, random);
        await using var maker = await DaemonProcess.StartAsync(
            near,
            "--set",
            $"folders.download={near.SubFolder("got")}"
        );
        var creation = await maker.Client.CreateAsync(
            new NewCreation
            {
                Path = content,
                Trackers =
                [
                    ["http://192.0.2.1/announce"],
                ],
            },
            None
        );
        while (creation.State is CreationState.Queued or CreationState.Hashing)
        {
            await Task.Delay(50);
            creation = await maker.Client.CreationAsync(creation.Id, None);
        }

        Assert.Equal((CreationState.Done, "films", 5_000_000), (creation.State, creation.Name, creation.Size));
        var id = creation.Torrent!;
        await maker.WaitCompleteAsync(id);
        var magnet = (await maker.Client.TorrentAsync(id, None)).Magnet;

        var target = far.SubFolder("got");
        await using var taker = await DaemonProcess.StartAsync(far, "--set", $"folders.download={target}");
        await taker.Client.AddAsync(
            new AddTorrent
            {
                Source = magnet,
                PauseWhenKnown = true,
                Peers = [near.EndPoint],
            },
            None
        );
        var known = await taker.WaitAsync(id, item => item.State == TorrentPhase.Paused);
        Assert.Equal((0, 0), (known.Done, known.Downloaded));
        Assert.False(Path.Exists(Path.Combine(target, "films")));
        var files = (await taker.Client.FilesAsync(id, None)).Files;
        var (one, two) = (files.Single(file => file.Size == 3_000_000), files.Single(file => file.Size == 2_000_000));

        // Renamed before it is there, and a name that leads out of the folder is not taken.
        var error = await Assert.ThrowsAsync<DaemonException>(() =>
            taker.Client.ChangeFilesAsync(id, new FileChange { Renames = [new(one.Index, "../one.mkv")] }, None)
        );
        Assert.Equal("bad-value", error.Code);
        files = (
            await taker.Client.ChangeFilesAsync(
                id,
                new FileChange
                {
                    Priorities = [new([two.Index], FileWish.Skip)],
                    Renames = [new(one.Index, "films/The first.mkv")],
                },
                None
            )
        ).Files;
        Assert.Equal("films/The first.mkv", files.Single(file => file.Index == one.Index).Path);
        await taker.Client.ChangeAsync(id, new TorrentChange { Paused = false }, None);
        await taker.Client.AddPeersAsync(id, new AddPeers([near.EndPoint]), None);
        await taker.WaitCompleteAsync(id);
        DataSet.AssertSame(Path.Combine(content, "one.mkv"), Path.Combine(target, "films", "The first.mkv"));
        Assert.Equal(["The first.mkv"], Directory.GetFiles(Path.Combine(target, "films")).Select(Path.GetFileName));

        // Renamed while it is seeded; after a restart it is known under that name, and not hashed again.
        await taker.Client.ChangeFilesAsync(
            id,
            new FileChange { Renames = [new(one.Index, "films/more/first.mkv")] },
            None
        );
        for (var i = 0; !File.Exists(Path.Combine(target, "films/more/first.mkv")); i++)
        {
            Assert.True(i < 200, "it was not renamed");
            await Task.Delay(50);
        }

        await taker.StopAsync();
        await using var again = await DaemonProcess.StartAsync(far, "--set", $"folders.download={target}");
        await again.WaitCompleteAsync(id);
        Assert.Equal(
            "films/more/first.mkv",
            (await again.Client.FilesAsync(id, None)).Files.Single(file => file.Index == one.Index).Path
        );
        await again.Client.RemoveAsync(id, data: true, None);
        for (var i = 0; Path.Exists(Path.Combine(target, "films")); i++)
        {
            Assert.True(i < 200, "its files are still there");
            await Task.Delay(50);
        }
    }

    [Fact]
    public async Task Callers_over_http_make_torrents_of_allowed_folders_only()
    {
        using var folder = new StateFolder();
        var allowed = Directory.CreateDirectory(Path.Combine(folder.Path, "allowed")).FullName;
        var secret = Directory.CreateDirectory(Path.Combine(folder.Path, "secret")).FullName;
        await File.WriteAllTextAsync(Path.Combine(secret, "key"), "secret");
        await File.WriteAllTextAsync(Path.Combine(allowed, "film"), "film");
        Directory.CreateSymbolicLink(Path.Combine(allowed, "link"), secret);
        var inner = Directory.CreateDirectory(Path.Combine(allowed, "inner")).FullName;
        File.CreateSymbolicLink(Path.Combine(inner, "key"), Path.Combine(secret, "key"));
        await using var daemon = await DaemonProcess.StartAsync(
            Path.Combine(folder.Path, "state"),
            "--set",
            $"folders.download={allowed}"
        );
        var token = await daemon.Client.CreateTokenAsync(new NewToken("maker", AccessScope.Control), None);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Secret);
        async Task<(HttpStatusCode Status, JsonElement Body)> MakeAsync(string path)
        {
            using var body = new StringContent(
                $"{{\"path\":{JsonSerializer.Serialize(path)}}}",
                Encoding.UTF8,
                "application/json"
            );
            var answer = await http.PostAsync(daemon.Url + "api/v1/creations", body);
            return (answer.StatusCode, JsonElement.Parse(await answer.Content.ReadAsStringAsync()));
        }

        foreach (
            var path in new[]
            {
                secret,
                "/etc/passwd",
                allowed + "/../secret",
                allowed + "/link",
                allowed + "/link/key",
            }
        )
        {
            var (status, problem) = await MakeAsync(path);
            Assert.Equal(
                (HttpStatusCode.Forbidden, "path-not-allowed"),
                (status, problem.GetProperty("code").GetString())
            );
        }

        Assert.Equal(HttpStatusCode.NotFound, (await MakeAsync(allowed + "/nothing")).Status);
        // What a link in the content leads to is not content.
        var (begun, item) = await MakeAsync(inner);
        Assert.Equal(HttpStatusCode.Accepted, begun);
        var creation = await daemon.Client.CreationAsync(item.GetProperty("id").GetString()!, None);
        while (creation.State is CreationState.Queued or CreationState.Hashing)
        {
            await Task.Delay(20);
            creation = await daemon.Client.CreationAsync(creation.Id, None);
        }

        Assert.Equal(CreationState.Failed, creation.State);
        Assert.Contains("leads out of the folder", creation.Error, StringComparison.Ordinal);
        Assert.Empty((await daemon.Client.TorrentsAsync(null, None)).Items);

        (begun, item) = await MakeAsync(allowed + "/film");
        Assert.Equal(HttpStatusCode.Accepted, begun);
        var torrent = (await WaitAsync(daemon, item.GetProperty("id").GetString()!)).Torrent!;
        var code = await http.GetAsync($"{daemon.Url}api/v1/torrents/{torrent}/qr");
        Assert.Equal("image/svg+xml", code.Content.Headers.ContentType?.MediaType);
        var made = await http.GetByteArrayAsync(
            $"{daemon.Url}api/v1/creations/{item.GetProperty("id").GetString()}/metainfo"
        );
        var preview = await daemon.Client.PreviewAsync(
            new AddTorrent { Metainfo = Convert.ToBase64String(made) },
            None
        );
        Assert.Equal((torrent, true, "film"), (preview.Id, preview.Present, Assert.Single(preview.Files).Path));
    }

    private static async Task<CreationItem> WaitAsync(DaemonProcess daemon, string id)
    {
        while (true)
        {
            var item = await daemon.Client.CreationAsync(id, None);
            Assert.NotEqual(CreationState.Failed, item.State);
            if (item.State == CreationState.Done)
            {
                return item;
            }

            await Task.Delay(20);
        }
    }
}
