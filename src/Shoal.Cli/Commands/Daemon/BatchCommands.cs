using System.CommandLine;
using System.CommandLine.Parsing;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Commands that do the same to any number of torrents: pause, resume, recheck, remove, move, label.</summary>
internal static class BatchCommands
{
    public static Command Pause(CliHost host) =>
        Build(
            host,
            new ShoalCommand("pause", "Pause torrents of the daemon")
            {
                Examples = [new("One", "shoal pause holiday"), new("All", "shoal pause --all")],
            },
            "Paused",
            _ => new BatchAction { Action = TorrentAction.Pause }
        );

    public static Command Resume(CliHost host) =>
        Build(
            host,
            new ShoalCommand("resume", "Let paused torrents of the daemon go on")
            {
                Examples = [new("One", "shoal resume holiday"), new("All", "shoal resume --all")],
            },
            "Resumed",
            _ => new BatchAction { Action = TorrentAction.Resume }
        );

    public static Command Recheck(CliHost host) =>
        Build(
            host,
            new ShoalCommand("recheck", "Hash what is on disk again, or try again what failed")
            {
                Examples = [new("After a disk was repaired", "shoal recheck holiday")],
            },
            "Checking",
            _ => new BatchAction { Action = TorrentAction.Recheck }
        );

    public static Command Remove(CliHost host)
    {
        var data = Options.Flag("--data", "Delete the files too");
        return Build(
            host,
            new ShoalCommand("remove", "Take torrents out of the daemon; their files stay unless told otherwise")
            {
                Examples =
                [
                    new("The files stay", "shoal remove holiday"),
                    new("The files go too", "shoal remove holiday --data"),
                ],
            },
            "Removed",
            result => new BatchAction { Action = TorrentAction.Remove, DeleteData = result.GetValue(data) },
            data
        );
    }

    public static Command Label(CliHost host)
    {
        var labels = Options.Texts("--set", "NAME", "Labels instead of those there are");
        var none = Options.Flag("--none", "No labels");
        var category = Options.Text("--category", "NAME", "The category; empty: none");
        return Build(
            host,
            new ShoalCommand("label", "Give torrents of the daemon labels and a category")
            {
                Examples =
                [
                    new("Two labels", "shoal label holiday --set films --set family"),
                    new("No category any more", "shoal label holiday --category ''"),
                ],
            },
            "Labelled",
            result => new BatchAction
            {
                Action = TorrentAction.Change,
                Change = new TorrentChange
                {
                    Labels =
                        result.GetValue(none) ? []
                        : result.GetValue(labels) is { Length: > 0 } set ? set
                        : null,
                    Category = result.GetValue(category),
                },
            },
            labels,
            none,
            category
        );
    }

    private static ShoalCommand Build(
        CliHost host,
        ShoalCommand command,
        string done,
        Func<ParseResult, BatchAction> action,
        params Option[] own
    )
    {
        var torrents = DaemonAccess.Torrents();
        var all = Options.Flag("--all", "All torrents");
        command.Add(torrents);
        var daemon = new DaemonAccess(host, command, [.. own, all]);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    (client, output) =>
                        RunAsync(client, output, action(result), Names(result, torrents, all), done, cancel)
                )
        );
        return command;
    }

    /// <summary>Those that were named; null: all.</summary>
    /// <exception cref="UserErrorException">Neither or both.</exception>
    public static IReadOnlyList<string>? Names(ParseResult result, Argument<string[]> torrents, Option<bool> all)
    {
        var names = result.GetValue(torrents) ?? [];
        return (names.Length > 0) == result.GetValue(all)
                ? throw UserErrorException.Usage(
                    names.Length > 0 ? "torrents and --all do not go together" : "name torrents, or give --all"
                )
            : names.Length > 0 ? names
            : null;
    }

    /// <summary>Does it, and says of each torrent what became of it.</summary>
    public static async Task<int> RunAsync(
        DaemonClient client,
        DaemonOutput output,
        BatchAction action,
        IReadOnlyList<string>? names,
        string done,
        CancellationToken cancel
    )
    {
        var ids = names is null ? null : await DaemonAccess.ResolveAsync(client, names, cancel);
        var result = await client.DoAsync(action with { Ids = ids }, cancel);
        if (output.IsJson)
        {
            output.Json("done", result, ApiJson.Default.BatchResult);
        }
        else
        {
            output.Line($"{done} {TorrentText.Count(result.Done.Count, "torrent")}");
        }

        return result.Failed is [var first, ..]
            ? throw new UserErrorException(first.Code, $"{first.Id}: {first.Message}")
            : ExitCode.Done;
    }
}
