using System.Diagnostics;
using System.Text.Json;
using Shoal.Cli;

namespace Shoal.UnitTests;

public sealed class CreateCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("hybrid")]
    public async Task What_create_writes_show_reads_and_verify_confirms(string format)
    {
        Content();
        var file = _folder["film.torrent"];
        var made = await Json(
            "create",
            _folder["film"],
            "-o",
            file,
            "--format",
            format,
            "--piece-length",
            "16KiB",
            "--json"
        );
        Assert.Equal(file, made.GetProperty("file").GetString());
        var shown = await Json("show", file, "--json");
        foreach (var name in (string[])["infoHashV1", "infoHashV2", "size", "pieces", "pieceLength", "format", "name"])
        {
            Assert.Equal(made.GetProperty(name).ToString(), shown.GetProperty(name).ToString());
        }

        Assert.Equal(format, shown.GetProperty("format").GetString());
        Assert.StartsWith("Shoal", shown.GetProperty("createdBy").GetString(), StringComparison.Ordinal);
        Assert.Equal(40_005, shown.GetProperty("size").GetInt64());
        var verified = await Json("verify", file, "--data", _folder.Path, "--json");
        Assert.True(verified.GetProperty("complete").GetBoolean());
        Assert.Equal(40_005, verified.GetProperty("goodBytes").GetInt64());
    }

    [Fact]
    public void A_reason_names_no_temporary_file() =>
        Assert.Equal(
            "Read-only file system",
            TorrentFile.Reason(new IOException("Read-only file system : '/a/x.torrent.526f17.tmp'"))
        );

    [Fact]
    public async Task A_passphrase_that_cannot_be_read_is_told_with_the_option_that_names_it()
    {
        Content();
        string[] command =
        [
            "publish",
            "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c",
            "--key",
            _folder["key"],
            "--protect-key",
        ];
        var run = await CliRun.Of([.. command, "--key-passphrase", _folder["nothing"], "--state", _folder["state"]]);
        run.IsOneLine(1, "--key-passphrase", "no such file");
    }

    [Fact]
    public async Task A_name_that_is_not_utf8_is_told_as_that()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Content();
        await ShellAsync("touch \"$1/film/bad$(printf '\\377')\"");
        var run = await CliRun.Of("create", _folder["film"], "-o", _folder["film.torrent"]);
        await ShellAsync("rm \"$1\"/film/bad*");
        run.IsOneLine(1, "/film/bad", "not UTF-8", "rename it");
        Assert.False(File.Exists(_folder["film.torrent"]));
    }

    // .NET can neither make nor delete such a name.
    private async Task ShellAsync(string script)
    {
        using var shell = Process.Start("sh", ["-c", script, "sh", _folder.Path]);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
    }

    [Fact]
    public async Task Every_option_arrives_in_the_torrent()
    {
        Content();
        var made = await Json(
            "create",
            _folder["film"],
            "-o",
            _folder.Path,
            "--json",
            "--tracker",
            "http://a.example/announce, udp://b.example:1/announce",
            "--tracker",
            "http://c.example/announce",
            "--web-seed",
            "https://w.example/x",
            "--private",
            "--name",
            "other",
            "--comment",
            "Hello",
            "--source",
            "club",
            "--date",
            "1234567890"
        );
        Assert.Equal(_folder["other.torrent"], made.GetProperty("file").GetString());
        Assert.Equal(
            "[[\"http://a.example/announce\",\"udp://b.example:1/announce\"],[\"http://c.example/announce\"]]",
            made.GetProperty("trackers").ToString()
        );
        Assert.Equal("[\"https://w.example/x\"]", made.GetProperty("webSeeds").ToString());
        Assert.True(made.GetProperty("private").GetBoolean());
        Assert.Equal("other", made.GetProperty("name").GetString());
        Assert.Equal("Hello", made.GetProperty("comment").GetString());
        Assert.Equal("club", made.GetProperty("source").GetString());
        Assert.Equal(1234567890, made.GetProperty("creationDate").GetInt64());
    }

    [Fact]
    public async Task The_same_input_and_date_give_the_same_bytes()
    {
        Content();
        foreach (
            var arguments in (string[][])
                [
                    ["--date", "5"],
                    ["--no-date"],
                ]
        )
        {
            await Done(["create", _folder["film"], "-o", _folder["1.torrent"], .. arguments]);
            await Done(["create", _folder["film"], "-o", _folder["2.torrent"], .. arguments]);
            Assert.Equal(File.ReadAllBytes(_folder["1.torrent"]), File.ReadAllBytes(_folder["2.torrent"]));
        }

        var shown = await Json("show", _folder["1.torrent"], "--json");
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("creationDate").ValueKind);
    }

    [Fact]
    public async Task Bad_input_gets_one_line_and_leaves_no_file()
    {
        Content();
        var before = _folder.Files;
        (await CliRun.Of("create", _folder["none"], "-o", _folder["x.torrent"])).IsOneLine(1, "none");
        (await CliRun.Of("create", _folder["film"], "-o", _folder["no/such/x.torrent"])).IsOneLine(1, "x.torrent");
        (await CliRun.Of("create", "-o", _folder["x.torrent"])).IsOneLine(2, "needs PATH");
        await Refused("--format", "v3");
        await Refused("--piece-length", "20KiB");
        await Refused("--piece-length", "8KiB");
        await Refused("--piece-length", "1GiB");
        await Refused("--piece-length", "big");
        await Refused("--tracker", "a.example");
        await Refused("--tracker", ",");
        await Refused("--tracker", "ftp://a.example/announce");
        await Refused("--web-seed", "udp://a.example");
        await Refused("--name", "../x");
        await Refused("--name", "");
        await Refused("--date", "yesterday");
        await Refused("--date", "1", "--no-date");
        Assert.Equal(before, _folder.Files);

        async Task Refused(params string[] arguments) =>
            (await CliRun.Of(["create", _folder["film"], "-o", _folder["x.torrent"], .. arguments])).IsOneLine(
                2,
                arguments[0]
            );
    }

    [Fact]
    public async Task A_stop_leaves_nothing_behind()
    {
        Content();
        var before = _folder.Files;
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        var run = await CliRun.Of(stopped.Token, "create", _folder["film"], "-o", _folder["x.torrent"]);
        Assert.Equal((130, "", ""), (run.Exit, run.Out, run.Error));
        Assert.Equal(before, _folder.Files);
    }

    private void Content()
    {
        _folder.Write("film/reels/1.mkv", 40_000);
        _folder.Write("film/ä 音.txt", 5, seed: 2);
        _folder.Write("film/empty", 0);
    }

    private static async Task<JsonElement> Json(params string[] arguments)
    {
        var run = await CliRun.Of(arguments);
        Assert.Equal((0, ""), (run.Exit, run.Error));
        return JsonDocument.Parse(run.Out).RootElement;
    }

    private static async Task Done(string[] arguments) => Assert.Equal(0, (await CliRun.Of(arguments)).Exit);
}
