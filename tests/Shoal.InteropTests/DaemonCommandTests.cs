using System.Text.Json;
using Shoal.Api;

namespace Shoal.InteropTests;

/// <summary>Commands for what the daemon does by itself, against a running one.</summary>
public sealed class DaemonCommandTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Feeds_rules_categories_and_the_schedule_are_set_by_commands()
    {
        using var folder = new StateFolder();
        var films = Directory.CreateDirectory(Path.Combine(folder.Path, "films")).FullName;
        await using var daemon = await DaemonProcess.StartAsync(folder.State);
        async Task<JsonElement[]> Run(params string[] command) =>
            [
                .. (await Lab.RunAsync(Tools.Shoal, [.. command, "--state", folder.State, "--json"]))
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => JsonElement.Parse(line)),
            ];

        await Run("category", "set", "films", "--folder", films, "--ratio", "2");
        await Run("category", "set", "films", "--seed-time", "1h");
        var category = Assert.Single((await daemon.Client.CategoriesAsync(None)).Categories);
        Assert.Equal(
            ("films", films, 2.0, 3600L),
            (category.Name, category.SaveDirectory, category.RatioLimit, category.SeedTimeLimit)
        );
        Assert.Equal(films, Assert.Single(await Run("category", "list")).GetProperty("saveDirectory").GetString());

        // Nobody listens there: it is kept all the same, and its fault is told.
        const string url = "http://127.0.0.1:9/rss.xml";
        await Run("feed", "add", url, "--title", "Films");
        await Run("feed", "add", url, "--interval", "10m");
        await Run("feed", "check");
        var feed = Assert.Single(await Run("feed", "list"));
        Assert.Equal(("Films", 600), (feed.GetProperty("title").GetString(), feed.GetProperty("interval").GetInt64()));
        Assert.Empty(await Run("feed", "entries", url));

        await Run("rule", "set", "new", "--contains", "film 2026", "--once", "--category", "films", "--feed", url);
        await Run("rule", "set", "new", "--lacks", "cam", "--contains", "", "--off");
        var rule = Assert.Single((await daemon.Client.FeedRulesAsync(None)).Rules);
        Assert.Equal(
            (null, "cam", true, "films"),
            (rule.MustContain, rule.MustNotContain, rule.OnceAnEpisode, rule.Category)
        );
        Assert.Equal((false, url), (rule.Enabled, Assert.Single(rule.Feeds)));
        Assert.Equal("new", Assert.Single(await Run("rule", "list")).GetProperty("name").GetString());
        await Run("rule", "set", "late");
        string[] order =
        [
            .. (await Run("rule", "order", "late")).Select(line => line.GetProperty("name").GetString()!),
        ];
        Assert.Equal(["late", "new"], order);
        Assert.Equal(order, (await daemon.Client.FeedRulesAsync(None)).Rules.Select(each => each.Name));
        var refused = await Assert.ThrowsAsync<DaemonException>(() =>
            daemon.Client.OrderFeedRulesAsync(new FeedRuleOrder(["late", "nobody"]), None)
        );
        Assert.Contains("nobody", refused.Message, StringComparison.Ordinal);
        await Run("rule", "remove", "late");

        var shown = await Run(
            "schedule",
            "--at",
            "mon-fri 08:00-18:30",
            "--at",
            "sat,sun 22:00-06:00",
            "--download",
            "4Mbit/s"
        );
        Assert.Equal(
            ["mon-fri 08:00-18:30", "sat,sun 22:00-06:00"],
            Value(shown, "alternative.schedule").EnumerateArray().Select(span => span.GetString())
        );
        Assert.Equal(500_000, Value(shown, "alternative.download").GetInt64());
        Assert.Equal(0, Value(await Run("schedule", "--none"), "alternative.schedule").GetArrayLength());

        await Run("feed", "remove", url);
        await Run("rule", "remove", "new");
        await Run("category", "remove", "films");
        Assert.Empty(await Run("feed", "list"));
        Assert.Empty(await Run("rule", "list"));
        Assert.Empty(await Run("category", "list"));
        await daemon.StopAsync();
    }

    private static JsonElement Value(IEnumerable<JsonElement> settings, string key) =>
        settings.Single(setting => setting.GetProperty("key").GetString() == key).GetProperty("value");
}
