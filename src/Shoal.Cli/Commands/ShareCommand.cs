using System.CommandLine;
using System.Globalization;
using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Tracker;

namespace Shoal.Cli;

/// <summary>Creates torrents and seeds them in one step, with a tracker of its own unless one is named.</summary>
internal sealed class ShareCommand
{
    /// <summary>How often peers ask our own tracker: it serves few, and newcomers shall find each other soon.</summary>
    private static readonly TimeSpan AnnounceInterval = TimeSpan.FromMinutes(5);

    private readonly CliHost _host;
    private readonly CreationOptions _creation;
    private readonly NetworkOptions _network;

    private readonly Argument<string[]> _paths = new("PATH")
    {
        Description = "The files and folders; each becomes a torrent of its own",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _output = Options.Text(
        "--output",
        "FILE",
        "Write the .torrent too; may be a folder (needed for several PATHs)",
        "-o"
    );

    private readonly Option<bool> _superSeed = Options.SuperSeed();

    private readonly PublicationKeys _keys = new(
        "--publish",
        "Publish it under a link that stays the same when the next version comes, signed with this key ('shoal publish')"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private ShareCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.Add(_paths);
        command.AddGroup("Options", [_output, _superSeed, .. _keys.All, _json]);
        _creation = new CreationOptions(command);
        _network = new NetworkOptions(command);
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("share", "Share a file or folder: prints a magnet link and a QR code, and seeds")
        {
            Examples =
            [
                new("Until Ctrl-C", "shoal share ~/films/holiday"),
                new(
                    "By a tracker that runs elsewhere",
                    "shoal share data/ --tracker http://tracker.example:6969/announce"
                ),
                new("With the torrent file, to send by mail", "shoal share data/ -o data.torrent"),
                new("To many, over a slow line", "shoal share data/ --super-seed"),
                new("Not more than a fifth of the line", "shoal share data/ --upload-limit 20Mbit/s"),
                new("Under a link that stays the same for the next version", "shoal share data/ --publish genomes"),
            ],
            Notes =
            [
                "Unless --tracker or --no-trackers is given, a tracker runs inside this command, on port 6969 if that is "
                    + "free, for what is shared here only. Receivers must be able to reach this machine.",
                NetworkOptions.FilterNote,
            ],
        };
        _ = new ShareCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var options = _network.Engine(result, _host);
        var settings = _creation.Read(result, _host);
        var paths = result.GetRequiredValue(_paths);
        if (paths.Length > 1 && settings.Name is not null)
        {
            throw UserErrorException.Usage("--name: several paths cannot have the same name");
        }

        if (paths.Length > 1 && result.GetValue(_output) is { } output && !Directory.Exists(output))
        {
            throw UserErrorException.Usage($"--output {output}: several torrents need a folder that exists");
        }

        var salt = _keys.Salt(result, needsKey: true);
        if (_keys.IsNamed(result) && (paths.Length > 1 || settings.IsPrivate || !options.UseDht))
        {
            throw UserErrorException.Usage(
                paths.Length > 1 ? "--publish: a link leads to one torrent, not to several"
                : settings.IsPrivate
                    ? "--publish: peers of a private torrent come from its trackers only, not by the DHT"
                : "--publish: what is published stands in the DHT, leave --no-dht out"
            );
        }

        var network = RunningEngine.Network(options);
        var peers = await _network.PeersAsync(result, network, cancel);
        var addresses = Reachable(network.LocalAddresses);
        TrackerServer? tracker = null;
        try
        {
            if (settings.Trackers.Count == 0 && options.UseTrackers)
            {
                tracker = await StartTrackerAsync(network.LocalAddresses, cancel);
                settings = settings with
                {
                    Trackers =
                    [
                        [Url(tracker.HttpEndPoints[0], addresses[0])],
                    ],
                };
            }

            var shared = new List<(string Folder, CreatedTorrent Torrent, string? File)>();
            foreach (var path in paths)
            {
                shared.Add(await MakeAsync(path, settings, result, cancel));
            }

            foreach (var name in shared.SelectMany(item => item.Torrent.Metainfo.InfoHashes.OnTheWire))
            {
                tracker?.Allow(name);
            }

            using var view = TransferViews.For(_host, result.GetValue(_json));
            return await RunningEngine.UseAsync(
                _host,
                options,
                view,
                news => PublishAndSeedAsync(news, shared, peers, addresses, salt, result, cancel),
                cancel,
                filter => tracker?.SetFilter(filter)
            );
        }
        finally
        {
            if (tracker is not null)
            {
                await tracker.DisposeAsync();
            }
        }
    }

    private async Task<(string Folder, CreatedTorrent Torrent, string? File)> MakeAsync(
        string path,
        CreationSettings settings,
        ParseResult result,
        CancellationToken cancel
    )
    {
        // The content lies where it is under the name it has; another name would be looked for in vain.
        var full = Path.TrimEndingDirectorySeparator(CliPath.Full(path));
        if (settings.Name is { } name && name != Path.GetFileName(full))
        {
            throw UserErrorException.Usage($"--name: what is shared keeps its name, {Path.GetFileName(full)}");
        }

        using var view = new HashingView(_host, isSilent: result.GetValue(_json));
        var output = result.GetValue(_output);
        var (torrent, file) = output is null
            ? (await TorrentMaking.MakeAsync(path, settings, view, cancel), null)
            : await TorrentMaking.WriteAsync(path, output, settings, view, cancel);
        return (Path.GetDirectoryName(full)!, torrent, file);
    }

    private async Task<int> PublishAndSeedAsync(
        EngineNews news,
        List<(string Folder, CreatedTorrent Torrent, string? File)> shared,
        IReadOnlyList<DnsEndPoint> peers,
        IReadOnlyList<IPAddress> addresses,
        byte[] salt,
        ParseResult result,
        CancellationToken cancel
    )
    {
        var torrent = shared[0].Torrent.Metainfo.InfoHashes;
        await using var publishing = _keys.IsNamed(result)
            ? Publishing.Begin(
                news.Engine,
                _keys.Load(result, _host, _network.StateDirectory(result, _host)),
                salt,
                torrent,
                news.View,
                _host.Time
            )
            : null;
        return await SeedAsync(news, shared, peers, addresses, publishing, result.GetValue(_superSeed), cancel);
    }

    private async Task<int> SeedAsync(
        EngineNews news,
        IReadOnlyList<(string Folder, CreatedTorrent Torrent, string? File)> shared,
        IReadOnlyList<DnsEndPoint> peers,
        IReadOnlyList<IPAddress> addresses,
        Publishing? publishing,
        bool isSuperSeed,
        CancellationToken cancel
    )
    {
        var torrents = new List<Torrent>();
        var loop = new TransferLoop(news, _host.Time) { Publishing = publishing };
        try
        {
            foreach (var (folder, made, file) in shared)
            {
                var options = new TorrentOptions
                {
                    SaveDirectory = folder,
                    AssumeComplete = true,
                    IsSeedOnly = true,
                    SuperSeeding = isSuperSeed,
                    NamedPeers = peers,
                };
                torrents.Add(await news.Engine.AddAsync(made.Metainfo, options, cancel));
                var link = TorrentDescription.MagnetOf(made.Metainfo) with
                {
                    Peers = [.. addresses.Select(address => (address.ToString(), news.Engine.Port))],
                };
                news.View.Show(new TransferEvent.Link(link.ToString(), file, link.Trackers));
            }

            await loop.RunAsync(torrents, new LeaveRules { Stay = true }, cancel);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            var status = torrents.Count > 0 ? TransferLoop.Sum(torrents) : null;
            news.View.Show(new TransferEvent.Stopped("interrupted", status, loop.Elapsed));
            return ExitCode.Interrupted;
        }
    }

    /// <summary>On its usual port if that is free, so that a link may outlive a restart; otherwise on any.</summary>
    private async Task<TrackerServer> StartTrackerAsync(IReadOnlyList<IPAddress> bind, CancellationToken cancel)
    {
        try
        {
            return await TrackerServer.StartAsync(TrackerOn(bind, TrackerCommand.DefaultPort), cancel);
        }
        catch (IOException)
        {
            try
            {
                return await TrackerServer.StartAsync(TrackerOn(bind, 0), cancel);
            }
            catch (IOException error)
            {
                throw new UserErrorException(
                    "cannot-listen",
                    $"the tracker inside this command: {error.Message.TrimEnd('.')}; --no-trackers goes without"
                );
            }
        }
    }

    private TrackerOptions TrackerOn(IReadOnlyList<IPAddress> bind, int port) =>
        new()
        {
            HttpEndPoints =
            [
                .. bind.DefaultIfEmpty(MachineAddresses.Any).Take(1).Select(address => new IPEndPoint(address, port)),
            ],
            AllowOnlyListed = true,
            Interval = AnnounceInterval,
            Time = _host.Time,
        };

    private static string Url(IPEndPoint listening, IPAddress address) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"http://{EndPointText.ForUrl(address)}:{listening.Port}{TrackerOptions.DefaultPath}"
        );

    /// <summary>Where receivers can find this machine, the likeliest first; one of each family is enough for a link.</summary>
    private static List<IPAddress> Reachable(IReadOnlyList<IPAddress> bind)
    {
        var addresses = bind.Where(address => !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
            .ToList();
        return addresses.Count > 0
            ? addresses
            :
            [
                .. MachineAddresses
                    .All()
                    .OrderBy(address => address.AddressFamily)
                    .DistinctBy(address => address.AddressFamily)
                    .DefaultIfEmpty(IPAddress.Loopback),
            ];
    }
}
