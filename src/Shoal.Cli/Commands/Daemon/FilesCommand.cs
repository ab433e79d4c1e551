using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Shows the files of a torrent, and chooses among them.</summary>
internal static class FilesCommand
{
    public static Command Build(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        (FileWish Wish, Option<string[]> Option)[] wishes =
        [
            (FileWish.Normal, Options.Texts("--normal", "GLOB", "Files to fetch as usual")),
            (FileWish.Skip, Options.Texts("--skip", "GLOB", "Files not to fetch")),
            (FileWish.Low, Options.Texts("--low", "GLOB", "Files to fetch last")),
            (FileWish.High, Options.Texts("--high", "GLOB", "Files to fetch first")),
        ];
        var only = Options.Texts("--only", "GLOB", "Files to fetch, and no others");
        var command = new ShoalCommand("files", "Show the files of a torrent, and choose which to fetch")
        {
            Examples =
            [
                new("What is in it", "shoal files holiday"),
                new("Only the videos", "shoal files holiday --only '*.mkv'"),
                new(
                    "Leave the samples, fetch the index first",
                    "shoal files holiday --skip 'sample/**' --high 'index.*'"
                ),
            ],
            Notes = ["A GLOB matches a name (*.mkv) or a path (reels/**)."],
        };
        command.Add(torrent);
        var daemon = new DaemonAccess(host, command, [only, .. wishes.Select(wish => wish.Option)]);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var id = (await DaemonAccess.ResolveAsync(client, [result.GetRequiredValue(torrent)], cancel))[
                            0
                        ];
                        var files = await client.FilesAsync(id, cancel);
                        var changes = Changes(result, files, only, wishes);
                        if (changes.Count > 0)
                        {
                            files = await client.ChangeFilesAsync(id, new FileChange { Priorities = changes }, cancel);
                        }

                        Show(files, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static List<FilePriorityWish> Changes(
        ParseResult result,
        FileList files,
        Option<string[]> only,
        (FileWish Wish, Option<string[]> Option)[] wishes
    )
    {
        var changes = new List<FilePriorityWish>();
        if (result.GetValue(only) is { Length: > 0 } wanted)
        {
            var matching = Matching(files, wanted, "--only");
            changes.Add(
                new FilePriorityWish([.. files.Files.Select(file => file.Index).Except(matching)], FileWish.Skip)
            );
            changes.Add(new FilePriorityWish(matching, FileWish.Normal));
        }

        foreach (var (wish, option) in wishes)
        {
            if (result.GetValue(option) is { Length: > 0 } globs)
            {
                changes.Add(new FilePriorityWish(Matching(files, globs, option.Name), wish));
            }
        }

        return changes;
    }

    private static List<int> Matching(FileList files, string[] patterns, string option)
    {
        var globs = patterns.Select(pattern => new FileGlob(pattern)).ToList();
        var matching = files
            .Files.Where(file => globs.Exists(glob => glob.Matches(file.Path, file.Path.Split('/')[0])))
            .Select(file => file.Index)
            .ToList();
        return matching.Count > 0
            ? matching
            : throw new UserErrorException("no-such-file", $"{option}: no file matches {string.Join(", ", patterns)}");
    }

    private static void Show(FileList files, DaemonOutput output)
    {
        if (output.IsJson)
        {
            foreach (var file in files.Files)
            {
                output.Json("file", file, ApiJson.Default.FileItem);
            }
        }
        else if (files.Files.Count == 0)
        {
            output.Line("Its files are not known yet.");
        }
        else
        {
            output.Table(
                ["PATH", "NO", "SIZE", "DONE", "WANTED"],
                [
                    .. files.Files.Select(file =>
                        (IReadOnlyList<string>)
                            [
                                file.Path,
                                file.Index.ToString(CultureInfo.InvariantCulture),
                                ByteSize.Format(file.Size),
                                file.Size > 0 ? DaemonOutput.Percent((double)file.Done / file.Size) : "-",
                                file.Priority.ToString().ToLowerInvariant(),
                            ]
                    ),
                ]
            );
        }
    }
}
