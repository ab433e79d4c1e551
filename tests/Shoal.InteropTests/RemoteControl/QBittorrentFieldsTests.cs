using System.Text.Json;

namespace Shoal.InteropTests;

/// <summary>Our answers beside those of Debian's qbittorrent-nox, for the same torrent.</summary>
public sealed class QBittorrentFieldsTests(Library library)
{
    [Fact]
    public async Task Answers_have_all_the_fields_that_qBittorrent_gives()
    {
        var sample = await library.DataAsync("v1");
        await using var lab = await Lab.CreateAsync("qf");
        var host = await lab.AddHostAsync("other");
        var other = await new QBittorrentClient().SeedAsync(host, sample, sample.Parent);
        await using var run = await QBittorrentCaller.StartAsync();
        await run.AddCompleteAsync(sample);
        async Task<JsonElement> Theirs(string call) =>
            JsonElement.Parse(await host.RunAsync("curl", "-s", "http://127.0.0.1:8080/api/v2/" + call));

        foreach (
            var call in new[]
            {
                "torrents/info",
                "torrents/properties?hash=" + sample.InfoHash,
                "torrents/trackers?hash=" + sample.InfoHash,
                "torrents/files?hash=" + sample.InfoHash,
                "sync/maindata",
                "sync/torrentPeers?hash=" + sample.InfoHash,
                "transfer/info",
                "app/preferences",
                "app/buildInfo",
                "log/main",
            }
        )
        {
            AssertHasAll(await Theirs(call), await run.JsonAsync(call), call);
        }

        // These are compared as they are.
        foreach (var call in new[] { "torrents/pieceHashes", "torrents/pieceStates", "torrents/webseeds" })
        {
            var query = $"{call}?hash={sample.InfoHash}";
            // It asks its engine for the pieces when it is asked for the first time, and has none until then.
            for (
                var i = 0;
                i < 100
                    && call.Contains("piece", StringComparison.Ordinal)
                    && (await Theirs(query)).GetArrayLength() == 0;
                i++
            )
            {
                await Task.Delay(100);
            }

            Assert.Equal((await Theirs(query)).GetRawText(), (await run.JsonAsync(query)).GetRawText());
        }

        var files = "torrents/files?hash=" + sample.InfoHash;
        foreach (
            var (theirs, ours) in (await Theirs(files))
                .EnumerateArray()
                .Zip((await run.JsonAsync(files)).EnumerateArray())
        )
        {
            foreach (var field in new[] { "index", "name", "size", "priority", "progress" })
            {
                Assert.Equal(theirs.GetProperty(field).ToString(), ours.GetProperty(field).ToString());
            }
        }

        await other.StopAsync();
    }

    /// <summary>Whatever fields the other has, in objects and lists, are there with values of the same kind.</summary>
    private static void AssertHasAll(JsonElement theirs, JsonElement ours, string where)
    {
        // Maps of their own things: one of each is compared.
        if (theirs.ValueKind == JsonValueKind.Array)
        {
            Assert.True(ours.ValueKind == JsonValueKind.Array, where);
            if (theirs.GetArrayLength() > 0)
            {
                Assert.True(ours.GetArrayLength() > 0, where + " is empty");
                AssertHasAll(theirs[0], ours[0], where + "[0]");
            }

            return;
        }

        if (theirs.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        foreach (var field in theirs.EnumerateObject())
        {
            var name = $"{where}.{field.Name}";
            if (!ours.TryGetProperty(field.Name, out var value))
            {
                // What only their engine has is not in our preferences.
                Assert.True(where == "app/preferences", name + " is missing");
                continue;
            }

            // A word since version 5, which we say we are; Debian's has a number.
            if (name == "app/preferences.proxy_type")
            {
                continue;
            }

            Assert.True(
                Kind(field.Value) == Kind(value),
                $"{name}: {field.Value.ValueKind} there, {value.ValueKind} here"
            );
            AssertHasAll(field.Value, value, name);
        }
    }

    private static JsonValueKind Kind(JsonElement value) =>
        value.ValueKind == JsonValueKind.False ? JsonValueKind.True : value.ValueKind;
}
