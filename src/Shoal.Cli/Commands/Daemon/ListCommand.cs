using System.CommandLine;
using System.Globalization;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Shows the daemon's torrents.</summary>
internal static class ListCommand
{
    private const int Page = 1000;

    public static Command Build(CliHost host)
    {
        var state = Options.Choice(
            "--in",
            "Only those in this state",
            "loading",
            "metadata",
            "checking",
            "downloading",
            "seeding",
            "queued",
            "paused",
            "failed"
        );
        var label = Options.Text("--label", "NAME", "Only those with this label");
        var category = Options.Text("--category", "NAME", "Only those of this category");
        var text = Options.Text("--find", "TEXT", "Only those with this text in their name");
        var sort = Options.Choice(
            "--sort",
            "By what to sort (default: the queue)",
            "queue",
            "name",
            "size",
            "progress",
            "added",
            "download-rate",
            "upload-rate",
            "ratio",
            "peers",
            "state"
        );
        var command = new ShoalCommand("list", "Show the torrents of the daemon")
        {
            Examples =
            [
                new("All of them", "shoal list"),
                new("What is being fetched, the fastest last", "shoal list --in downloading --sort download-rate"),
                new("For a script", "shoal list --json"),
            ],
        };
        var daemon = new DaemonAccess(host, command, state, label, category, text, sort);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var filter = string.Join(
                            '&',
                            new[]
                            {
                                ("state", result.GetValue(state)),
                                ("label", result.GetValue(label)),
                                ("category", result.GetValue(category)),
                                ("q", result.GetValue(text)),
                                ("sort", result.GetValue(sort)),
                            }
                                .Where(part => part.Item2 is not null)
                                .Select(part => $"{part.Item1}={Uri.EscapeDataString(part.Item2!)}")
                        );
                        Show(await AllAsync(client, filter, cancel), output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    public static string Word(TorrentPhase phase) => phase.ToString().ToLowerInvariant();

    private static async Task<List<TorrentItem>> AllAsync(DaemonClient client, string filter, CancellationToken cancel)
    {
        var all = new List<TorrentItem>();
        TorrentPage page;
        do
        {
            page = await client.TorrentsAsync(null, cancel, all.Count, Page, filter);
            all.AddRange(page.Items);
        } while (page.Items.Count == Page);

        return all;
    }

    private static void Show(List<TorrentItem> torrents, DaemonOutput output)
    {
        if (output.IsJson)
        {
            torrents.ForEach(item => output.Json("torrent", item, ApiJson.Default.TorrentItem));
            return;
        }

        if (torrents.Count == 0)
        {
            output.Line("No torrents; 'shoal add' adds one.");
            return;
        }

        output.Table(
            ["NAME", "ID", "SIZE", "DONE", "STATE", "DOWN", "UP", "PEERS", "RATIO"],
            [
                .. torrents.Select(item =>
                    (IReadOnlyList<string>)
                        [
                            item.Name,
                            item.Id[..8],
                            item.Size > 0 ? ByteSize.Format(item.Size) : "-",
                            DaemonOutput.Percent(item.Progress),
                            Word(item.State),
                            item.DownloadRate > 0 ? Rate.Format(item.DownloadRate) : "-",
                            item.UploadRate > 0 ? Rate.Format(item.UploadRate) : "-",
                            item.Peers.ToString(CultureInfo.InvariantCulture),
                            item.Ratio.ToString("0.00", CultureInfo.InvariantCulture),
                        ]
                ),
            ]
        );
        foreach (var item in torrents.Where(item => item.Error is not null))
        {
            output.Line($"{item.Name}: {item.Error}");
        }
    }
}
