using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;
using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.Cli;

/// <summary>The daemon itself: its end, who may use it, its settings.</summary>
internal static class SessionCommands
{
    public static Command Stop(CliHost host)
    {
        var command = new ShoalCommand("stop", "Stop the daemon, with everything saved")
        {
            Examples = [new("Returns when it has ended", "shoal stop")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        await client.StopAsync(cancel);
                        await GoneAsync(client, host.Time, cancel);
                        if (output.IsJson)
                        {
                            JsonOutput.Write(host.Out, new DaemonStoppedLine(), JsonOutput.Context.DaemonStoppedLine);
                        }
                        else
                        {
                            output.Line("Stopped; everything is saved.");
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    public static Command Login(CliHost host)
    {
        var command = new ShoalCommand("login", "Print a link that opens the daemon's web page in a browser, once")
        {
            Examples = [new("Valid for a day, for one browser", "shoal login")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var link = await client.CreateLoginLinkAsync(cancel);
                        output.Say(
                            "login-link",
                            link,
                            ApiJson.Default.LoginLink,
                            () => link.Url ?? "the daemon does not listen for HTTP: http.listen or --http says where"
                        );
                        return link.Url is null ? ExitCode.Failed : ExitCode.Done;
                    }
                )
        );
        return command;
    }

    public static Command Token(CliHost host)
    {
        var action = new Argument<string>("ACTION") { Description = "list, add or remove" };
        action.AcceptOnlyFromAmong("list", "add", "remove");
        var name = new Argument<string?>("NAME")
        {
            Description = "What the token is for; to remove: its name or id",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var scope = Options.Choice(
            "--scope",
            "What it allows: read, control (default; torrents) or admin (besides: settings, tokens, stop)",
            "read",
            "control",
            "admin"
        );
        var command = new ShoalCommand("token", "Tokens by which programs and apps use the daemon over HTTP")
        {
            Examples =
            [
                new("For an app on the phone; shown this once", "shoal token add phone"),
                new("For a monitor", "shoal token add prometheus --scope read"),
                new("Who has one, and which browsers are logged in", "shoal token list"),
                new("The phone is lost", "shoal token remove phone"),
            ],
        };
        command.Add(action);
        command.Add(name);
        var daemon = new DaemonAccess(host, command, scope);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var what = result.GetRequiredValue(action);
                        if (what == "list")
                        {
                            Show(await client.TokensAsync(cancel), output);
                            return ExitCode.Done;
                        }

                        var called =
                            result.GetValue(name) ?? throw UserErrorException.Usage($"'token {what}' needs NAME");
                        if (what == "remove")
                        {
                            await client.RemoveTokenAsync(called, cancel);
                            output.Line(output.IsJson ? "{\"event\":\"removed\"}" : $"Removed {called}");
                            return ExitCode.Done;
                        }

                        var allows = result.GetValue(scope) switch
                        {
                            "read" => AccessScope.Read,
                            "admin" => AccessScope.Admin,
                            _ => AccessScope.Control,
                        };
                        var made = await client.CreateTokenAsync(new NewToken(called, allows), cancel);
                        output.Say("token", made, ApiJson.Default.CreatedToken, () => made.Secret);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    public static Command Settings(CliHost host)
    {
        var key = new Argument<string?>("KEY")
        {
            Description = "One setting, such as queue.downloads",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var value = new Argument<string?>("VALUE")
        {
            Description = "Its new value; lists with commas",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var reload = Options.Flag("--reload", "The file was edited: read it again");
        var command = new ShoalCommand("settings", "Show and change the settings of the daemon")
        {
            Examples =
            [
                new("All of them, with what they mean", "shoal settings"),
                new("Three downloads at once", "shoal settings queue.downloads 3"),
                new("After editing settings.toml", "shoal settings --reload"),
            ],
        };
        command.Add(key);
        command.Add(value);
        var daemon = new DaemonAccess(host, command, reload);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        if (result.GetValue(reload))
                        {
                            Tell(await client.ReloadSettingsAsync(cancel), output);
                        }
                        else if (result.GetValue(key) is { } name && result.GetValue(value) is { } text)
                        {
                            Tell(await client.ChangeSettingsAsync(Change(name, text), cancel), output);
                        }
                        else
                        {
                            Show(await client.SettingsAsync(cancel), result.GetValue(key), output);
                        }

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static Dictionary<string, JsonElement> Change(string key, string text) =>
        SettingInput.Parse(key, text, out var fault) is { } value
            ? new Dictionary<string, JsonElement> { [key] = SettingInput.ToJson(value) }
            : throw new UserErrorException("bad-value", fault);

    private static void Tell(SettingsResult changed, DaemonOutput output) =>
        output.Say(
            "settings",
            changed,
            ApiJson.Default.SettingsResult,
            () =>
                changed.Changed.Count == 0 ? "Nothing changed."
                : changed.NeedRestart.Count == 0 ? $"Changed: {string.Join(", ", changed.Changed)}"
                : $"Changed: {string.Join(", ", changed.Changed)}; from the next start on: {string.Join(", ", changed.NeedRestart)}"
        );

    private static void Show(SettingList settings, string? key, DaemonOutput output)
    {
        var shown = settings.Settings.Where(setting => key is null || setting.Key == key).ToList();
        if (shown.Count == 0)
        {
            throw new UserErrorException("no-such-setting", SettingInput.Missing(key ?? ""));
        }

        foreach (var setting in shown)
        {
            if (output.IsJson)
            {
                output.Json("setting", setting, ApiJson.Default.SettingItem);
                continue;
            }

            output.Line($"{setting.Key} = {setting.Value.GetRawText()}");
            output.Line($"    {setting.Help}{(setting.NeedsRestart ? " (Restart.)" : "")}");
        }
    }

    private static void Show(TokenList tokens, DaemonOutput output)
    {
        if (output.IsJson)
        {
            foreach (var token in tokens.Tokens)
            {
                output.Json("token", token, ApiJson.Default.TokenItem);
            }

            return;
        }

        output.Table(
            ["NAME", "ID", "SCOPE", "KIND"],
            [
                .. tokens.Tokens.Select(token =>
                    (IReadOnlyList<string>)
                        [
                            token.Name,
                            token.Id,
                            token.Scope.ToString().ToLowerInvariant(),
                            token.Session ? "browser" : "token",
                        ]
                ),
            ]
        );
    }

    /// <summary>Until nobody answers any more.</summary>
    private static async Task GoneAsync(DaemonClient client, TimeProvider time, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                await client.StatusAsync(cancel);
            }
        }
        catch (DaemonException error) when (error.Status == 0)
        {
            // It has ended.
        }
    }
}
