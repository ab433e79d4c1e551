using System.CommandLine;
using Shoal.Cli;

namespace Shoal.UnitTests;

public sealed class CommandLineTests
{
    // The first release, by the contract, and what goes with the daemon.
    private static readonly string[] Commands =
    [
        "create",
        "show",
        "share",
        "seed",
        "get",
        "publish",
        "verify",
        "tracker",
        "daemon",
        "add",
        "list",
        "status",
        "pause",
        "resume",
        "remove",
        "limit",
        "move",
        "recheck",
        "peers",
        "files",
        "stream",
        "trackers",
        "label",
        "category",
        "feed",
        "rule",
        "schedule",
        "settings",
        "token",
        "login",
        "stop",
        "doctor",
        "hub",
        "invite",
        "join",
        "catalogue",
        "member",
        "custody",
        "completion",
    ];

    private static RootCommand Root { get; } = ShoalProgram.Build(CliRun.Nowhere);

    private static IEnumerable<Command> All(Command command) =>
        command.Subcommands.Where(sub => !sub.Hidden).SelectMany(sub => All(sub).Append(sub));

    [Theory]
    [InlineData("share", "")]
    [InlineData("list", "--state", "")]
    [InlineData("daemon", "--state", "")]
    [InlineData("get", "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c", "-o", "")]
    [InlineData("get", "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c", "--ip-filter", "")]
    [InlineData("hub", "--folder", "")]
    public async Task A_path_that_is_empty_is_told_in_one_line(params string[] args) =>
        (await CliRun.Of(args)).IsOneLine(ExitCode.Usage, "empty");

    [Fact]
    public void The_commands_of_the_first_release_are_there() =>
        Assert.Equal(
            Commands.Order(StringComparer.Ordinal),
            Root.Subcommands.Where(command => !command.Hidden)
                .Select(command => command.Name)
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Each_command_can_be_built_alone()
    {
        foreach (var name in Commands)
        {
            var root = ShoalProgram.Build(CliRun.Nowhere, name);
            Assert.Equal(name, Assert.Single(root.Subcommands).Name);
        }
    }

    [Fact]
    public async Task Every_command_has_help_with_examples_and_a_word_on_each_option()
    {
        foreach (var command in All(Root))
        {
            var name = ShoalProgram.FullName(command);
            var run = await CliRun.Of([.. name.Split(' ').Skip(1), "--help"]);
            Assert.Equal((0, ""), (run.Exit, run.Error));
            Assert.Contains("Usage:\n  " + name, run.Out, StringComparison.Ordinal);
            Assert.Matches($@"Examples:\n(  # .+\n  .*{name}.*\n)+", run.Out);
            Assert.All(
                command.Options.Where(option => !option.Hidden),
                option =>
                {
                    Assert.False(string.IsNullOrWhiteSpace(option.Description), $"{command.Name} {option.Name}");
                    Assert.Contains(option.Name, run.Out, StringComparison.Ordinal);
                }
            );
            Assert.All(
                command.Arguments,
                argument => Assert.False(string.IsNullOrWhiteSpace(argument.Description), command.Name)
            );
        }
    }

    [Theory]
    [InlineData("get", "SOURCE")]
    [InlineData("status", "[TORRENT]")]
    [InlineData("pause", "[TORRENT...]")]
    [InlineData("settings", "[KEY] [VALUE]")]
    public async Task What_may_be_left_out_stands_in_brackets(string command, string arguments)
    {
        var run = await CliRun.Of(command, "--help");
        Assert.Contains($"\n  shoal {command} {arguments} [options]\n", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_example_is_a_command_line_that_parses()
    {
        foreach (var command in All(Root).OfType<ShoalCommand>())
        {
            foreach (var example in command.Examples)
            {
                var at = example.Line.IndexOf("shoal ", StringComparison.Ordinal);
                Assert.True(at >= 0, example.Line);
                var line = example
                    .Line[(at + 6)..]
                    .Split(" > ")[0]
                    .Split(" | ")[0]
                    .Split(" < ")[0]
                    .TrimEnd(')', '&', ' ')
                    .Replace('\'', '"');
                var result = Root.Parse(line, ShoalProgram.Parsing);
                Assert.True(result.Errors.Count == 0, $"{example.Line}: {string.Join("; ", result.Errors)}");
                // The help of "invite" shows how its parts are used.
                Assert.Contains(result.CommandResult.Command, All(command).Append(command));
            }
        }
    }

    [Fact]
    public async Task Without_a_command_the_help_comes_and_the_command_line_was_wrong()
    {
        var run = await CliRun.Of();
        Assert.Equal((2, ""), (run.Exit, run.Out));
        Assert.Contains("Commands:", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mistyped_words_are_answered_with_the_word_meant()
    {
        (await CliRun.Of("completoin", "bash")).IsOneLine(2, "no command 'completoin'", "did you mean 'completion'?");
        (await CliRun.Of("completion", "--hepl")).IsOneLine(2, "no option '--hepl'", "did you mean '--help'?");
        (await CliRun.Of("frobnicate")).IsOneLine(2, "no command 'frobnicate'", "shoal --help");
        (await CliRun.Of("completion", "tcsh")).IsOneLine(2, "'tcsh'");
        (await CliRun.Of("completion")).IsOneLine(2, "needs SHELL");
        (await CliRun.Of("completion", "bash", "zsh")).IsOneLine(2, "'zsh'");
    }

    [Theory]
    [InlineData("bash", "complete -o default")]
    [InlineData("zsh", "#compdef shoal")]
    [InlineData("fish", "complete -c shoal")]
    public async Task Completion_scripts_ask_the_program(string shell, string line)
    {
        var run = await CliRun.Of("completion", shell);
        Assert.Equal(0, run.Exit);
        Assert.Contains(line, run.Out, StringComparison.Ordinal);
        Assert.Contains("__complete", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("shoal comp", "completion")]
    [InlineData("./shoal completion z", "zsh")]
    [InlineData("shoal completion --he", "--help")]
    [InlineData("shoal get --seed", "--seed\n--seed-ratio\n--seed-time")]
    [InlineData("shoal create x --format h", "hybrid")]
    [InlineData("shoal create x --format ", "hybrid\nv1\nv2")]
    public async Task Completion_finds_commands_values_and_options(string line, string word)
    {
        var run = await CliRun.Of("__complete", line);
        Assert.Equal((0, word + "\n"), (run.Exit, run.Out));
    }

    [Fact]
    public async Task With_json_errors_are_objects_too()
    {
        var run = await CliRun.Of("nothing", "--json");
        Assert.Equal(2, run.Exit);
        Assert.StartsWith("{\"event\":\"error\",\"code\":\"usage\",\"message\":\"", run.Out, StringComparison.Ordinal);
        Assert.Equal(1, run.Out.Count(c => c == '\n'));
    }

    [Theory]
    [InlineData("sede", "seed", 1)]
    [InlineData("seed", "seed", 0)]
    [InlineData("", "get", 3)]
    [InlineData("verfy", "verify", 1)]
    [InlineData("abc", "xyz", 3)]
    public void Distance_counts_slips(string a, string b, int slips) => Assert.Equal(slips, DidYouMean.Distance(a, b));
}
