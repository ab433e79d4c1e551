using System.CommandLine;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Checks data against a torrent, file by file; changes nothing.</summary>
internal static class VerifyCommand
{
    public static Command Build(CliHost host)
    {
        var torrent = new Argument<string>("TORRENT") { Description = "A .torrent file, or the http(s) URL of one" };
        var data = Options.Text(
            "--data",
            "DIR",
            "The folder that holds the content: a torrent named x lies at DIR/x (default: this one)"
        );
        var json = Options.Flag("--json", "Print one JSON object");
        var command = new ShoalCommand("verify", "Check data against a torrent, file by file")
        {
            Examples =
            [
                new("Is ~/films/film what film.torrent says?", "shoal verify film.torrent --data ~/films"),
                new(
                    "Names of bad files, for a script",
                    "shoal verify film.torrent --json | jq -r '.files[] | select(.goodBytes < .size) | .path'"
                ),
            ],
            Notes = ["Exit codes: 0 all is there and good, 3 something is missing or does not match."],
        };
        command.Add(torrent);
        command.AddGroup("Options", [data, json]);
        command.SetAction(
            async (result, cancel) =>
            {
                var where = result.GetRequiredValue(torrent);
                if (
                    await TorrentSource.LoadAsync(where, OutboundNetwork.Direct, cancel)
                    is not TorrentSource.Torrent source
                )
                {
                    throw UserErrorException.Usage($"{where}: verifying needs the .torrent file, not a link to it");
                }

                return await VerifyAsync(
                    source.Metainfo,
                    TorrentFile.DataFolder(result.GetValue(data) ?? "."),
                    result.GetValue(json),
                    host,
                    cancel
                );
            }
        );
        return command;
    }

    private static async Task<int> VerifyAsync(
        Metainfo metainfo,
        string folder,
        bool json,
        CliHost host,
        CancellationToken cancel
    )
    {
        VerificationResult found;
        using (var view = new HashingView(host, isSilent: json))
        {
            var progress = new HashingProgressView(view, "Checking", metainfo.Name);
            found = await ContentVerifier.VerifyAsync(metainfo, folder, progress, cancellationToken: cancel);
        }

        if (json)
        {
            JsonOutput.Write(host.Out, ToObject(found), JsonOutput.Context.VerifyObject);
        }
        else
        {
            Write(host.Out, found, metainfo, folder);
        }

        return found.IsComplete ? ExitCode.Done : ExitCode.Incomplete;
    }

    private static VerifyObject ToObject(VerificationResult found) =>
        new(
            found.IsComplete,
            found.GoodBytes,
            found.Size,
            [
                .. found.Files.Select(file => new VerifiedFileObject(
                    file.Path,
                    file.GoodBytes,
                    file.Size,
                    file.IsMissing,
                    file.IsTooLong
                )),
            ]
        );

    // Only what is wrong has a line: in ten thousand good files nobody would find the bad one.
    private static void Write(TextWriter output, VerificationResult found, Metainfo metainfo, string folder)
    {
        var bad = found.Files.Where(file => !file.IsGood).ToList();
        foreach (var file in bad)
        {
            var what =
                file.IsMissing ? "missing"
                : file.GoodBytes == file.Size ? "longer than it should be"
                : $"{TransferViews.Percent(file.GoodBytes, file.Size)} good";
            output.WriteLine($"{SafeText.Of(file.Path)}: {what}");
        }

        var path = SafeText.Of(Path.Combine(folder, metainfo.Name));
        output.WriteLine(
            bad.Count == 0
                ? $"All good: {path}, {ByteSize.Format(found.Size)} in {TorrentText.Count(found.Files.Count, "file")}"
                : $"{path}: {TorrentText.Count(bad.Count, "file")} of {found.Files.Count} missing or bad, "
                    + $"{TransferViews.Percent(found.GoodBytes, found.Size)} of the data is good; 'shoal get' fetches the rest"
        );
    }
}
