using Shoal.Daemon;

namespace Shoal.UnitTests;

/// <summary>Programs for events, and files of watch folders.</summary>
public sealed class AutomationRuleTests
{
    [Fact]
    public void Whatever_a_name_is_it_is_one_argument()
    {
        string[] names = ["a b", "\"; rm -rf / #", "$(reboot)", "`id`", "--help", "{id}", "x\n y\0z", "é\u202e", "*"];
        foreach (var name in names)
        {
            var call = EventProgram.Create(
                ["/bin/tell", "--", "{name}", "it's {name}!", "{unknown}", "{", "{name"],
                Entry(name),
                "torrent-completed",
                null
            );
            var clean = name.Replace("\n", "", StringComparison.Ordinal).Replace("\0", "", StringComparison.Ordinal);
            Assert.Equal("/bin/tell", call.Program);
            Assert.Equal(["--", clean, $"it's {clean}!", "{unknown}", "{", "{name"], call.Arguments);
            Assert.Equal(clean, call.Environment["SHOAL_NAME"]);
        }
    }

    [Fact]
    public void The_environment_says_everything_and_nothing_of_it_is_missing()
    {
        var entry = Entry("film") with
        {
            Category = "films",
            Labels = ["new", "hd"],
            IncompleteDirectory = "/tmp/part",
        };
        var call = EventProgram.Create(["/bin/true"], entry, "torrent-failed", "the disk\nis full");
        Assert.Empty(call.Arguments);
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["SHOAL_EVENT"] = "torrent-failed",
                ["SHOAL_NAME"] = "film",
                ["SHOAL_ID"] = "0123",
                ["SHOAL_PATH"] = "/tmp/part/film",
                ["SHOAL_DIRECTORY"] = "/tmp/part",
                ["SHOAL_CATEGORY"] = "films",
                ["SHOAL_LABELS"] = "new,hd",
                ["SHOAL_SIZE"] = "7",
                ["SHOAL_INFOHASH_V1"] = "0123",
                ["SHOAL_INFOHASH_V2"] = "",
                ["SHOAL_MESSAGE"] = "the diskis full",
            },
            call.Environment
        );
        var document = SourceTree.Read("docs/automation.md");
        Assert.All(call.Environment.Keys, name => Assert.Contains($"`{name}`", document, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Renamed", "/srv/Renamed")]
    [InlineData("below/film.mkv", "/srv/below/film.mkv")]
    [InlineData("", "/srv/")]
    [InlineData(null, "/srv/film")]
    public void The_path_is_what_the_content_is_called_by_now(string? content, string path)
    {
        var entry = Entry("film") with { SaveDirectory = "/srv/" };
        var call = EventProgram.Create(["/bin/true", "{path}"], entry, "torrent-completed", null, content);
        Assert.Equal(path, Assert.Single(call.Arguments));
        Assert.Equal(path, call.Environment["SHOAL_PATH"]);
    }

    [Fact]
    public void A_file_is_tried_when_it_rests_and_is_broken_when_it_rested_long()
    {
        var rule = new WatchRule();
        TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
        WatchedFile File(long size, long changed = 1) => new("a.torrent", size, changed);
        Assert.Empty(rule.Look([File(0)], At(0)));
        Assert.Empty(rule.Look([File(0)], At(60)));
        // It grows.
        Assert.Empty(rule.Look([File(10)], At(61)));
        Assert.Empty(rule.Look([File(20)], At(62)));
        Assert.Empty(rule.Look([File(20)], At(63)));
        Assert.Equal(["a.torrent"], rule.Look([File(20)], At(64)));
        Assert.False(rule.IsBroken("a.torrent", At(64)));
        // Half of it was there: not tried each time.
        Assert.Empty(rule.Look([File(20)], At(70)));
        // The writer goes on after a while.
        Assert.Empty(rule.Look([File(30)], At(80)));
        Assert.Equal(["a.torrent"], rule.Look([File(30)], At(82)));
        Assert.Equal(["a.torrent"], rule.Look([File(30)], At(110)));
        Assert.True(rule.IsBroken("a.torrent", At(110)));
        // Same size, other time.
        Assert.Empty(rule.Look([File(30, 2)], At(111)));
        // Gone and back: it begins anew.
        Assert.Empty(rule.Look([], At(112)));
        Assert.False(rule.IsBroken("a.torrent", At(200)));
        Assert.Empty(rule.Look([File(30, 2)], At(200)));
    }

    [Fact]
    public void Of_a_flood_of_files_a_bounded_number_is_looked_at()
    {
        var rule = new WatchRule();
        var files = Enumerable.Range(0, 5000).Select(i => new WatchedFile($"{i}.torrent", 1, 1)).ToList();
        rule.Look(files, TimeSpan.Zero);
        Assert.Equal(WatchRule.MaxFiles, rule.Look(files, TimeSpan.FromSeconds(5)).Count);
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("../../etc")]
    [InlineData("..")]
    public void A_path_stays_below_the_folder_whatever_the_name(string name)
    {
        var call = EventProgram.Create(["/bin/true", "{path}"], Entry(name), "torrent-added", null);
        Assert.StartsWith("/srv/", Path.GetFullPath(call.Environment["SHOAL_PATH"]), StringComparison.Ordinal);
        Assert.StartsWith("/srv/", Path.GetFullPath(call.Arguments[0]), StringComparison.Ordinal);
    }

    private static LibraryEntry Entry(string name) =>
        new()
        {
            Id = "0123",
            InfoHashV1 = "0123",
            Name = name,
            Size = 7,
            SaveDirectory = "/srv",
        };
}
