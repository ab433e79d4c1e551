using System.CommandLine;
using Shoal.Engine;

namespace Shoal.Cli;

/// <summary>Says what a .torrent file or a magnet link contains, without connecting to any peer.</summary>
internal static class ShowCommand
{
    public static Command Build(CliHost host)
    {
        var source = new Argument<string>("SOURCE")
        {
            Description = "A .torrent file, the http(s) URL of one, a magnet link or an infohash",
        };
        var json = Options.Flag("--json", "Print one JSON object");
        var command = new ShoalCommand("show", "Show what a torrent or a magnet link says")
        {
            Examples =
            [
                new("What is in it?", "shoal show film.torrent"),
                new("The infohash, for a script", "shoal show film.torrent --json | jq -r .infoHashV1"),
                new("A link", "shoal show 'magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c'"),
            ],
        };
        command.Add(source);
        command.AddGroup("Options", [json]);
        command.SetAction(
            async (result, cancel) =>
            {
                var loaded = await TorrentSource.LoadAsync(
                    result.GetRequiredValue(source),
                    OutboundNetwork.Direct,
                    cancel
                );
                switch (loaded, result.GetValue(json))
                {
                    case (TorrentSource.Torrent(var metainfo, _), true):
                        JsonOutput.Write(
                            host.Out,
                            TorrentDescription.ToObject(metainfo, null),
                            JsonOutput.Context.TorrentObject
                        );
                        break;
                    case (TorrentSource.Link(var link), true):
                        JsonOutput.Write(host.Out, TorrentDescription.ToObject(link), JsonOutput.Context.TorrentObject);
                        break;
                    case (TorrentSource.Torrent(var metainfo, _), false):
                        TorrentDescription.Write(host.Out, metainfo);
                        break;
                    case (TorrentSource.Link(var link), false):
                        TorrentDescription.Write(host.Out, link);
                        break;
                }

                return ExitCode.Done;
            }
        );
        return command;
    }
}
