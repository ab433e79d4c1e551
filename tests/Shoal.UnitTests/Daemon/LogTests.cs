using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class LogTests
{
    [Fact]
    public void Each_part_has_its_level_and_all_others_the_usual_one()
    {
        var rules = LogRules.Of("warning", ["tracker=debug", "peer=off", "tracker=trace"], "text", isJournal: false);
        Assert.True(rules.IsOn("tracker", LogLevel.Trace));
        Assert.False(rules.IsOn("peer", LogLevel.Error));
        Assert.True(rules.IsOn("disk", LogLevel.Warning));
        Assert.False(rules.IsOn("disk", LogLevel.Information));
        Assert.False(LogRules.Off.IsOn("disk", LogLevel.Error));
        Assert.Null(LogRules.FaultOf("web-seed=off"));
        foreach (var wrong in new[] { "", "tracker", "tracker=loud", "trackers=debug", "=debug" })
        {
            Assert.Contains("PART=LEVEL", LogRules.FaultOf(wrong), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_journal_is_known_by_the_descriptor_that_systemd_names()
    {
        Assert.True(LogRules.IsJournal("9:27042", "socket:[27042]"));
        Assert.False(LogRules.IsJournal("9:27042", "socket:[27043]"));
        // Somebody sent the log elsewhere, and the variable was left over.
        Assert.False(LogRules.IsJournal("9:27042", "/var/log/shoal.log"));
        Assert.False(LogRules.IsJournal(null, "socket:[27042]"));
        Assert.False(LogRules.IsJournal("27042", "socket:[27042]"));
        Assert.Equal(LogForm.Journal, LogRules.Of("info", [], "auto", isJournal: true).Form);
        Assert.Equal(LogForm.Text, LogRules.Of("info", [], "auto", isJournal: false).Form);
        Assert.Equal(LogForm.Json, LogRules.Of("info", [], "json", isJournal: true).Form);
    }

    [Fact]
    public void A_line_stays_one_line_whatever_is_in_it()
    {
        var line = Line("a\nb\r\u001b[31mred\u2028\u202egnorw", exception: "E: x\n   at y");
        var journal = LogText.Format(line, LogForm.Journal);
        Assert.StartsWith("<4>tracker: a | b ", journal, StringComparison.Ordinal);
        Assert.EndsWith("| E: x |    at y\n", journal, StringComparison.Ordinal);
        foreach (var form in Enum.GetValues<LogForm>())
        {
            var text = LogText.Format(line, form);
            Assert.Equal(text.Length - 1, text.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain(text[..^1], char.IsControl);
            Assert.DoesNotContain('\u202e', text);
        }

        var json = JsonElement.Parse(LogText.Format(line, LogForm.Json));
        Assert.Equal("a\nb\r\u001b[31mred\u2028\u202egnorw", json.GetProperty("message").GetString());
        Assert.Equal("warning", json.GetProperty("level").GetString());
        Assert.Equal("1970-01-01T00:00:01.500Z", json.GetProperty("time").GetString());
        Assert.Equal(3, LogText.PriorityOf(LogLevel.Critical));
        Assert.Equal(7, LogText.PriorityOf(LogLevel.Trace));
    }

    [Theory]
    [InlineData("https://t.example:8443/0123456789abcdef/announce failed", "https://t.example:8443/ failed")]
    [InlineData("udp://t.example:80", "udp://t.example:80")]
    [InlineData("'http://me:pass@t.example/a?key=1' is gone", "'http://t.example/' is gone")]
    [InlineData("socks5://u:p@127.0.0.1:1080", "socks5://127.0.0.1:1080")]
    [InlineData("http://h?passkey=77", "http://h")]
    [InlineData("use magnet:?xt=urn:btih:aa&tr=http%3A%2F%2Ft%2Fsecret now", "use magnet:... now")]
    [InlineData("token shoal_AbCdEf-123_xyz!", "token shoal_...!")]
    [InlineData(
        "https://t.example/9f8e7d6c5b4a/announce: passkey 9F8E7D6C5B4A is not known",
        "https://t.example/: passkey ... is not known"
    )]
    [InlineData("nothing to see: 12:30, a/b/c", "nothing to see: 12:30, a/b/c")]
    public void Secrets_in_addresses_do_not_get_into_a_log(string text, string logged)
    {
        Assert.Equal(logged, LogSecrets.Clean(text));
        foreach (var form in Enum.GetValues<LogForm>())
        {
            var line = LogText.Format(Line(text, [new("url", text)], text), form);
            foreach (
                var secret in new[] { "0123456789abcdef", "pass@", "u:p", "=77", "AbCdEf", "9f8e7d6c5b4a", "9F8E" }
            )
            {
                Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Long_texts_are_cut() =>
        Assert.Equal(LogSecrets.MaxText + 3, LogSecrets.Clean(new string('x', 100_000)).Length);

    [Fact]
    public async Task Fields_of_what_is_logged_are_fields_of_the_json()
    {
        var output = new StringWriter();
        await using (var book = new LogBook(output, LogRules.Of("debug", [], "json", false), new VirtualTime()))
        {
            Log.Call(book.CreateLogger(LogParts.Api), "GET", "/api/v1/status", 200, 1.5, "192.0.2.7", "owner");
            Log.Bug(book.CreateLogger(LogParts.Daemon), new InvalidOperationException("x"));
            new Happenings(book).Write(
                new DaemonEvent
                {
                    Id = 1,
                    Kind = "warning",
                    Code = "tracker-failed",
                    Torrent = "aa",
                    Name = "film",
                    Message = "http://t.example/abc: no",
                }
            );
        }

        var lines = output
            .ToString()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonElement.Parse(line))
            .ToList();
        Assert.Equal(3, lines.Count);
        Assert.Equal(
            ("call", 200, 1.5),
            (
                Text(lines[0], "event"),
                lines[0].GetProperty("status").GetInt32(),
                lines[0].GetProperty("milliseconds").GetDouble()
            )
        );
        Assert.Equal("api", Text(lines[0], "part"));
        Assert.Contains("InvalidOperationException: x", Text(lines[1], "exception"), StringComparison.Ordinal);
        Assert.Equal("error", Text(lines[1], "level"));
        Assert.Equal(
            ("tracker", "warning", "aa"),
            (Text(lines[2], "part"), Text(lines[2], "level"), Text(lines[2], "torrent"))
        );
        Assert.Equal("film: http://t.example/: no", Text(lines[2], "message"));
    }

    [Fact]
    public async Task Rules_change_while_it_writes_and_the_framework_is_heard_in_trouble_only()
    {
        var output = new StringWriter();
        await using (var book = new LogBook(output, LogRules.Off, new VirtualTime()))
        {
            var log = book.CreateLogger(LogParts.Disk);
            Assert.False(log.IsEnabled(LogLevel.Error));
            book.Rules = LogRules.Of("info", [], "text", false);
            Assert.True(log.IsEnabled(LogLevel.Information));
            Log.DiskRecovered(log, "film");
            // What it says of requests has their addresses.
            Assert.Same(NullLogger.Instance, book.CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics"));
            var kestrel = book.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.BadRequests");
            Assert.False(kestrel.IsEnabled(LogLevel.Information));
            Assert.True(kestrel.IsEnabled(LogLevel.Warning));
        }

        Assert.Contains("info    disk: The disk of film works again\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_nobody_takes_holds_nobody_up_and_tells_how_much_is_missing()
    {
        using var output = new StuckWriter();
        var book = new LogBook(output, LogRules.Of("info", [], "text", false), new VirtualTime());
        var log = book.CreateLogger(LogParts.Disk);
        for (var i = 0; i < 20_000; i++)
        {
            Log.DiskRecovered(log, "film");
        }

        output.Go.Set();
        await book.DisposeAsync();
        Assert.Contains(
            "lines of the log came faster than they were taken",
            output.ToString(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("torrent-added", null, "torrent", LogLevel.Information)]
    [InlineData("torrent-state", null, "torrent", LogLevel.Debug)]
    [InlineData("torrent-failed", "torrent-failed", "disk", LogLevel.Error)]
    [InlineData("torrent-failed", "internal-error", "torrent", LogLevel.Error)]
    [InlineData("warning", "feed-rule", "feed", LogLevel.Warning)]
    [InlineData("warning", "watch-file", "watch", LogLevel.Warning)]
    [InlineData("warning", "program-failed", "program", LogLevel.Warning)]
    [InlineData("warning", "bind-lost", "network", LogLevel.Warning)]
    [InlineData("warning", "bind-back", "network", LogLevel.Information)]
    [InlineData("warning", "disk-full", "disk", LogLevel.Warning)]
    [InlineData("warning", "internal-error", "daemon", LogLevel.Error)]
    [InlineData("settings-changed", null, "daemon", LogLevel.Information)]
    public void What_happens_is_logged_by_the_part_it_is_of(string kind, string? code, string part, LogLevel level)
    {
        var (of, how, words) = Happenings.Describe(
            new DaemonEvent
            {
                Id = 1,
                Kind = kind,
                Code = code,
            }
        );
        Assert.Equal((part, level), (of, how));
        Assert.NotEmpty(words);
        Assert.Contains(part, LogParts.All);
    }

    private static string Text(JsonElement line, string name) => line.GetProperty(name).GetString()!;

    private static LogLine Line(
        string message,
        IReadOnlyList<KeyValuePair<string, object?>>? fields = null,
        string? exception = null
    ) =>
        new(
            DateTimeOffset.FromUnixTimeMilliseconds(1500),
            LogLevel.Warning,
            "tracker",
            "x",
            message,
            fields ?? [],
            exception
        );

    /// <summary>A pipe that nobody reads, until it is told to go.</summary>
    private sealed class StuckWriter : StringWriter
    {
        public ManualResetEventSlim Go { get; } = new();

        public override Task WriteAsync(System.Text.StringBuilder? value, CancellationToken cancellationToken = default)
        {
            Go.Wait(cancellationToken);
            return base.WriteAsync(value, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            Go.Dispose();
            base.Dispose(disposing);
        }
    }
}
