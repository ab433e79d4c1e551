using System.Text.Json;
using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class SettingsTests
{
    private static readonly Dictionary<string, object> Nothing = [];

    [Fact]
    public void What_is_not_said_is_the_default()
    {
        var settings = Read("");
        Assert.Equal(0, settings.DownloadLimit);
        Assert.Equal("127.0.0.1:9470", Assert.Single(settings.HttpListen).ToString());
        Assert.True((bool)settings["network.dht"]);
    }

    [Fact]
    public void Every_kind_is_read()
    {
        var settings = Read(
            """
            # a comment
            [limits]
            download = 2_000_000   # bytes
            [queue]
            ratio = 1.5
            seed-time = 60
            [network]
            dht = false
            transport = "tcp"
            bind = ["127.0.0.1", 'eth0', ]
            [events]
            moved = ["/bin/true", "--", "{path}"]
            [folders]
            download = '/srv/a "b"'
            allowed = [ "/srv/\u00e4" ]
            """
        );
        Assert.Equal(2_000_000, settings.DownloadLimit);
        Assert.Equal(1.5, settings.Ratio);
        Assert.False((bool)settings["network.dht"]);
        Assert.Equal(["127.0.0.1", "eth0"], (string[])settings["network.bind"]);
        Assert.Equal(["/srv/a \"b\"", "/srv/ä"], settings.AllowedFolders);
    }

    [Fact]
    public void A_change_keeps_what_the_user_wrote()
    {
        const string text = "# mine\n[queue]\ndownloads = 3  # enough\n[limits]\n";
        var after = With(With(With(text, "queue.downloads", 5L), "limits.upload", 7L), "network.port", 6881L);
        Assert.Equal(
            "# mine\n[queue]\ndownloads = 5  # enough\n[limits]\nupload = 7\n\n[network]\nport = 6881\n",
            after
        );
    }

    [Fact]
    public void The_file_that_explains_everything_changes_nothing_and_takes_every_setting_in_its_place()
    {
        var text = SettingsText.Document(SettingsTable.All);
        Assert.Empty(SettingsReader.Read(text));
        foreach (var setting in SettingsTable.All)
        {
            text = SettingsText.With(text, setting, setting.Default);
        }

        var read = SettingsReader.Read(text);
        Assert.All(
            SettingsTable.All,
            setting => Assert.True(SettingDefinition.AreEqual(setting.Default, read[setting.Key].Value), setting.Key)
        );
        Assert.Equal(
            SettingsTable.All.Count,
            text.Split('\n').Count(line => line.StartsWith('#') && line.Contains(" = "))
        );
    }

    [Fact]
    public void Any_text_comes_back_from_the_file()
    {
        var random = new Random(7);
        var setting = SettingsTable.Find("network.ip-filter")!;
        const string letters = "a\"\\'#[],= é\n\t\u0001";
        for (var i = 0; i < 500; i++)
        {
            string[] value =
            [
                .. Enumerable
                    .Range(0, random.Next(4))
                    .Select(_ => new string(random.GetItems<char>(letters, random.Next(8)))),
            ];
            var read = SettingsReader.Read(SettingsText.With("", setting, value));
            Assert.Equal(value, (string[])read[setting.Key].Value);
        }
    }

    [Fact]
    public void Mutated_files_are_read_or_refused_with_a_line()
    {
        var random = new Random(11);
        var whole = With(SettingsText.Document(SettingsTable.All), "network.bind", new[] { "a", "b" });
        for (var i = 0; i < 2000; i++)
        {
            var text = whole.ToCharArray();
            for (var n = 0; n < 5; n++)
            {
                text[random.Next(text.Length)] = "\n[]=\"'#\\, a1.é"[random.Next(14)];
            }

            try
            {
                DaemonSettings.Of(SettingsReader.Read(new string(text)), Nothing);
            }
            catch (SettingsException error)
            {
                Assert.True(error.Line > 0);
            }
        }
    }

    [Fact]
    public async Task A_change_is_all_or_nothing_and_survives()
    {
        using var folder = new TempFolder();
        var path = folder["settings.toml"];
        using (var store = SettingsStore.Open(path, Nothing))
        {
            var told = new List<long>();
            store.Changed = settings => told.Add(settings.DownloadLimit);
            var error = await Assert.ThrowsAsync<ApiException>(() =>
                store.ChangeAsync(Values("""{"limits.download": 5, "network.port": "x"}"""))
            );
            Assert.Equal(("bad-value", "network.port"), (error.Code, error.Key));
            Assert.Empty(told);

            var result = await store.ChangeAsync(Values("""{"limits.download": 5, "network.port": 6881}"""));
            Assert.Equal(["limits.download", "network.port"], result.Changed);
            Assert.Equal(["network.port"], result.NeedRestart);
            Assert.Equal([5L], told);
        }

        using var again = SettingsStore.Open(path, Nothing);
        Assert.Equal(5, again.Current.DownloadLimit);
        // Edited by hand, wrongly: what holds stays.
        await File.WriteAllTextAsync(path, "[limits]\ndownload = much");
        var wrong = await Assert.ThrowsAsync<ApiException>(again.ReloadAsync);
        Assert.Equal(("settings-file", "limits.download", 2), (wrong.Code, wrong.Key, wrong.Line));
        Assert.Equal(5, again.Current.DownloadLimit);
    }

    [Fact]
    public async Task A_change_holds_now_even_where_the_command_line_said_something_else()
    {
        using var folder = new TempFolder();
        var over = new Dictionary<string, object> { ["limits.download"] = 1000L, ["limits.upload"] = 2000L };
        using (var store = SettingsStore.Open(folder["settings.toml"], over))
        {
            var change = new Dictionary<string, JsonElement> { ["limits.download"] = JsonElement.Parse("0") };
            Assert.Equal(["limits.download"], (await store.ChangeAsync(change)).Changed);
            Assert.Equal(0, store.Current.DownloadLimit);
            Assert.Equal(2000L, store.Current["limits.upload"]);
            await store.ReloadAsync();
            Assert.Equal(0, store.Current.DownloadLimit);
        }

        using var later = SettingsStore.Open(folder["settings.toml"], over);
        Assert.Equal(1000, later.Current.DownloadLimit);
    }

    [Fact]
    public async Task Who_only_has_a_token_names_no_programs()
    {
        using var folder = new TempFolder();
        using var store = SettingsStore.Open(folder["settings.toml"], Nothing);
        foreach (var setting in SettingsTable.All.Where(setting => setting.Section == "events" && setting.OwnerOnly))
        {
            var values = Values($$"""{"limits.download": 5, "{{setting.Key}}": ["/bin/sh", "-c", "id"]}""");
            var error = await Assert.ThrowsAsync<ApiException>(() => store.ChangeAsync(values));
            Assert.Equal((403, "owner-only", setting.Key), (error.Status, error.Code, error.Key));
            Assert.Equal(0, store.Current.DownloadLimit);
            await store.ChangeAsync(values, isOwner: true);
            Assert.Equal(["/bin/sh", "-c", "id"], (string[])store.Current[setting.Key]);
            await store.ChangeAsync(Values("""{"limits.download": 0}"""));
        }
    }

    [Fact]
    public void The_password_of_a_proxy_is_not_shown()
    {
        using var folder = new TempFolder();
        var over = new Dictionary<string, object> { ["network.proxy"] = "socks5://me:secret@127.0.0.1:1080" };
        using var store = SettingsStore.Open(folder["settings.toml"], over);
        var shown = store.List().Settings.Single(setting => setting.Key == "network.proxy").Value.GetString();
        Assert.Equal("socks5://***@127.0.0.1:1080", shown);
    }

    [Fact]
    public void The_document_lists_every_setting_with_its_default()
    {
        var document = SourceTree.Read("docs/settings.md");
        Assert.All(
            SettingsTable.All,
            setting =>
                Assert.Contains(
                    $"| `{setting.Key}` | `{SettingsText.Format(setting.Default)}` | {(setting.NeedsRestart ? "restart" : "at once")} | {setting.Help} |",
                    document,
                    StringComparison.Ordinal
                )
        );
    }

    [Theory]
    [InlineData("""{"folders.allowed": ["/"]}""")]
    [InlineData("""{"folders.download": "/"}""")]
    [InlineData("""{"folders.incomplete": "/var"}""")]
    [InlineData("""{"watch.folders": ["/etc"]}""")]
    public async Task Who_only_has_a_token_opens_no_other_folders(string json)
    {
        using var folder = new TempFolder();
        var over = new Dictionary<string, object> { ["folders.download"] = folder["got"] };
        using var store = SettingsStore.Open(folder["settings.toml"], over);
        var error = await Assert.ThrowsAsync<ApiException>(() => store.ChangeAsync(Values(json)));
        Assert.Equal("path-not-allowed", error.Code);
        await store.ChangeAsync(Values($$"""{"folders.download": "{{folder["got/films"]}}"}"""));
        await store.ChangeAsync(Values(json), isOwner: true);
    }

    [Fact]
    public void Lists_in_lists_are_refused_however_deep() =>
        Assert.Throws<SettingsException>(() => SettingsReader.Read("[network]\nbind = " + new string('[', 1_000_000)));

    [Fact]
    public async Task Half_a_surrogate_pair_is_no_text()
    {
        using var folder = new TempFolder();
        using var store = SettingsStore.Open(folder["settings.toml"], Nothing);
        foreach (var json in new[] { """{"folders.download": "\ud800"}""", """{"watch.folders": ["\ud800"]}""" })
        {
            var error = await Assert.ThrowsAsync<ApiException>(() => store.ChangeAsync(Values(json)));
            Assert.Equal("bad-value", error.Code);
        }
    }

    private static DaemonSettings Read(string text) => DaemonSettings.Of(SettingsReader.Read(text), Nothing);

    private static string With(string text, string key, object value) =>
        SettingsText.With(text, SettingsTable.Find(key)!, value);

    private static Dictionary<string, JsonElement> Values(string json) =>
        JsonElement.Parse(json).EnumerateObject().ToDictionary(field => field.Name, field => field.Value);
}
