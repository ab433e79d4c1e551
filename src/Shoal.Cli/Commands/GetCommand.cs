using System.CommandLine;
using System.Globalization;
using System.Net;
using Shoal.Daemon;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Fetches a torrent, and leaves when it is complete unless told to stay.</summary>
internal sealed class GetCommand
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;

    private readonly Argument<string> _source = new("SOURCE")
    {
        Description =
            "A .torrent file, the http(s) URL of one, a magnet link (also one that can change, urn:btpk), or an infohash",
    };

    private readonly Option<string?> _output = Options.Text(
        "--output",
        "DIR",
        "The folder to put the content in (default: this one)",
        "-o"
    );

    private readonly Option<string[]> _files = Options.Texts(
        "--files",
        "GLOB",
        "Only the files that match, by name (*.mkv) or path (reels/**)"
    );

    private readonly Option<bool> _sequential = Options.Flag("--sequential", "Fetch from the beginning to the end");

    private readonly Option<bool> _stream = Options.Flag(
        "--stream",
        "Print a link that plays the largest film (else music, else file) of what is fetched, on this machine"
    );

    private readonly Option<bool> _seed = Options.Flag("--seed", "Stay and seed when complete");

    private readonly Option<TimeSpan?> _seedTime = Options.Duration("--seed-time", "Seed so long when complete");

    private readonly Option<double?> _seedRatio = Options.Value(
        "--seed-ratio",
        "R",
        "Seed until R times the size was sent",
        "a ratio like 1 or 2.5",
        static (string text, out double value) =>
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
            && double.IsFinite(value)
    );

    private readonly Option<TimeSpan?> _timeout = Options.Duration(
        "--timeout",
        "Give up when nothing arrived for so long (default: wait)"
    );

    private readonly Option<TimeSpan?> _poll = Options.Duration(
        "--poll",
        "How often to look where a link that can change leads now (default 5m, at least 10s)"
    );

    private readonly SslTorrentOptions _ssl = new();
    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private GetCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        command.Add(_source);
        command.AddGroup(
            "Options",
            [_output, _files, _sequential, _stream, _seed, _seedTime, _seedRatio, _timeout, _poll, .. _ssl.All, _json]
        );
        _network = new NetworkOptions(command);
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("get", "Fetch a torrent; goes on where an earlier get stopped")
        {
            Examples =
            [
                new("By a torrent file, into ~/films", "shoal get film.torrent -o ~/films"),
                new("By a link", "shoal get 'magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c'"),
                new(
                    "Only the videos, in order, to watch while they arrive",
                    "shoal get film.torrent --files '*.mkv' --sequential"
                ),
                new("Play a film while it comes in", "shoal get film.torrent --files 'film.mkv' --stream"),
                new("Give back as much as was taken", "shoal get film.torrent --seed-ratio 1"),
                new("In a script", "shoal get data.torrent --json --timeout 10m"),
                new(
                    "What the owner of a key publishes, now and later",
                    "shoal get 'magnet:?xs=urn:btpk:8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e' --seed"
                ),
            ],
            Notes =
            [
                "A second get of the same torrent into the same folder resumes: what is there and good is kept. "
                    + "Exit codes: 0 complete, 1 failed or timed out, 2 wrong command line, 130 interrupted.",
                "A link with a public key (urn:btpk, BEP 46) leads to whatever torrent the owner of the key names in the "
                    + "DHT ('shoal publish'). While get runs it follows: the first version goes into the folder itself, each "
                    + "later one into a folder update-N in it, and files of the old version that did not change are copied, "
                    + "not fetched. Nothing of the old version is changed or deleted.",
                "--stream serves the file over HTTP on 127.0.0.1, also where the player jumps to: what it needs next is fetched "
                    + "before everything else. Nobody else finds the link, and it ends with get, which stays until everything is "
                    + "here and the player that came has been gone for a minute, or as long as --seed says.",
                NetworkOptions.FilterNote,
            ],
        };
        _ = new GetCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var options = _network.Engine(result, _host);
        var globs = (result.GetValue(_files) ?? []).Select(pattern => new FileGlob(pattern)).ToList();
        var network = RunningEngine.Network(options);
        var peers = await _network.PeersAsync(result, network, cancel);
        var source = await TorrentSource.LoadAsync(result.GetRequiredValue(_source), network, cancel);
        if (source is TorrentSource.Torrent known)
        {
            WantedBytes(known.Metainfo, globs);
        }
        else if (source is TorrentSource.Link { Magnet.Publication: not null } && !options.UseDht)
        {
            throw UserErrorException.Usage("a link with a public key is looked up in the DHT: leave --no-dht out");
        }
        else if (source is TorrentSource.Link { Magnet.Publication: not null } && result.GetValue(_stream))
        {
            throw UserErrorException.Usage(
                "--stream plays one torrent, and a link with a public key may lead to another: leave one of them out"
            );
        }

        var torrentOptions = new TorrentOptions
        {
            SaveDirectory = CliPath.CreateFolder(result.GetValue(_output) ?? "."),
            Sequential = result.GetValue(_sequential),
            FilePriority =
                globs.Count == 0 ? null : file => Wants(globs, file) ? FilePriority.Normal : FilePriority.Skip,
            NamedPeers = peers,
            SslIdentity = _ssl.Read(result),
        };
        using var view = TransferViews.For(_host, result.GetValue(_json));
        return await RunningEngine.UseAsync(
            _host,
            options,
            view,
            news => FetchAsync(news, source, torrentOptions, globs, result, cancel),
            cancel
        );
    }

    private async Task<int> FetchAsync(
        EngineNews news,
        TorrentSource source,
        TorrentOptions options,
        IReadOnlyList<FileGlob> globs,
        ParseResult result,
        CancellationToken cancel
    )
    {
        WarnOfLoneliness(source, result, options.NamedPeers, news.View);
        if (source is TorrentSource.Link { Magnet: { Publication: { } publication } follow })
        {
            return await FollowAsync(news, follow, publication, options, globs, result, cancel);
        }

        var torrent = source switch
        {
            TorrentSource.Torrent known => await news.Engine.AddAsync(known.Metainfo, options, cancel),
            TorrentSource.Link link => await news.Engine.AddAsync(link.Magnet, options, cancel),
            _ => throw new InvalidOperationException("a source is a torrent or a link"),
        };
        PlayerServer? player = null;
        var rules = Rules(result);
        rules.IsHeld = () => player?.IsNeeded == true;
        var loop = new TransferLoop(news, _host.Time)
        {
            WantedBytes = (_, metainfo) => WantedBytes(metainfo, globs),
            FilesKnown = async (known, metainfo) =>
                player = result.GetValue(_stream)
                    ? await PlayerOpening.OpenAsync(
                        known,
                        metainfo,
                        file => IsFetched(globs, file),
                        news.View,
                        _host.Time
                    )
                    : null,
        };
        try
        {
            var reason = await loop.RunAsync([torrent], rules, cancel);
            return Conclude(reason, torrent, rules, loop.Elapsed, news.View);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            news.View.Show(new TransferEvent.Stopped("interrupted", torrent.Status, loop.Elapsed));
            return ExitCode.Interrupted;
        }
        finally
        {
            if (player is not null)
            {
                await player.DisposeAsync();
            }
        }
    }

    /// <summary>The same for a link that can change.</summary>
    private async Task<int> FollowAsync(
        EngineNews news,
        MagnetLink link,
        PublicationName publication,
        TorrentOptions options,
        IReadOnlyList<FileGlob> globs,
        ParseResult result,
        CancellationToken cancel
    )
    {
        PublicationFeed feed;
        try
        {
            feed = news.Engine.Follow(publication, result.GetValue(_poll));
        }
        catch (PublicationException error)
        {
            throw new UserErrorException(error.Code, error.Message);
        }

        await using (feed)
        {
            var transfer = new FollowedTransfer(news, _host.Time)
            {
                Link = link,
                Directory = options.SaveDirectory,
                Options = options,
                Rules = () => Rules(result),
                WantedBytes = (_, metainfo) => WantedBytes(metainfo, globs),
            };
            try
            {
                var reason = await transfer.RunAsync(feed, cancel);
                return Conclude(reason, transfer.Current!, Rules(result), transfer.Elapsed, news.View);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                news.View.Show(new TransferEvent.Stopped("interrupted", transfer.Current?.Status, transfer.Elapsed));
                return ExitCode.Interrupted;
            }
        }
    }

    private LeaveRules Rules(ParseResult result) =>
        new()
        {
            Stay = result.GetValue(_seed),
            SeedTime = result.GetValue(_seedTime),
            SeedRatio = result.GetValue(_seedRatio),
            Timeout = result.GetValue(_timeout),
        };

    private static int Conclude(
        LeaveReason reason,
        Torrent torrent,
        LeaveRules rules,
        TimeSpan elapsed,
        ITransferView view
    )
    {
        if (reason == LeaveReason.Timeout)
        {
            throw GaveUp(torrent.Status, rules.Timeout!.Value);
        }

        if (reason != LeaveReason.Complete)
        {
            var why = reason == LeaveReason.SeedRatio ? "the ratio is reached" : "the time is over";
            view.Show(new TransferEvent.Stopped(why, torrent.Status, elapsed));
        }

        return ExitCode.Done;
    }

    private void WarnOfLoneliness(
        TorrentSource source,
        ParseResult result,
        IReadOnlyList<DnsEndPoint> peers,
        ITransferView view
    )
    {
        // A link's web seeds have no metadata.
        var (trackers, known, webSeeds) = source switch
        {
            TorrentSource.Torrent(var metainfo, _) => (metainfo.Trackers.Count, 0, metainfo.WebSeeds.Count),
            TorrentSource.Link(var magnet) => (magnet.Trackers.Count, magnet.Peers.Count, 0),
            _ => (0, 0, 0),
        };
        var hasTracker = trackers > 0 && _network.UsesTrackers(result);
        var hasWebSeed = webSeeds > 0 && _network.UsesWebSeeds(result);
        if (peers.Count == 0 && known == 0 && !hasTracker && !hasWebSeed && !_network.NamesDhtNodes(result))
        {
            view.Show(
                new TransferEvent.Warning(
                    "no-peers",
                    "nothing says where peers are: no tracker and no address; waiting for others to connect, or for a "
                        + "DHT node that is known from before (--peer HOST:PORT or --dht-bootstrap HOST:PORT names one)"
                )
            );
        }
    }

    private static UserErrorException GaveUp(TorrentStatus status, TimeSpan timeout)
    {
        var what = status.State == TorrentState.FetchingMetadata ? "no metadata arrived" : "nothing arrived";
        var peers =
            status.PeerCount == 0
                ? "no peer could be reached"
                    + (status.WebSeedCount > 0 ? $", {TorrentText.Count(status.WebSeedCount, "web seed")} in use" : "")
                : $"{TorrentText.Count(status.PeerCount, "peer")} connected, {status.SeedCount} of them with everything";
        var bad =
            status.HashFailures == 0
                ? ""
                : $"; {TorrentText.Count(status.HashFailures, "piece")} came that did not match the torrent: somebody changed "
                    + "what he shares, or lies";
        return new UserErrorException(
            "timeout",
            $"{what} for {Duration.Format(timeout)}: {peers}{bad}; what is there is kept, the same command goes on from it"
        );
    }

    private static bool IsFetched(IReadOnlyList<FileGlob> globs, MetainfoFile file) =>
        globs.Count == 0 || Wants(globs, file);

    private static bool Wants(IReadOnlyList<FileGlob> globs, MetainfoFile file) =>
        globs.Any(glob => glob.Matches(file.Path, file.Path.Split('/')[0]));

    private static long WantedBytes(Metainfo metainfo, IReadOnlyList<FileGlob> globs)
    {
        if (globs.Count == 0)
        {
            return metainfo.Size;
        }

        var wanted = metainfo.Files.Where(file => !file.IsPad && Wants(globs, file)).ToList();
        return wanted.Count > 0
            ? wanted.Sum(file => file.Size)
            : throw new UserErrorException(
                "no-such-file",
                $"--files: no file of {metainfo.Name} matches {string.Join(", ", globs.Select(glob => glob.Pattern))}"
            );
    }
}
