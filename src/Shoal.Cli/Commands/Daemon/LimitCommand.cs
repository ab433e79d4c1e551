using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Limits of torrents, or of the whole daemon.</summary>
internal static class LimitCommand
{
    public static Option<double?> Ratio(string name) =>
        Options.Value(
            name,
            "R",
            "Pause when R times of what was taken was given back; 0: never",
            "a ratio like 1 or 2.5",
            static (string text, out double value) =>
                double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
                && double.IsFinite(value)
        );

    public static Command Build(CliHost host)
    {
        var torrents = DaemonAccess.Torrents();
        var all = Options.Flag("--all", "Each torrent, instead of all together");
        var download = Options.Rate("--download", "At most so much in; 0: no limit");
        var upload = Options.Rate("--upload", "At most so much out; 0: no limit");
        var ratio = Ratio("--ratio");
        var time = Options.Duration("--seed-time", "Pause after seeding for so long; 0: never");
        var command = new ShoalCommand("limit", "Set limits of the daemon, or of torrents")
        {
            Examples =
            [
                new("Everything together", "shoal limit --download 20Mbit/s --upload 5Mbit/s"),
                new("One torrent", "shoal limit holiday --upload 1MiB/s --ratio 2"),
                new("No limit any more", "shoal limit --download 0"),
            ],
            Notes = ["Without a torrent the limits hold for the whole daemon, and are kept in its settings."],
        };
        command.Add(torrents);
        var daemon = new DaemonAccess(host, command, download, upload, ratio, time, all);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var (down, up) = (result.GetValue(download), result.GetValue(upload));
                        var (give, seconds) = (result.GetValue(ratio), (long?)result.GetValue(time)?.TotalSeconds);
                        if (down is null && up is null && give is null && seconds is null)
                        {
                            throw UserErrorException.Usage("give --download, --upload, --ratio or --seed-time");
                        }

                        if (result.GetValue(torrents) is { Length: > 0 } || result.GetValue(all))
                        {
                            var change = new TorrentChange
                            {
                                DownloadLimit = down,
                                UploadLimit = up,
                                RatioLimit = give,
                                SeedTimeLimit = seconds,
                            };
                            return await BatchCommands.RunAsync(
                                client,
                                output,
                                new BatchAction { Action = TorrentAction.Change, Change = change },
                                BatchCommands.Names(result, torrents, all),
                                "Limited",
                                cancel
                            );
                        }

                        var values = new Dictionary<string, JsonElement>();
                        Put(values, "limits.download", down);
                        Put(values, "limits.upload", up);
                        Put(values, "queue.ratio", give);
                        Put(values, "queue.seed-time", seconds);
                        var changed = await client.ChangeSettingsAsync(values, cancel);
                        output.Say("settings", changed, ApiJson.Default.SettingsResult, () => "The limits hold now.");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static void Put(Dictionary<string, JsonElement> values, string key, double? value)
    {
        if (value is { } number)
        {
            values[key] = JsonElement.Parse(number.ToString("0.####", CultureInfo.InvariantCulture));
        }
    }
}
