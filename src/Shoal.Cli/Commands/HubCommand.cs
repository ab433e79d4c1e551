using System.CommandLine;
using System.Globalization;
using System.Net;
using Shoal.Files;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Runs a hub until stopped. On its first start it makes a publication, and its operator the first administrator.</summary>
internal sealed class HubCommand
{
    private static readonly TimeSpan BetweenStats = TimeSpan.FromSeconds(60);

    private readonly CliHost _host;

    private readonly HubPlace _place = new("--listen", "--host");

    private readonly Option<string?> _folder = Options.Text(
        "--folder",
        "DIR",
        "Where the authority's keys and the database live (default: hub in the state folder)"
    );

    private readonly Option<string?> _postgres = Options.Text(
        "--postgres",
        "FILE",
        "Use the PostgreSQL whose connection string stands in this file; several hubs can share one"
    );

    private readonly Option<TimeSpan?> _lifetime = Options.Duration(
        "--certificate-lifetime",
        "How long members' certificates are good, 1h to 180d (default 7d); members renew them by themselves"
    );

    private readonly Option<TimeSpan?> _interval = Options.Duration(
        "--announce-interval",
        "How often members tell that they are there, 1s to 1h (default 5m)"
    );

    private readonly Option<ReceiptRetention?> _receipts = Options.Value<ReceiptRetention>(
        "--receipts",
        "WHAT",
        "What to keep of members' receipts: none, sums, or signed (default sums)",
        "none, sums or signed",
        static (string text, out ReceiptRetention value) => RetentionNames.TryParse(text, out value)
    );

    private readonly Option<IPEndPoint?> _metrics = new("--metrics")
    {
        Description = "Answer Prometheus there, without TLS and to anybody: keep it on this machine, as 127.0.0.1:9450",
        HelpName = "ADDR:PORT",
        CustomParser = result =>
        {
            if (EndPointText.TryParseListen(result.Tokens[^1].Value, out var value))
            {
                return value;
            }

            result.AddError($"--metrics: '{result.Tokens[^1].Value}' is not an address and port like 127.0.0.1:9450");
            return null;
        },
    };

    private readonly Option<string?> _state = Options.Text(
        "--state",
        "DIR",
        "The state folder of the first administrator (default: shoal in $XDG_STATE_HOME, or ~/.local/state/shoal)"
    );

    private readonly Option<bool> _protect = Options.Flag(
        "--protect",
        "Keep the authority's key under a passphrase, from now on: each start asks for it"
    );

    private readonly PassphraseOption _passphrase = new("the authority's key");

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private HubCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.AddGroup(
            "Options",
            [
                .. _place.All,
                _folder,
                _postgres,
                _lifetime,
                _interval,
                _receipts,
                _metrics,
                _protect,
                _passphrase.Option,
                _state,
                _json,
            ]
        );
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("hub", "Run a hub: it lets the invited in, and tells them of each other")
        {
            Examples =
            [
                new("The first start makes a new publication", "shoal hub --host hub.example.org"),
                new("On this machine only, to try it", "shoal hub --listen 127.0.0.1:7450 --host 127.0.0.1"),
                new(
                    "Numbers for Prometheus, on this machine only",
                    "shoal hub --host hub.example.org --metrics 127.0.0.1:9450"
                ),
                new(
                    "Two hubs behind one name: the same keys in both folders, and one database",
                    "shoal hub --host hub.example.org --folder /srv/hub --postgres /srv/hub/postgres"
                ),
            ],
            Notes =
            [
                "The hub issues certificates, is the tracker of members, and keeps the catalogue and the revocation list. It "
                    + "keeps no addresses, no access log and no history of transfers. Whoever can read its folder decides who "
                    + "is a member: keep a copy of authority.key, authority.cer and publication.key where nobody else is.",
                "Members may agree to tell what they received ('shoal member receipts'). --receipts sums keeps that without names, and "
                    + "tells publishers sums only; signed keeps each member's last receipt as it was signed, so that publishers see "
                    + "who has it and can challenge copies ('shoal custody'); none takes none and deletes what there is.",
                "'shoal publish PATH --with-hub' runs a hub and publishes with it, in one command.",
                "Whoever starts it first becomes the first administrator on this machine: 'shoal publish' and 'shoal invite' "
                    + "work at once. Distribution goes on when the hub is down; certificates last until they expire.",
            ],
        };
        _ = new HubCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var options = Read(result);
        var (server, address) = await HubStarting.StartAsync(_host, options, StateDirectory(result), cancel);
        await using (server)
        {
            Announce(server, address, result.GetValue(_json));
            await WatchAsync(server, result.GetValue(_json), cancel);
        }

        return ExitCode.Interrupted;
    }

    private HubOptions Read(ParseResult result)
    {
        var lifetime = result.GetValue(_lifetime) ?? TimeSpan.FromDays(7);
        var interval = result.GetValue(_interval) ?? TimeSpan.FromMinutes(5);
        if (lifetime < TimeSpan.FromHours(1) || lifetime > TimeSpan.FromDays(180))
        {
            throw UserErrorException.Usage("--certificate-lifetime: from 1h to 180d");
        }

        if (interval < TimeSpan.FromSeconds(1) || interval > TimeSpan.FromHours(1))
        {
            throw UserErrorException.Usage("--announce-interval: from 1s to 1h");
        }

        var folder = CliPath.Full(result.GetValue(_folder) ?? Path.Combine(StateDirectory(result), "hub"));
        return new HubOptions
        {
            Listen = _place.Listen(result, []),
            Hosts = _place.Hosts(result),
            Folder = folder,
            Protection = Protection(result, folder),
            Postgres = result.GetValue(_postgres) is { } file ? ReadConnection(file) : null,
            CertificateLifetime = lifetime,
            AnnounceInterval = interval,
            Receipts = result.GetValue(_receipts) ?? ReceiptRetention.Sums,
            Metrics = result.GetValue(_metrics),
            Time = _host.Time,
        };
    }

    private KeyProtection? Protection(ParseResult result, string folder) =>
        HubStarting.Protection(folder, _passphrase, result, _host)
        ?? (result.GetValue(_protect) ? KeyProtection.Of(_passphrase.ReadNew(result, _host)) : null);

    private string StateDirectory(ParseResult result) =>
        result.GetValue(_state) is { } state ? CliPath.Full(state) : _host.StateDirectory;

    // A connection string often has a password in it: it comes from a file, since others can read argument lists.
    private static string ReadConnection(string file)
    {
        try
        {
            return System.Text.Encoding.UTF8.GetString(PrivateFiles.Read(file, 16 * 1024)).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("hub-unusable", $"--postgres {file}: {TorrentFile.Reason(error)}");
        }
    }

    private void Announce(HubServer server, HubAddress address, bool json)
    {
        var publication = server.Publication.ToString();
        if (json)
        {
            var line = new HubLine(
                $"https://{address}",
                publication,
                [.. server.EndPoints.Select(end => end.ToString())],
                server.MetricsEndPoint is { } end ? $"http://{end}/metrics" : null
            );
            JsonOutput.Write(_host.Out, line, HubJsonOutput.Context.HubLine);
            return;
        }

        _host.Out.WriteLine($"Hub at https://{address}");
        _host.Out.WriteLine($"Publication {publication}");
        if (server.MetricsEndPoint is { } metrics)
        {
            _host.Out.WriteLine($"Metrics at http://{metrics}/metrics");
        }

        _host.Out.Flush();
    }

    private async Task WatchAsync(HubServer server, bool json, CancellationToken cancel)
    {
        var last = default(HubStatus);
        using var timer = new PeriodicTimer(BetweenStats, _host.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                var status = server.Status;
                if (status.Announces != last.Announces)
                {
                    last = status;
                    ShowStatus(status, json);
                }
            }
        }
        catch (OperationCanceledException)
        {
            ShowStatus(server.Status, json);
        }
    }

    private void ShowStatus(HubStatus status, bool json)
    {
        if (json)
        {
            var line = new HubStatsLine(
                status.OnlineMembers,
                status.Entries,
                status.RevocationVersion,
                status.Announces
            );
            JsonOutput.Write(_host.Out, line, HubJsonOutput.Context.HubStatsLine);
            return;
        }

        _host.Out.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{TorrentText.Count(status.OnlineMembers, "member")} online, {status.Announces} announces"
            )
        );
        _host.Out.Flush();
    }
}
