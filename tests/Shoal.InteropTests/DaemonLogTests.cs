using System.Net.Http.Headers;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>What the daemon writes to its log, and what it does not.</summary>
public sealed class DaemonLogTests(Library library)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Nothing_secret_is_logged_even_where_everything_is()
    {
        var sample = await library.DataAsync("v1");
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(
            folder.State,
            "--log",
            "trace",
            "--set",
            "log.format=json",
            "--set",
            $"folders.download={sample.Parent}"
        );
        var secrets = new List<string> { "0pass4key8word", "Us3rSecret99" };
        var made = await daemon.Client.CreateTokenAsync(new NewToken("app", AccessScope.Admin), None);
        secrets.Add(made.Secret);
        var id = (
            await daemon.Client.AddAsync(
                new AddTorrent { Metainfo = Convert.ToBase64String(await File.ReadAllBytesAsync(sample.File)) },
                None
            )
        ).Id;
        await daemon.WaitCompleteAsync(id);
        await daemon.Client.SetTrackersAsync(
            id,
            new TrackerChange([
                ["http://me:Us3rSecret99@127.0.0.1:9/0pass4key8word/announce?key=0pass4key8word"],
            ]),
            None
        );
        var link = daemon.Ready.GetProperty("loginUrl").GetString()!;
        var code = link[(link.IndexOf('=', StringComparison.Ordinal) + 1)..];
        secrets.Add(code);
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
            }
        );
        await http.GetStringAsync(link);
        using var logged = await http.PostAsync(daemon.Url + "login", new FormUrlEncodedContent([new("code", code)]));
        secrets.Add(logged.Headers.GetValues("Set-Cookie").Single().Split('=', ';')[1]);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", made.Secret);
        await http.GetStringAsync(daemon.Url + "api/v1/status");
        var stream = await daemon.Client.CreateStreamLinkAsync(id, new NewStreamLink(), None);
        secrets.Add(stream.Url![(stream.Url!.IndexOf("key=", StringComparison.Ordinal) + 4)..]);
        await http.GetAsync(stream.Url);
        await http.GetAsync(daemon.Url + $"api/v1/status?token={made.Secret}");

        JsonElement Find(string part, string name) =>
            LogOf(daemon).Find(line => Text(line, "part") == part && Text(line, "event") == name);
        // Other trackers of the sample fail too, in any order.
        await daemon.Process.WaitForLineAsync(
            line =>
                line.Contains("\"tracker-failed\"", StringComparison.Ordinal)
                && line.Contains("127.0.0.1:9", StringComparison.Ordinal),
            DaemonProcess.Patience
        );
        var call = Find("api", "call");
        Assert.Equal(JsonValueKind.Number, call.GetProperty("status").ValueKind);
        Assert.Equal(id, Text(Find("torrent", "torrent-added"), "torrent"));
        Assert.Contains(
            LogOf(daemon),
            line =>
                Text(line, "part") == "tracker"
                && Text(line, "event") == "warning"
                && Text(line, "message").Contains("127.0.0.1:9", StringComparison.Ordinal)
        );
        Assert.Equal("app", Text(Find("access", "token-made"), "name"));
        Assert.NotEqual(default, Find("access", "logged-in"));
        Assert.NotEqual(default, Find("daemon", "started"));
        Assert.All(
            secrets,
            secret =>
            {
                Assert.True(secret.Length > 8, secret);
                Assert.DoesNotContain(
                    daemon.Process.Lines,
                    line =>
                        !line.Contains("\"event\":\"listening\",\"port\"", StringComparison.Ordinal)
                        && line.Contains(secret, StringComparison.OrdinalIgnoreCase)
                );
            }
        );

        // Levels change while it runs.
        await daemon.Client.ChangeSettingsAsync(
            new() { ["log.level"] = JsonSerializer.SerializeToElement("off") },
            None
        );
        await Task.Delay(300);
        var before = daemon.Process.Lines.Length;
        await daemon.Client.StatusAsync(None);
        await Task.Delay(300);
        Assert.Equal(before, daemon.Process.Lines.Length);
        await daemon.StopAsync();
    }

    [Fact]
    public async Task A_wrong_part_or_level_is_told_with_what_there_is()
    {
        using var folder = new StateFolder();
        await using var daemon = DaemonProcess.Start(folder.State, "--log", "trackers=debug");
        Assert.Equal(1, await daemon.WaitForExitAsync(TimeSpan.FromSeconds(20)));
        Assert.Contains(
            daemon.Lines,
            line =>
                line.Contains("log.parts", StringComparison.Ordinal)
                && line.Contains("web-seed", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Lines_for_people_have_a_date_a_level_and_a_part()
    {
        using var folder = new StateFolder();
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        await daemon.Process.WaitForLineAsync(
            line =>
                System.Text.RegularExpressions.Regex.IsMatch(
                    line,
                    @"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} info    daemon: Shoal .* runs with 0 torrents"
                ),
            TimeSpan.FromSeconds(10)
        );
        await daemon.StopAsync();
    }

    private static List<JsonElement> LogOf(DaemonProcess daemon) =>
        [
            .. daemon
                .Process.Lines.Where(line => line.StartsWith("{\"time\"", StringComparison.Ordinal))
                .Select(line => JsonElement.Parse(line)),
        ];

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;
}
