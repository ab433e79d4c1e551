namespace Shoal.UnitTests;

public sealed class MemberCommandTests
{
    [Theory]
    [InlineData("magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c", "this is no invitation")]
    [InlineData("https://hub.example:7450/join", "cut off")]
    [InlineData("https://hub.example:7450/join#AbhQBncFdNUmRntfb3UE31pioMCU2D8WuKQMOQ", "damaged")]
    public async Task A_link_that_is_none_is_told_why_and_never_repeated(string link, string why)
    {
        var given = await CliRun.Of("join", link);
        given.IsOneLine(2, why);
        Assert.DoesNotContain("AbhQBncF", given.Error, StringComparison.Ordinal);
        (await CliRun.With(link + "\n", null, "join", "-")).IsOneLine(2, why);
        (await CliRun.With(link + "\n", null, "join")).IsOneLine(2, why);
    }

    [Fact]
    public async Task Nothing_or_far_too_much_from_the_standard_input_is_refused()
    {
        (await CliRun.With("", null, "join", "-")).IsOneLine(2, "nothing came");
        (await CliRun.With(new string('x', 100_000), null, "join", "-")).IsOneLine(2, "too long");
    }

    [Fact]
    public async Task Who_is_no_member_yet_is_told_how_to_become_one()
    {
        using var folder = new TempFolder();
        string[][] commands =
        [
            ["catalogue"],
            ["catalogue", "get", "x"],
            ["catalogue", "withdraw", "x"],
            ["invite", "create"],
            ["invite", "list"],
            ["invite", "revoke", "aebagbafaydqq"],
            ["member", "list"],
            ["member", "revoke", "2cvezdqnzxnyfpkkflj7xtlhq4"],
            ["member", "receipts"],
            ["member", "receipts", "--on"],
            ["custody", "status", "x"],
            ["custody", "challenge", "x"],
        ];
        foreach (var command in commands)
        {
            var run = await CliRun.With(null, folder.Path, command);
            run.IsOneLine(1, "no member", "shoal join");
        }

        (await CliRun.With(null, folder.Path, "catalogue", "--hub", "a b")).IsOneLine(1, "no member");
        (await CliRun.With(null, folder.Path, "publish", folder.Path, "--hub", "hub.example")).IsOneLine(
            1,
            "no member there"
        );
    }

    [Fact]
    public async Task Options_out_of_their_range_are_refused_before_anything_is_asked()
    {
        using var folder = new TempFolder();
        (await CliRun.Of("invite", "create", "--uses", "0")).IsOneLine(2, "--uses");
        (await CliRun.Of("invite", "create", "--role", "emperor")).IsOneLine(2, "--role");
        (await CliRun.Of("invite", "revoke", "x")).IsOneLine(2, "'x' is no invitation's id");
        (await CliRun.Of("member", "revoke", "x")).IsOneLine(2, "'x' is no member's id");
        (await CliRun.Of("publish", "x.torrent", "--licence", "MIT")).IsOneLine(2, "--licence goes with --hub");
        (await CliRun.Of("hub", "--certificate-lifetime", "1m")).IsOneLine(2, "--certificate-lifetime");
        (await CliRun.Of("hub", "--announce-interval", "2h")).IsOneLine(2, "--announce-interval");
        (await CliRun.Of("hub", "--host", "a b")).IsOneLine(2, "--host");
        (await CliRun.Of("hub", "--receipts", "all")).IsOneLine(2, "--receipts", "none, sums or signed");
        (await CliRun.Of("hub", "--metrics", "9450")).IsOneLine(2, "--metrics");
        (await CliRun.Of("member", "receipts", "--on", "--off")).IsOneLine(2, "--on and --off");
        (await CliRun.Of("custody", "challenge", "x", "--blocks", "65")).IsOneLine(2, "--blocks");
        (await CliRun.Of("custody", "challenge", "x", "--count", "0")).IsOneLine(2, "--count");
        (await CliRun.Of("custody", "challenge", "x", "--wait", "2h")).IsOneLine(2, "--wait");
        (await CliRun.Of("custody", "challenge", "x", "--member", "y")).IsOneLine(2, "--member");
        (await CliRun.Of("publish", "x.torrent", "--ask-receipts")).IsOneLine(2, "--ask-receipts goes with --hub");
        (await CliRun.Of("publish", "x.torrent", "--super-seed")).IsOneLine(2, "--super-seed goes with --hub");
        (await CliRun.Of("publish", "x", "--hub", "a.example", "--super-seed", "--once")).IsOneLine(2, "--super-seed");
        (await CliRun.Of("publish", "x", "--hub", "a.example", "--super-seed", "--in-daemon")).IsOneLine(
            2,
            "--super-seed"
        );
        (await CliRun.Of("publish", "x.torrent", "--hub-host", "a.example")).IsOneLine(2, "go with --with-hub");
        (await CliRun.Of("publish", "x", "--with-hub", "--hub", "a.example")).IsOneLine(2, "not with --hub");
        (await CliRun.Of("publish", "x", "--with-hub", "--once")).IsOneLine(2, "not with --once");
        (await CliRun.Of("publish", "x", "--with-hub", "--in-daemon")).IsOneLine(2, "not with --in-daemon");
        (await CliRun.Of("hub", "--postgres", folder["none"])).IsOneLine(1, "--postgres");
        var table = folder.Write("people.csv", "name,role\nAda,emperor\n"u8.ToArray());
        (await CliRun.Of("invite", "import", table)).IsOneLine(1, "line 2", "nobody was invited");
        (await CliRun.Of("invite", "import", folder["none.csv"])).IsOneLine(1, "none.csv");
    }

    [Fact]
    public async Task A_group_of_commands_alone_shows_its_help()
    {
        var run = await CliRun.Of("invite");
        Assert.Equal((2, ""), (run.Exit, run.Out));
        Assert.Contains("shoal invite COMMAND", run.Error, StringComparison.Ordinal);
        (await CliRun.Of("invite", "crate")).IsOneLine(2, "did you mean 'create'?");
    }
}
