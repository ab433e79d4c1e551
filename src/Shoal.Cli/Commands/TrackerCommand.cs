using System.CommandLine;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Tracker;

namespace Shoal.Cli;

/// <summary>Runs a tracker on its own, until stopped.</summary>
internal static class TrackerCommand
{
    public const int DefaultPort = 6969;

    private static readonly TimeSpan BetweenStats = TimeSpan.FromSeconds(60);

    public static Command Build(CliHost host)
    {
        var http = Options.Values<IPEndPoint>(
            "--http",
            "ADDR:PORT",
            "Where to answer over HTTP; :PORT is all addresses",
            "an address and port like 0.0.0.0:6969, [::]:6969 or :6969",
            EndPointText.TryParseListen
        );
        var udp = Options.Values<IPEndPoint>(
            "--udp",
            "ADDR:PORT",
            "Where to answer over UDP; :PORT is all addresses",
            "an address and port like 0.0.0.0:6969, [::]:6969 or :6969",
            EndPointText.TryParseListen
        );
        var filter = NetworkOptions.IpFilter();
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("tracker", "Run a tracker: it tells peers of a torrent about each other")
        {
            Examples =
            [
                new("HTTP and UDP on port 6969, all addresses", "shoal tracker"),
                new("HTTP only, on this machine only", "shoal tracker --http 127.0.0.1:8080"),
                new("Both, on ports of their own", "shoal tracker --http :80 --udp :6969"),
            ],
            Notes =
            [
                "Without --http and --udp it answers both on port 6969. Torrents name it as http://HOST:PORT/announce or "
                    + "udp://HOST:PORT/announce.",
                "SIGHUP reads the files of --ip-filter again, and whoever is in there then is forgotten; a file that is wrong "
                    + "changes nothing.",
            ],
        };
        command.AddGroup("Options", [http, udp, filter, json]);
        command.SetAction(
            async (result, cancel) =>
            {
                var (web, datagrams) = (result.GetValue(http) ?? [], result.GetValue(udp) ?? []);
                if (web.Count + datagrams.Count == 0)
                {
                    web = [new IPEndPoint(MachineAddresses.Any, DefaultPort)];
                    datagrams = web;
                }

                var files = NetworkOptions.IpFilterFiles(result, filter);
                var options = new TrackerOptions
                {
                    Filter = ReadFilter(files, cancel),
                    HttpEndPoints = web,
                    UdpEndPoints = datagrams,
                    Time = host.Time,
                };
                return await RunAsync(options, files, host, result.GetValue(json), cancel);
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(
        TrackerOptions options,
        IReadOnlyList<string> filterFiles,
        CliHost host,
        bool json,
        CancellationToken cancel
    )
    {
        // Lines of two threads do not mix.
        var output = new Lock();
        TrackerServer server;
        try
        {
            server = await TrackerServer.StartAsync(options, cancel);
        }
        catch (IOException error)
        {
            throw new UserErrorException("cannot-listen", error.Message.TrimEnd('.'));
        }

        await using (server)
        {
            Announce(server, host, json);
            await using var reloading =
                filterFiles.Count > 0
                    ? new FilterReloading(
                        host.Reload,
                        token => ReloadAsync(server, filterFiles, host, json, output, token)
                    )
                    : null;
            var last = default(TrackerCounters);
            using var timer = new PeriodicTimer(BetweenStats, host.Time);
            try
            {
                while (await timer.WaitForNextTickAsync(cancel))
                {
                    // A line only when somebody came: a log of a quiet tracker stays short.
                    if (server.Counters != last)
                    {
                        last = server.Counters;
                        lock (output)
                        {
                            ShowCounters(last, host, json);
                        }
                    }
                }
            }
            catch (OperationCanceledException)
            {
                ShowCounters(server.Counters, host, json);
            }
        }

        return ExitCode.Interrupted;
    }

    private static IpFilter ReadFilter(IReadOnlyList<string> files, CancellationToken cancel)
    {
        try
        {
            return IpFilterFiles.Read(files, cancel);
        }
        catch (IpFilterException error)
        {
            throw new UserErrorException("cannot-start", error.Message);
        }
    }

    private static async Task ReloadAsync(
        TrackerServer server,
        IReadOnlyList<string> files,
        CliHost host,
        bool json,
        Lock output,
        CancellationToken cancel
    )
    {
        try
        {
            var filter = await Task.Run(() => IpFilterFiles.Read(files, cancel), cancel);
            server.SetFilter(filter);
            lock (output)
            {
                if (json)
                {
                    JsonOutput.Write(host.Out, new IpFilterLine(filter.Count), JsonOutput.Context.IpFilterLine);
                    return;
                }

                host.Out.WriteLine(PlainTransferView.FilterLine(filter.Count));
                host.Out.Flush();
            }
        }
        catch (IpFilterException error)
        {
            var message = SafeText.Of($"{error.Message}; the filter stays as it was");
            lock (output)
            {
                if (json)
                {
                    JsonOutput.Write(host.Out, new WarningLine("ip-filter", message), JsonOutput.Context.WarningLine);
                    return;
                }

                host.Error.WriteLine("Warning: " + message);
            }
        }
    }

    private static void Announce(TrackerServer server, CliHost host, bool json)
    {
        var http = server.HttpEndPoints.Select(end => Url("http", end)).ToList();
        var udp = server.UdpEndPoints.Select(end => Url("udp", end)).ToList();
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new TrackerLine(http.FirstOrDefault(), udp.FirstOrDefault(), [.. http, .. udp]),
                JsonOutput.Context.TrackerLine
            );
            return;
        }

        foreach (var url in http.Concat(udp))
        {
            host.Out.WriteLine($"Tracker at {url}");
        }

        host.Out.Flush();
    }

    /// <summary>An address that others can use: for "all addresses" one that this machine has.</summary>
    private static string Url(string scheme, IPEndPoint listening)
    {
        var address =
            listening.Address.Equals(IPAddress.Any) || listening.Address.Equals(IPAddress.IPv6Any)
                ? MachineAddresses.Best(listening.Address.Equals(IPAddress.Any))
                : listening.Address;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{scheme}://{EndPointText.ForUrl(address)}:{listening.Port}{TrackerOptions.DefaultPath}"
        );
    }

    private static void ShowCounters(TrackerCounters counters, CliHost host, bool json)
    {
        var announces = counters.HttpAnnounces + counters.UdpAnnounces;
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new TrackerStatsLine(counters.Swarms, counters.Peers, announces, counters.Scrapes, counters.Refused),
                JsonOutput.Context.TrackerStatsLine
            );
            return;
        }

        host.Out.WriteLine(
            $"{TorrentText.Count(counters.Swarms, "torrent")}, {TorrentText.Count(counters.Peers, "peer")}, "
                + TorrentText.Count(announces, "announce")
        );
        host.Out.Flush();
    }
}
