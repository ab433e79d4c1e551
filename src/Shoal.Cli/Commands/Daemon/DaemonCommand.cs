using System.CommandLine;
using Shoal.Daemon;

namespace Shoal.Cli;

/// <summary>Runs the daemon until it is stopped.</summary>
internal sealed class DaemonCommand
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;

    private readonly Option<string[]> _http = Options.Texts(
        "--http",
        "ADDR:PORT",
        "Where to answer over HTTP, for the web page and for programs elsewhere (default 127.0.0.1:9470; port 0: any)"
    );

    private readonly Option<bool> _noHttp = Options.Flag("--no-http", "Answer on the Unix socket only");

    private readonly Option<string[]> _set = Options.Texts(
        "--set",
        "KEY=VALUE",
        "A setting that counts more than the file, such as queue.downloads=3"
    );

    private readonly Option<string[]> _log = Options.Texts(
        "--log",
        "[PART=]LEVEL",
        "What goes to standard error: trace, debug, info, warning, error or off, for all or for a part such as tracker"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private DaemonCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.AddGroup("Options", [_http, _noHttp, _log, _set, _json]);
        _network = new NetworkOptions(command, NetworkUse.Daemon);
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand(
            "daemon",
            "Run in the background: keeps torrents going, with an API and a web page"
        )
        {
            Examples =
            [
                new("The first time: prints a link that opens the web page", "shoal daemon"),
                new("Reachable from the local network", "shoal daemon --http 0.0.0.0:9470"),
                new("To see what trackers and peers say", "shoal daemon --log tracker=debug --log peer=debug"),
                new("A second one beside it", "shoal daemon --state ~/other --http 127.0.0.1:9471"),
            ],
            Notes =
            [
                "Everything is kept in the folder daemon of the state folder: torrents, settings (settings.toml, every one "
                    + "explained), tokens, and the socket by which 'shoal add', 'shoal list' and the like reach it. Options "
                    + "given here count more than the file, for this run.",
                "Over HTTP it wants a token ('shoal token add NAME') or a login ('shoal login' prints a link). It stops at "
                    + "Ctrl-C, SIGTERM or 'shoal stop' with everything saved, and exits with 0 then; nothing is lost when it "
                    + "is killed.",
            ],
        };
        _ = new DaemonCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var isJson = result.GetValue(_json);
        var options = new DaemonOptions
        {
            StateDirectory = _network.StateDirectory(result, _host),
            Settings = SettingsOf(result),
            Log = _host.Error,
            Time = _host.Time,
        };
        try
        {
            await DaemonHost.RunAsync(options, ready => Tell(ready, isJson), cancel);
        }
        catch (DaemonStartException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }

        if (isJson)
        {
            JsonOutput.Write(_host.Out, new DaemonStoppedLine(), JsonOutput.Context.DaemonStoppedLine);
        }
        else
        {
            _host.Out.WriteLine("Stopped; everything is saved.");
        }

        return ExitCode.Done;
    }

    private void Tell(DaemonReady ready, bool isJson)
    {
        if (isJson)
        {
            JsonOutput.Write(
                _host.Out,
                new DaemonReadyLine(ready.Port, ready.Socket, ready.Urls, ready.LoginUrl, ready.Torrents),
                JsonOutput.Context.DaemonReadyLine
            );
            return;
        }

        _host.Out.WriteLine(
            $"Running with {TorrentText.Count(ready.Torrents, "torrent")}; peers reach port {ready.Port}."
        );
        if (ready.LoginUrl is { } link)
        {
            _host.Out.WriteLine("Open this link to use the web page; it works once:");
            _host.Out.WriteLine();
            _host.Out.WriteLine("  " + link);
            _host.Out.WriteLine();
        }
        else if (ready.Urls.Count > 0)
        {
            _host.Out.WriteLine(
                $"The web page: {string.Join(", ", ready.Urls)} ('shoal login' prints a link that logs in)."
            );
        }

        _host.Out.Flush();
    }

    private Dictionary<string, object> SettingsOf(ParseResult result)
    {
        var settings = _network.Settings(result);
        if (result.GetValue(_http) is { Length: > 0 } http)
        {
            settings["http.listen"] = http;
        }

        if (result.GetValue(_noHttp))
        {
            settings["http.listen"] = Array.Empty<string>();
        }

        var log = (result.GetValue(_log) ?? []).ToLookup(text => text.Contains('=', StringComparison.Ordinal));
        if (log[true].Any())
        {
            settings["log.parts"] = log[true].ToArray();
        }

        if (log[false].LastOrDefault() is { } level)
        {
            settings["log.level"] = level;
        }

        foreach (var pair in result.GetValue(_set) ?? [])
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                throw UserErrorException.Usage($"--set: '{pair}' is not KEY=VALUE");
            }

            var key = pair[..equals];
            settings[key] =
                SettingInput.Parse(key, pair[(equals + 1)..], out var fault)
                ?? throw UserErrorException.Usage($"--set: {fault}");
        }

        return settings;
    }
}
