using System.CommandLine;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Seeds data that is there already: checked first, never changed.</summary>
internal static class SeedCommand
{
    public static Command Build(CliHost host)
    {
        var torrent = new Argument<string>("TORRENT") { Description = "A .torrent file, or the http(s) URL of one" };
        var data = Options.Text(
            "--data",
            "DIR",
            "The folder that holds the content: a torrent named x lies at DIR/x (default: this one)"
        );
        var recheck = Options.Flag("--recheck", "Hash everything even where resume data proves it");
        var superSeed = Options.SuperSeed();
        var keys = new PublicationKeys(
            "--publish",
            "Publish it under a link that stays the same when the next version comes, signed with this key ('shoal publish')"
        );
        var ssl = new SslTorrentOptions();
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("seed", "Seed data that is there already, until stopped")
        {
            Examples =
            [
                new("The film in ~/films/film", "shoal seed film.torrent --data ~/films"),
                new(
                    "On a fixed port, not too fast",
                    "shoal seed film.torrent --data ~/films --port 6881 --upload-limit 20Mbit/s"
                ),
            ],
            Notes =
            [
                "The data is hashed first, unless resume data proves that it has not changed. If something is missing "
                    + "or wrong, nothing is touched and the exit code is 3; 'shoal verify' says what it is and 'shoal get' "
                    + "mends it.",
                NetworkOptions.FilterNote,
            ],
        };
        command.Add(torrent);
        command.AddGroup("Options", [data, recheck, superSeed, .. ssl.All, .. keys.All, json]);
        var network = new NetworkOptions(command);
        command.SetAction(
            async (result, cancel) =>
            {
                var options = network.Engine(result, host);
                var salt = keys.Salt(result, needsKey: true);
                var way = RunningEngine.Network(options);
                var peers = await network.PeersAsync(result, way, cancel);
                var where = result.GetRequiredValue(torrent);
                if (await TorrentSource.LoadAsync(where, way, cancel) is not TorrentSource.Torrent source)
                {
                    throw UserErrorException.Usage($"{where}: seeding needs the .torrent file, not a link to it");
                }

                if (keys.IsNamed(result) && (source.Metainfo.IsPrivate || !options.UseDht))
                {
                    throw UserErrorException.Usage(
                        source.Metainfo.IsPrivate
                            ? "--publish: peers of a private torrent come from its trackers only, not by the DHT"
                            : "--publish: what is published stands in the DHT, leave --no-dht out"
                    );
                }

                var torrentOptions = new TorrentOptions
                {
                    SaveDirectory = TorrentFile.DataFolder(result.GetValue(data) ?? "."),
                    Recheck = result.GetValue(recheck),
                    NamedPeers = peers,
                    SslIdentity = ssl.Read(result),
                    // Nothing is fetched, so nothing is written, before it is known that all is well.
                    Paused = true,
                    IsSeedOnly = true,
                    SuperSeeding = result.GetValue(superSeed),
                };
                using var view = TransferViews.For(host, result.GetValue(json));
                return await RunningEngine.UseAsync(
                    host,
                    options,
                    view,
                    news =>
                        SeedAsync(
                            news,
                            source.Metainfo,
                            torrentOptions,
                            () =>
                                !keys.IsNamed(result)
                                    ? null
                                    : Publishing.Begin(
                                        news.Engine,
                                        keys.Load(result, host, options.StateDirectory),
                                        salt,
                                        source.Metainfo.InfoHashes,
                                        view,
                                        host.Time
                                    ),
                            host,
                            cancel
                        ),
                    cancel
                );
            }
        );
        return command;
    }

    private static async Task<int> SeedAsync(
        EngineNews news,
        Metainfo metainfo,
        TorrentOptions options,
        Func<Publishing?> publish,
        CliHost host,
        CancellationToken cancel
    )
    {
        var torrent = await news.Engine.AddAsync(metainfo, options, cancel);
        var loop = new TransferLoop(news, host.Time);
        try
        {
            await loop.WhenCheckedAsync([torrent], cancel);
            var status = torrent.Status;
            if (status.Error is { } error)
            {
                throw new UserErrorException("disk-failed", error);
            }

            if (status.DoneBytes < status.WantedBytes)
            {
                throw new UserErrorException(
                    "incomplete",
                    $"{Path.Combine(options.SaveDirectory, metainfo.Name)}: only "
                        + $"{TransferViews.Percent(status.DoneBytes, status.WantedBytes)} matches the torrent; 'shoal "
                        + "verify' says what does not, 'shoal get' fetches it",
                    ExitCode.Incomplete
                );
            }

            torrent.Resume();
            await using var publishing = publish();
            loop.Publishing = publishing;
            await loop.RunAsync([torrent], new LeaveRules { Stay = true }, cancel);
            return ExitCode.Done;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            news.View.Show(new TransferEvent.Stopped("interrupted", torrent.Status, loop.Elapsed));
            return ExitCode.Interrupted;
        }
    }
}
