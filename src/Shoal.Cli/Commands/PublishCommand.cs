using System.CommandLine;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Publishes: to everybody, by a note in the DHT that says under a key which torrent is the current one (BEP 46); or to the
/// members of a hub (<see cref="HubPublishing"/>).
/// </summary>
internal sealed class PublishCommand
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;
    private readonly PublicationKeys _keys = new(
        "--key",
        $"The key that signs: a name, or the path of a key file; made when missing (default: '{PublicationKeys.DefaultName}')"
    );

    private readonly Argument<string> _source = new("SOURCE")
    {
        Description =
            "The current version: a .torrent file, the http(s) URL of one, a magnet link, or an infohash; with --hub the "
            + "file or folder itself",
    };

    private readonly HubPublishing _hub;

    private readonly Option<bool> _once = Options.Flag(
        "--once",
        "Publish once and leave: in the DHT it lasts about two hours; with --hub somebody else must seed"
    );

    private readonly Option<TimeSpan?> _timeout = Options.Duration(
        "--timeout",
        "Give up when no node of the DHT took it for so long (default: wait)"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private PublishCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.Add(_source);
        command.AddGroup("Options", [.. _keys.All, _once, _timeout, _json]);
        _hub = new HubPublishing(host, command);
        _network = new NetworkOptions(command, NetworkUse.Publish);
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand(
            "publish",
            "Publish: a torrent under a link that stays the same, or files to the members of a hub"
        )
        {
            Examples =
            [
                new(
                    "The first version; prints the link to give to others",
                    "shoal publish genomes-2026.torrent --key genomes"
                ),
                new("The next one: the same link leads to it", "shoal publish genomes-2027.torrent --key genomes"),
                new("A second link of the same key", "shoal publish tools.torrent --key genomes --salt tools"),
                new(
                    "From a timer, once an hour",
                    "shoal publish genomes-2027.torrent --key genomes --once --timeout 5m"
                ),
                new(
                    "To invited people only, and seed it",
                    "shoal publish ~/genomes --hub https://hub.example.org:7450 --licence CC-BY-4.0"
                ),
                new("To many at once over a slow line", "shoal publish ~/genomes --hub hub.example.org --super-seed"),
                new("The next version of it", "shoal publish ~/genomes --hub hub.example.org --version-name 2027-01"),
                new(
                    "With a hub in the same process: nothing else has to run",
                    "shoal publish ~/genomes --with-hub --hub-host hub.example.org"
                ),
            ],
            Notes =
            [
                "The link names a public key (magnet:?xs=urn:btpk:..., BEP 46); which torrent it leads to is a signed note "
                    + "in the DHT, which forgets it after about two hours: this command puts it again each hour while it runs. "
                    + "It does not seed; 'shoal share --publish' and 'shoal seed --publish' do both. Keys live in the state folder (keys/NAME.key), readable by their "
                    + "owner only: whoever has the file can publish in your name, and a key that is lost cannot be made again.",
                "With --hub it goes into the hub's catalogue, signed with your certificate, and this command seeds it to members "
                    + "until it is stopped. It is known by its title: what is published again under the same title is the next "
                    + "version. You must be a publisher there ('shoal join', or the administrator who started the hub).",
                "Publishing the same torrent again keeps its version number. It needs libsodium (Debian: libsodium23).",
            ],
        };
        _ = new PublishCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        if (_hub.IsWanted(result))
        {
            var once = result.GetValue(_once);
            return await _hub.RunAsync(
                _network,
                result.GetRequiredValue(_source),
                once,
                result.GetValue(_json),
                result,
                cancel
            );
        }

        _hub.RefuseAlone(result);
        var options = _network.Engine(result, _host) with { UsePortMapping = false };
        var salt = _keys.Salt(result, needsKey: false);
        var network = RunningEngine.Network(options);
        var torrent = await TorrentSource.LoadAsync(result.GetRequiredValue(_source), network, cancel) switch
        {
            TorrentSource.Torrent { Metainfo: { IsPrivate: true, Name: var name } } => throw new UserErrorException(
                "private-torrent",
                $"{name} is private: its peers come from its trackers only, so a link by the DHT would lead nowhere"
            ),
            TorrentSource.Torrent(var metainfo, _) => metainfo.InfoHashes,
            TorrentSource.Link { Magnet: { HasInfoHash: true } link } => link.InfoHashes,
            _ => throw UserErrorException.Usage(
                "what is published is a torrent: this link leads to whatever its owner says, and names none itself"
            ),
        };
        var key = _keys.Load(result, _host, options.StateDirectory);
        using var view = TransferViews.For(_host, result.GetValue(_json));
        return await RunningEngine.UseAsync(
            _host,
            options,
            view,
            news => PublishAsync(news.Engine, key, salt, torrent, result, view, cancel),
            cancel
        );
    }

    private async Task<int> PublishAsync(
        TorrentEngine engine,
        SigningKey key,
        byte[] salt,
        InfoHashes torrent,
        ParseResult result,
        ITransferView view,
        CancellationToken cancel
    )
    {
        await using var publishing = Publishing.Begin(engine, key, salt, torrent, view, _host.Time);
        var start = _host.Time.GetTimestamp();
        var isPublished = false;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), _host.Time);
        try
        {
            do
            {
                while (publishing.TryTake(out var happening))
                {
                    isPublished |= happening is TransferEvent.Published;
                    view.Show(happening);
                }

                if (isPublished && result.GetValue(_once))
                {
                    return ExitCode.Done;
                }

                if (!isPublished && _host.Time.GetElapsedTime(start) >= result.GetValue(_timeout))
                {
                    throw publishing.GaveUp(result.GetValue(_timeout)!.Value);
                }
            } while (await timer.WaitForNextTickAsync(cancel));

            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
    }
}
