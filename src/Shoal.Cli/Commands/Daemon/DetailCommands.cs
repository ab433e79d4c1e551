using System.CommandLine;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Files, peers and trackers of one torrent.</summary>
internal static class DetailCommands
{
    public static Command Peers(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        var add = Options.Texts("--add", "ADDR:PORT", "A peer to try");
        var command = new ShoalCommand("peers", "Show the connections of a torrent")
        {
            Examples =
            [
                new("Who is there", "shoal peers holiday"),
                new("Try one more", "shoal peers holiday --add 192.0.2.7:6881"),
            ],
        };
        command.Add(torrent);
        var daemon = new DaemonAccess(host, command, add);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var id = (await DaemonAccess.ResolveAsync(client, [result.GetRequiredValue(torrent)], cancel))[
                            0
                        ];
                        var peers = result.GetValue(add) is { Length: > 0 } more
                            ? await client.AddPeersAsync(id, new AddPeers(more), cancel)
                            : await client.PeersAsync(id, cancel);
                        Show(peers, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    public static Command Trackers(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        var add = Options.Texts("--add", "URL", "A tracker more, in a tier of its own");
        var remove = Options.Texts("--remove", "URL", "A tracker less");
        var announce = Options.Flag("--announce", "Look for peers as soon as the trackers allow");
        var command = new ShoalCommand("trackers", "Show and edit the trackers of a torrent")
        {
            Examples =
            [
                new("What they say", "shoal trackers holiday"),
                new("One more", "shoal trackers holiday --add http://tracker.example:6969/announce"),
            ],
        };
        command.Add(torrent);
        var daemon = new DaemonAccess(host, command, add, remove, announce);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var id = (await DaemonAccess.ResolveAsync(client, [result.GetRequiredValue(torrent)], cancel))[
                            0
                        ];
                        var trackers = await client.TrackersAsync(id, cancel);
                        var (more, less) = (result.GetValue(add) ?? [], result.GetValue(remove) ?? []);
                        if (more.Length + less.Length > 0)
                        {
                            trackers = await client.SetTrackersAsync(id, Edit(trackers, more, less), cancel);
                        }

                        if (result.GetValue(announce))
                        {
                            await client.DoAsync(
                                new BatchAction { Action = TorrentAction.Announce, Ids = [id] },
                                cancel
                            );
                        }

                        Show(trackers, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static TrackerChange Edit(TrackerList trackers, string[] more, string[] less)
    {
        var missing = less.FirstOrDefault(url => !trackers.Trackers.Any(tracker => tracker.Url == url));
        if (missing is not null)
        {
            throw new UserErrorException("no-such-tracker", $"--remove: '{missing}' is none of its trackers");
        }

        var tiers = trackers
            .Trackers.Where(tracker => !less.Contains(tracker.Url))
            .GroupBy(tracker => tracker.Tier, tracker => tracker.Url)
            .Select(tier => (IReadOnlyList<string>)[.. tier]);
        return new TrackerChange([.. tiers, .. more.Select(url => (IReadOnlyList<string>)[url])]);
    }

    private static void Show(PeerList peers, DaemonOutput output)
    {
        if (output.IsJson)
        {
            foreach (var peer in peers.Peers)
            {
                output.Json("peer", peer, ApiJson.Default.PeerItem);
            }
        }
        else if (peers.Peers.Count == 0)
        {
            output.Line("No peers are connected.");
        }
        else
        {
            output.Table(
                ["ADDRESS", "CLIENT", "HAS", "DOWN", "UP", "VIA", "CRYPT", "FOUND BY"],
                [
                    .. peers.Peers.Select(peer =>
                        (IReadOnlyList<string>)
                            [
                                peer.Address,
                                peer.Client,
                                DaemonOutput.Percent(peer.Progress),
                                Rate.Format(peer.DownloadRate),
                                Rate.Format(peer.UploadRate),
                                peer.Transport,
                                peer.Encryption,
                                string.Join(' ', peer.Sources),
                            ]
                    ),
                ]
            );
        }
    }

    private static void Show(TrackerList trackers, DaemonOutput output)
    {
        if (output.IsJson)
        {
            foreach (var tracker in trackers.Trackers)
            {
                output.Json("tracker", tracker, ApiJson.Default.TrackerItem);
            }
        }
        else if (trackers.Trackers.Count == 0)
        {
            output.Line("It has no trackers.");
        }
        else
        {
            output.Table(
                ["TRACKER", "TIER", "SEEDS", "PEERS", "SAYS"],
                [
                    .. trackers.Trackers.Select(tracker =>
                        (IReadOnlyList<string>)
                            [
                                tracker.Url,
                                $"{tracker.Tier}",
                                tracker.Seeds is { } seeds ? $"{seeds}" : "-",
                                tracker.Peers is { } others ? $"{others}" : "-",
                                tracker.Message
                                    ?? tracker.Working switch
                                    {
                                        true => "works",
                                        false => "does not work",
                                        null => "not asked yet",
                                    },
                            ]
                    ),
                ]
            );
        }
    }
}
