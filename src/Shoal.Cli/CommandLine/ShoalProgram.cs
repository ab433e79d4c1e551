using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Reflection;

namespace Shoal.Cli;

/// <summary>The command line from arguments to exit code. Whatever goes wrong on the way ends as one line here.</summary>
internal static class ShoalProgram
{
    private static readonly (string Name, Func<CliHost, Command> Build)[] Commands =
    [
        ("create", CreateCommand.Build),
        ("show", ShowCommand.Build),
        ("share", ShareCommand.Build),
        ("seed", SeedCommand.Build),
        ("get", GetCommand.Build),
        ("publish", PublishCommand.Build),
        ("verify", VerifyCommand.Build),
        ("tracker", TrackerCommand.Build),
        ("daemon", DaemonCommand.Build),
        ("add", AddCommand.Build),
        ("list", ListCommand.Build),
        ("status", StatusCommand.Build),
        ("pause", BatchCommands.Pause),
        ("resume", BatchCommands.Resume),
        ("remove", BatchCommands.Remove),
        ("limit", LimitCommand.Build),
        ("move", MoveCommand.Build),
        ("recheck", BatchCommands.Recheck),
        ("peers", DetailCommands.Peers),
        ("files", FilesCommand.Build),
        ("stream", StreamCommand.Build),
        ("trackers", DetailCommands.Trackers),
        ("label", BatchCommands.Label),
        ("category", CategoryCommand.Build),
        ("feed", FeedCommand.Build),
        ("rule", RuleCommand.Build),
        ("schedule", ScheduleCommand.Build),
        ("settings", SessionCommands.Settings),
        ("token", SessionCommands.Token),
        ("login", SessionCommands.Login),
        ("stop", SessionCommands.Stop),
        ("doctor", DoctorCommand.Build),
        ("hub", HubCommand.Build),
        ("invite", InviteCommand.Build),
        ("join", JoinCommand.Build),
        ("catalogue", CatalogueCommand.Build),
        ("member", MemberCommand.Build),
        ("custody", CustodyCommand.Build),
        ("completion", CompletionCommand.Build),
    ];

    /// <param name="stop">Cancelled by the first Ctrl-C: commands stop cleanly and the result is 130.</param>
    public static async Task<int> RunAsync(string[] args, CliHost host, CancellationToken stop)
    {
        var json = args.TakeWhile(arg => arg != "--").Contains("--json");
        try
        {
            var result = Build(host, Meant(args)).Parse(args, Parsing);
            if (result.Action is not Help && Complaint(result, args) is { } complaint)
            {
                throw UserErrorException.Usage(complaint);
            }

            return await result.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = host.Out,
                    Error = host.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                stop
            );
        }
        catch (UserErrorException error)
        {
            Report(host, json, error.Code, error.Message);
            return error.Exit;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SocketException)
        {
            // A closed pipe (shoal show x | head) is no failure worth a message, and there is nowhere to write it.
            Report(host, json, "io-error", error.Message);
            return ExitCode.Failed;
        }
    }

    /// <summary>The command line: whole, for help, for completion, and for the tests that check it, or with one command.</summary>
    /// <param name="only">Null: all commands. Each costs something to describe, and one is enough to run it.</param>
    internal static RootCommand Build(CliHost host, string? only = null)
    {
        var root = new RootCommand(
            "Shoal moves large files between the people who need them: BitTorrent v1, v2 and hybrid."
        );
        foreach (var (name, build) in Commands)
        {
            if (only is null || name == only)
            {
                root.Add(build(host));
            }
        }

        if (only is null)
        {
            root.Add(CompleteCommand.Build(host, root));
        }

        foreach (var option in root.Options)
        {
            switch (option)
            {
                case HelpOption help:
                    help.Action = new Help(host);
                    help.Description = "Show help";
                    break;
                case VersionOption version:
                    version.Description = "Show the version";
                    break;
            }
        }

        root.SetAction(_ =>
        {
            Help.Write(root, host.Error, host.TerminalSize().Width);
            return ExitCode.Usage;
        });
        return root;
    }

    /// <summary>The one command that the arguments need; null: that is not so plain.</summary>
    private static string? Meant(string[] args) =>
        args switch
        {
            ["--version"] => "--version",
            [var first, ..] when Array.Exists(Commands, command => command.Name == first) => first,
            _ => null,
        };

    internal static ParserConfiguration Parsing { get; } = new() { ResponseFileTokenReplacer = null };

    /// <summary>Name and version as torrents ("created by") and trackers get to see it.</summary>
    public static string Version { get; } =
        typeof(ShoalProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>() is { } version
            ? version.InformationalVersion.Split('+')[0]
            : "0";

    /// <summary>How a command is called: "shoal invite create".</summary>
    internal static string FullName(Command command) =>
        command is RootCommand ? "shoal" : $"{FullName(command.Parents.OfType<Command>().First())} {command.Name}";

    private static void Report(CliHost host, bool json, string code, string message)
    {
        try
        {
            var line = SafeText.Of(message);
            if (json)
            {
                JsonOutput.Write(host.Out, new ErrorLine(code, line), JsonOutput.Context.ErrorLine);
            }

            host.Error.WriteLine("shoal: " + line);
            host.Out.Flush();
            host.Error.Flush();
        }
        catch (IOException)
        {
            // Nobody reads any more; the exit code says it.
        }
    }

    /// <summary>One line: the first thing that is wrong, and what was probably meant. Null when nothing is.</summary>
    private static string? Complaint(ParseResult result, string[] args)
    {
        var command = result.CommandResult.Command;
        var see = $"see '{FullName(command)} --help'";
        var isGroup = command.Subcommands.Count > 0;

        // An unknown option may have been taken for an argument: a file whose name starts with '-' stands after "--".
        var literal = args.SkipWhile(arg => arg != "--").ToHashSet();
        var unknown = result
            .CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens.Select(token => token.Value))
            .Concat(isGroup ? [] : result.UnmatchedTokens)
            .FirstOrDefault(word => word.Length > 1 && word.StartsWith('-') && !literal.Contains(word));
        if (unknown is not null || (isGroup && result.UnmatchedTokens.Count > 0))
        {
            // Behind a mistyped command its options are unknown too; the command is what is wrong.
            unknown ??=
                result.UnmatchedTokens.FirstOrDefault(word => !word.StartsWith('-')) ?? result.UnmatchedTokens[0];
            var kind = unknown.StartsWith('-') ? "option" : "command";
            return $"there is no {kind} '{unknown}'; "
                + (DidYouMean.Suggest(unknown, command) is { } meant ? $"did you mean '{meant}'?" : see);
        }

        if (result.Errors.Count == 0)
        {
            return null;
        }

        if (result.UnmatchedTokens.Count > 0)
        {
            return $"'{command.Name}' does not take '{result.UnmatchedTokens[0]}' as well; {see}";
        }

        var missing = command.Arguments.FirstOrDefault(argument =>
            (result.GetResult(argument)?.Tokens.Count ?? 0) < argument.Arity.MinimumNumberOfValues
        );
        return missing is not null
            ? $"'{command.Name}' needs {missing.HelpName ?? missing.Name}: {missing.Description}; {see}"
            : $"{result.Errors[0].Message.TrimEnd('.')}; {see}";
    }
}
