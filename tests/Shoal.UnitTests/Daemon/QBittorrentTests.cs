using System.Buffers;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class QBittorrentTests
{
    [Fact]
    public void Every_call_stands_in_the_document()
    {
        var document = SourceTree.Read("docs/compatibility.md");
        Assert.All(QBittorrentApi.Names, name => Assert.Contains($"`{name}`", document, StringComparison.Ordinal));
    }

    [Fact]
    public void A_login_ends_with_its_token_with_idleness_and_when_there_are_too_many()
    {
        using var folder = new TempFolder();
        var time = new VirtualTime();
        var access = AccessKeys.Open(folder["tokens.json"], time);
        var token = access.Create("app", AccessScope.Control);
        var sessions = new QBittorrentSessions(access, time);
        Assert.Null(sessions.Start("wrong"));
        Assert.Null(sessions.Start(""));
        // A browser's login is no password.
        Assert.Null(sessions.Start(access.Redeem(access.CreateCode(), "browser")!.Value.Secret));

        var secret = sessions.Start(token.Secret)!;
        Assert.Equal(AccessScope.Control, sessions.Find(secret)!.Value.Scope);
        Assert.Null(sessions.Find(secret + "0"));
        Assert.Null(sessions.Find(token.Secret));
        time.Advance(QBittorrentSessions.IdleTime - TimeSpan.FromSeconds(1));
        Assert.NotNull(sessions.Find(secret));
        time.Advance(QBittorrentSessions.IdleTime - TimeSpan.FromSeconds(1));
        Assert.NotNull(sessions.Find(secret));
        time.Advance(QBittorrentSessions.IdleTime + TimeSpan.FromSeconds(1));
        Assert.Null(sessions.Find(secret));

        var first = sessions.Start(token.Secret)!;
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < QBittorrentSessions.MaxSessions; i++)
        {
            Assert.NotNull(sessions.Find(sessions.Start(token.Secret)!));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Null(sessions.Find(first));
        var last = sessions.Start(token.Secret)!;
        sessions.End(last);
        Assert.Null(sessions.Find(last));
        last = sessions.Start(token.Secret)!;
        access.Remove("app");
        Assert.Null(sessions.Find(last));
    }

    [Fact]
    public void Changes_put_together_are_what_there_is_whatever_answers_get_lost()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var data = new QBittorrentMainData();
        var now = Change(null, random);
        var app = new Dictionary<string, Dictionary<string, string>>();
        long rid = 0;
        for (var round = 0; round < 500; round++)
        {
            now = Change(now, random);
            var answer = Ask(data, rid, now);
            if (random.Next(4) == 0)
            {
                // Lost on the way.
                continue;
            }

            rid = answer.GetProperty("rid").GetInt64();
            Merge(app, answer);
            Assert.True(app.Count == now.Torrents.Count, $"seed {seed}");
            foreach (var (hash, facts) in now.Torrents)
            {
                foreach (var (name, of) in QBittorrentFields.All)
                {
                    Assert.True(app[hash][name] == Json(of(facts)), $"{name}, seed {seed}");
                }
            }
        }
    }

    [Theory]
    [InlineData(TorrentPhase.Paused, false, false, 0, "stoppedDL")]
    [InlineData(TorrentPhase.Paused, true, false, 0, "stoppedUP")]
    [InlineData(TorrentPhase.Queued, false, false, 0, "queuedDL")]
    [InlineData(TorrentPhase.Downloading, false, false, 0, "stalledDL")]
    [InlineData(TorrentPhase.Downloading, false, false, 5, "downloading")]
    [InlineData(TorrentPhase.Downloading, false, true, 5, "forcedDL")]
    [InlineData(TorrentPhase.Seeding, true, false, 5, "uploading")]
    [InlineData(TorrentPhase.Seeding, true, false, 0, "stalledUP")]
    [InlineData(TorrentPhase.Metadata, false, false, 0, "metaDL")]
    [InlineData(TorrentPhase.Metadata, false, true, 0, "forcedMetaDL")]
    [InlineData(TorrentPhase.Checking, true, false, 0, "checkingUP")]
    [InlineData(TorrentPhase.Loading, true, false, 0, "checkingResumeData")]
    [InlineData(TorrentPhase.Failed, true, true, 0, "error")]
    public void States_have_their_words(TorrentPhase phase, bool isDone, bool isForced, long rate, string word)
    {
        var item = Item("a") with
        {
            State = phase,
            CompletedAt = isDone ? 5 : null,
            Forced = isForced,
            DownloadRate = rate,
            UploadRate = rate,
        };
        Assert.Equal(word, QBittorrentFields.State(Facts(item)));
        Assert.Equal("moving", QBittorrentFields.State(Facts(item with { MovingTo = "/x" })));
    }

    [Fact]
    public void Limits_of_ratio_and_time_come_back_as_they_were_set()
    {
        foreach (var (ratio, minutes) in new[] { (-2d, -2L), (-1d, -1L), (1.5, 90L), (3, 1) })
        {
            var own = QBittorrentActions.RatioOf(ratio);
            var time = QBittorrentActions.SeedTimeOf(minutes);
            // -1 of a change means "as the settings say", which is nothing of the torrent's own.
            var item = Item("a") with
            {
                RatioLimit = own < 0 ? null : own,
                SeedTimeLimit = time < 0 ? null : time,
            };
            Assert.Equal(ratio, QBittorrentFields.OwnRatio(item));
            Assert.Equal(minutes, QBittorrentFields.OwnSeedTime(item));
        }
    }

    [Fact]
    public void Values_are_written_and_sorted_by_their_kind()
    {
        Assert.Equal("1.5", Json(1.5));
        Assert.Equal("0", Json(double.NaN));
        Assert.Equal("9007199254740993", Json(9_007_199_254_740_993));
        Assert.Equal("\"a\\u003Cb\"", Json("a<b"));
        Assert.Equal("null", Json(QBittorrentValue.Null));
        Assert.True(((QBittorrentValue)"B").CompareTo("a") > 0);
        Assert.True(((QBittorrentValue)2).CompareTo(10) < 0);
        Assert.True(((QBittorrentValue)0.5).CompareTo(0.25) > 0);
        Assert.NotEqual((QBittorrentValue)1L, (QBittorrentValue)2L);
        Assert.NotEqual((QBittorrentValue)1d, (QBittorrentValue)2d);
    }

    private static QBittorrentSnapshot Change(QBittorrentSnapshot? before, Random random)
    {
        var torrents = new Dictionary<string, QBittorrentFacts>(
            before?.Torrents ?? new Dictionary<string, QBittorrentFacts>()
        );
        for (var i = 0; i < 5; i++)
        {
            var hash = $"{random.Next(20):x40}";
            if (random.Next(3) == 0)
            {
                torrents.Remove(hash);
            }
            else
            {
                torrents[hash] = Facts(
                    Item(hash) with
                    {
                        DownloadRate = random.Next(3),
                        Labels = random.Next(2) == 0 ? ["x"] : [],
                        Progress = random.NextDouble(),
                    }
                );
            }
        }

        return new QBittorrentSnapshot
        {
            Torrents = torrents,
            Categories = new Dictionary<string, QBittorrentValue> { [$"c{random.Next(3)}"] = "" },
            Tags = new HashSet<string> { $"t{random.Next(3)}" },
            Trackers = new Dictionary<string, IReadOnlyList<string>>(),
            Server = [("dl_info_speed", random.Next(2))],
        };
    }

    private static JsonElement Ask(QBittorrentMainData data, long rid, QBittorrentSnapshot now)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            data.Write(json, rid, _ => now);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private static void Merge(Dictionary<string, Dictionary<string, string>> app, JsonElement answer)
    {
        if (answer.TryGetProperty("full_update", out _))
        {
            app.Clear();
        }

        if (answer.TryGetProperty("torrents", out var torrents))
        {
            foreach (var torrent in torrents.EnumerateObject())
            {
                app.TryAdd(torrent.Name, []);
                foreach (var field in torrent.Value.EnumerateObject())
                {
                    app[torrent.Name][field.Name] = field.Value.GetRawText();
                }
            }
        }

        if (answer.TryGetProperty("torrents_removed", out var gone))
        {
            foreach (var hash in gone.EnumerateArray())
            {
                app.Remove(hash.GetString()!);
            }
        }
    }

    private static string Json(QBittorrentValue value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            value.Write(json);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static TorrentItem Item(string id) =>
        new()
        {
            Id = id,
            Name = "name of " + id,
            SaveDirectory = "/data",
        };

    private static QBittorrentFacts Facts(TorrentItem item) =>
        new()
        {
            Item = item,
            Hash = item.Id,
            Magnet = "magnet:?xt=" + item.Id,
        };
}
