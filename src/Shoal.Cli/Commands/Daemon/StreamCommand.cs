using System.CommandLine;
using System.Globalization;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Gives a player a file of a torrent while it comes in: by a link, a playlist, or a pipe.</summary>
internal static class StreamCommand
{
    public static Command Build(CliHost host)
    {
        var torrent = DaemonAccess.Torrent();
        var file = new Argument<string?>("FILE")
        {
            Description =
                "Its number ('shoal files' shows it), or a GLOB that matches one file (default: the largest film)",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var pipe = Options.Flag("--pipe", "Write the file itself to standard output, in order, as it comes in");
        var playlist = Options.Flag("--playlist", "Print the link of a playlist (M3U) of all films and music in it");
        var command = new ShoalCommand("stream", "Play a file of a torrent while it is being fetched")
        {
            Examples =
            [
                new("Print a link for a player", "shoal stream holiday"),
                new("Open it", "mpv \"$(shoal stream holiday)\""),
                new("Without HTTP", "shoal stream holiday '*.mkv' --pipe | mpv -"),
                new("An album", "vlc \"$(shoal stream 'Live 1999' --playlist)\""),
            ],
            Notes =
            [
                "What the player needs next is fetched before everything else. Whoever has the link can read the files of that "
                    + "torrent for 12 hours, or until the daemon ends; anybody who sees your processes sees it too.",
            ],
        };
        command.Add(torrent);
        command.Add(file);
        var daemon = new DaemonAccess(host, command, pipe, playlist);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var id = (await DaemonAccess.ResolveAsync(client, [result.GetRequiredValue(torrent)], cancel))[
                            0
                        ];
                        var wish = new NewStreamLink(
                            result.GetValue(file) is { } name ? await FileAsync(client, id, name, cancel) : null
                        );
                        var link = await client.CreateStreamLinkAsync(id, wish, cancel);
                        if (result.GetValue(pipe))
                        {
                            await PipeAsync(client, id, link.File, cancel);
                            return ExitCode.Done;
                        }

                        var url =
                            (result.GetValue(playlist) ? link.PlaylistUrl : link.Url)
                            ?? throw new UserErrorException(
                                "no-http",
                                "the daemon does not listen for HTTP (http.listen), so no player can reach it; --pipe works without"
                            );
                        output.Say("stream", link, ApiJson.Default.StreamLink, () => url);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    /// <exception cref="UserErrorException">None, or more than one, is meant.</exception>
    private static async Task<int> FileAsync(DaemonClient client, string id, string name, CancellationToken cancel)
    {
        if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var glob = new FileGlob(name);
        var matching = (await client.FilesAsync(id, cancel))
            .Files.Where(file => file.Path == name || glob.Matches(file.Path, file.Path.Split('/')[0]))
            .ToList();
        return matching.Count switch
        {
            1 => matching[0].Index,
            0 => throw new UserErrorException("no-such-file", $"no file matches {name}"),
            _ => throw new UserErrorException(
                "ambiguous-name",
                $"{matching.Count} files match {name}: name one by its number ('shoal files' shows them)"
            ),
        };
    }

    private static async Task PipeAsync(DaemonClient client, string id, int file, CancellationToken cancel)
    {
        await using var content = await client.OpenStreamAsync(id, file, 0, cancel);
        await using var output = Console.OpenStandardOutput();
        await content.CopyToAsync(output, 128 * 1024, cancel);
    }
}
