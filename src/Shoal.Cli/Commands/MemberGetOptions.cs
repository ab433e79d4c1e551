using System.CommandLine;
using System.Net;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Fetching from the catalogue: what join and catalogue get have in common.</summary>
internal sealed class MemberGetOptions
{
    private readonly CliHost _host;

    private readonly Option<string?> _output = Options.Text(
        "--output",
        "DIR",
        "The folder to put the content in (default: this one)",
        "-o"
    );

    private readonly Option<bool> _seed = Options.Flag("--seed", "Stay when complete, and help to distribute");

    private readonly Option<TimeSpan?> _seedTime = Options.Duration("--seed-time", "Stay so long when complete");

    private readonly Option<TimeSpan?> _timeout = Options.Duration(
        "--timeout",
        "Give up when nothing arrived for so long (default: wait)"
    );

    private readonly Option<bool> _receipts = Options.Flag(
        "--receipts",
        "Agree to tell the hub what you received, as 'shoal member receipts' shows (default: nothing is told)"
    );

    private readonly DaemonHandover _daemon;

    public MemberGetOptions(CliHost host) => (_host, _daemon) = (host, new DaemonHandover(host));

    public IEnumerable<Option> All => [_output, _seed, _seedTime, _timeout, _receipts, _daemon.Option];

    /// <summary>Fetches an entry, and stays as the options say.</summary>
    public async Task<int> FetchAsync(
        ParseResult result,
        NetworkOptions network,
        LocalMembership membership,
        KnownEntry entry,
        bool json,
        CancellationToken cancel
    )
    {
        var options = network.Engine(result, _host);
        var outbound = RunningEngine.Network(options);
        var folder = CliPath.CreateFolder(result.GetValue(_output) ?? ".");
        var peers = await network.PeersAsync(result, outbound, cancel);
        await AgreeAsync(result, membership, outbound, cancel);
        if (_daemon.IsWanted(result))
        {
            return await HandOverAsync(
                result,
                options.StateDirectory,
                membership,
                entry,
                folder,
                json,
                () => DaemonHandover.AddressesAsync(peers, outbound, cancel),
                cancel
            );
        }

        var torrent = await HubCalls.DoAsync(async () =>
        {
            using var hub = HubClient.Of(membership, HubCalls.Connect(outbound), _host.Time);
            var found = await CatalogueReading.ReadTorrentAsync(hub, entry, cancel);
            membership.Keep(new OfflineEntry(entry.Entry.Encoded, found.Bytes));
            return found;
        });
        using var view = TransferViews.For(_host, json);
        return await new MemberTransfer(_host, membership, outbound).RunAsync(
            options,
            torrent,
            new TorrentOptions { SaveDirectory = folder, NamedPeers = [.. peers, .. KeptPeers(membership)] },
            new LeaveRules
            {
                Stay = result.GetValue(_seed),
                SeedTime = result.GetValue(_seedTime),
                Timeout = result.GetValue(_timeout),
            },
            view,
            cancel,
            entry
        );
    }

    /// <summary>Agrees to give receipts, if the user says so.</summary>
    public Task AgreeAsync(
        ParseResult result,
        LocalMembership membership,
        OutboundNetwork network,
        CancellationToken cancel
    ) =>
        result.GetValue(_receipts)
            ? HubCalls.DoAsync(async () =>
            {
                using var hub = HubClient.Of(membership, HubCalls.Connect(network), _host.Time);
                await ReceiptConsent.AgreeAsync(_host, membership, hub, cancel);
            })
            : Task.CompletedTask;

    /// <summary>It stays and seeds as its settings say, and goes on when it is started again.</summary>
    private async Task<int> HandOverAsync(
        ParseResult result,
        string stateDirectory,
        LocalMembership membership,
        KnownEntry entry,
        string folder,
        bool json,
        Func<Task<IReadOnlyList<string>>> peers,
        CancellationToken cancel
    )
    {
        if (result.GetValue(_timeout) is not null)
        {
            throw UserErrorException.Usage($"{_timeout.Name} does not go with {_daemon.Option.Name}");
        }

        var wish = new AddTorrent
        {
            Publication = membership.Publication.ToString(),
            Entry = entry.Fields.Id.ToString(),
            SaveDirectory = folder,
            SeedTimeLimit = (long?)result.GetValue(_seedTime)?.TotalSeconds,
            Peers = await peers(),
        };
        return await _daemon.AddAsync(stateDirectory, wish, json, cancel);
    }

    /// <summary>Whom the file of an invitation named.</summary>
    private static IEnumerable<DnsEndPoint> KeptPeers(LocalMembership membership)
    {
        foreach (var text in HubCalls.Do(membership.ReadContent)?.Peers ?? [])
        {
            if (EndPointText.TrySplit(text, anyPort: false, out var host, out var port))
            {
                yield return new DnsEndPoint(host, port);
            }
        }
    }
}
