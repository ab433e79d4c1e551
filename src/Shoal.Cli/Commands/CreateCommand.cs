using System.CommandLine;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Writes a .torrent of a file or folder.</summary>
internal static class CreateCommand
{
    public static Command Build(CliHost host)
    {
        var path = new Argument<string>("PATH") { Description = "The file or folder" };
        var output = Options.Text(
            "--output",
            "FILE",
            "What to write (default: NAME.torrent in this folder); may be a folder",
            "-o"
        );
        var json = Options.Flag("--json", "Print one JSON object: the torrent, as show does, and the file");
        var command = new ShoalCommand("create", "Write a .torrent of a file or folder")
        {
            Examples =
            [
                new("A torrent for all clients, without a tracker", "shoal create film.mkv"),
                new(
                    "With trackers: the second is asked when the first does not answer",
                    "shoal create data/ -o data.torrent --tracker http://a.example/announce --tracker udp://b.example:6969/announce"
                ),
                new("The same bytes each time", "shoal create data/ --no-date"),
                new("BitTorrent v2 only, large pieces", "shoal create archive/ --format v2 --piece-length 16MiB"),
            ],
        };
        command.Add(path);
        command.AddGroup("Options", [output, json]);
        var creation = new CreationOptions(command);
        command.SetAction(
            async (result, cancel) =>
            {
                var settings = creation.Read(result, host);
                var from = result.GetRequiredValue(path);
                CreatedTorrent made;
                string file;
                using (var view = new HashingView(host, isSilent: result.GetValue(json)))
                {
                    (made, file) = await TorrentMaking.WriteAsync(
                        from,
                        result.GetValue(output),
                        settings,
                        view,
                        cancel
                    );
                }

                if (result.GetValue(json))
                {
                    JsonOutput.Write(
                        host.Out,
                        TorrentDescription.ToObject(made.Metainfo, file),
                        JsonOutput.Context.TorrentObject
                    );
                }
                else
                {
                    ShowResult(host, made.Metainfo, file);
                }

                return ExitCode.Done;
            }
        );
        return command;
    }

    private static void ShowResult(CliHost host, Metainfo metainfo, string file)
    {
        host.Out.WriteLine(
            $"Wrote {SafeText.Of(file)}: {ByteSize.Format(metainfo.Size)} in "
                + $"{TorrentText.Count(metainfo.Files.Count(entry => !entry.IsPad), "file")}, "
                + $"{TorrentText.Count(metainfo.Layout.PieceCount, "piece")} of "
                + ByteSize.Format(metainfo.Layout.PieceLength)
        );
        if (metainfo.InfoHashes.V1 is { } v1)
        {
            host.Out.WriteLine($"Infohash v1 {v1}");
        }

        if (metainfo.InfoHashes.V2 is { } v2)
        {
            host.Out.WriteLine($"Infohash v2 {v2}");
        }
    }
}
