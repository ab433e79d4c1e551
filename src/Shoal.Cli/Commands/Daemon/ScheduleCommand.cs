using System.CommandLine;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.Cli;

/// <summary>When in a week the alternative limits hold, and what they are.</summary>
internal static class ScheduleCommand
{
    private const string Prefix = "alternative.";

    public static Command Build(CliHost host)
    {
        var spans = Options.Texts(
            "--at",
            "SPAN",
            "When they hold, such as 'mon-fri 08:00-18:30' or 'daily 22:00-06:00'"
        );
        var none = Options.Flag("--none", "No schedule: they hold when they are switched on by hand");
        var download = Options.Rate("--download", "At most so much in while they hold; 0: no limit");
        var upload = Options.Rate("--upload", "At most so much out while they hold; 0: no limit");
        var zone = Options.Text(
            "--time-zone",
            "ZONE",
            "Whose clock is meant, such as Europe/Berlin; empty: the daemon's"
        );
        var command = new ShoalCommand("schedule", "Show or set when in a week other limits hold")
        {
            Examples =
            [
                new("What holds now", "shoal schedule"),
                new(
                    "Slow while people work",
                    "shoal schedule --at 'mon-fri 08:00-18:30' --download 4Mbit/s --upload 1Mbit/s"
                ),
                new("No more", "shoal schedule --none"),
            ],
            Notes =
            [
                "A span that ends before it begins goes over midnight. Whoever switches the alternative limits by hand has his way "
                    + "until the schedule changes next. The limits at other times are those of 'shoal limit'.",
            ],
        };
        var daemon = new DaemonAccess(host, command, spans, none, download, upload, zone);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var at = result.GetValue(spans) ?? [];
                        if (at.Length > 0 && result.GetValue(none))
                        {
                            throw UserErrorException.Usage("--at and --none do not go together");
                        }

                        var values = new Dictionary<string, JsonElement>();
                        if (at.Length > 0 || result.GetValue(none))
                        {
                            values[Prefix + "schedule"] = SettingInput.ToJson(at);
                        }

                        Put("download", result.GetValue(download));
                        Put("upload", result.GetValue(upload));
                        if (result.GetValue(zone) is { } clock)
                        {
                            values[Prefix + "time-zone"] = SettingInput.ToJson(clock);
                        }

                        if (values.Count > 0)
                        {
                            await client.ChangeSettingsAsync(values, cancel);
                        }

                        Show(await client.SettingsAsync(cancel), output);
                        return ExitCode.Done;

                        void Put(string key, long? rate)
                        {
                            if (rate is { } bytes)
                            {
                                values[Prefix + key] = SettingInput.ToJson(bytes);
                            }
                        }
                    }
                )
        );
        return command;
    }

    private static void Show(SettingList settings, DaemonOutput output)
    {
        foreach (
            var setting in settings.Settings.Where(setting => setting.Key.StartsWith(Prefix, StringComparison.Ordinal))
        )
        {
            output.Say(
                "setting",
                setting,
                ApiJson.Default.SettingItem,
                () => $"{setting.Key} = {setting.Value.GetRawText()}"
            );
        }
    }
}
