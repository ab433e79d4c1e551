using System.CommandLine;
using System.CommandLine.Parsing;
using Shoal.Api;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Gives torrents to the daemon.</summary>
internal sealed class AddCommand
{
    private readonly DaemonAccess _daemon;

    private readonly Argument<string[]> _sources = new("SOURCE")
    {
        Description = ".torrent files, http(s) URLs of such, magnet links, or infohashes",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _output = Options.Text(
        "--output",
        "DIR",
        "The folder to put the content in (default: what folders.download says)",
        "-o"
    );

    private readonly Option<string[]> _files = Options.Texts(
        "--files",
        "GLOB",
        "Only the files that match, by name (*.mkv) or path (reels/**); for .torrent files"
    );

    private readonly Option<bool> _paused = Options.Flag("--paused", "Do not start yet");
    private readonly Option<bool> _sequential = Options.Flag("--sequential", "Fetch from the beginning to the end");
    private readonly Option<bool> _skipCheck = Options.Flag(
        "--skip-check",
        "The data is there and good: do not hash it"
    );
    private readonly Option<string?> _category = Options.Text("--category", "NAME", "The category of it");
    private readonly Option<string[]> _labels = Options.Texts("--label", "NAME", "A label for it");
    private readonly Option<string[]> _peers = Options.Texts("--peer", "ADDR:PORT", "A peer to connect to");
    private readonly Option<long?> _download = Options.Rate("--download-limit", "At most so much in; 0: no limit");
    private readonly Option<long?> _upload = Options.Rate("--upload-limit", "At most so much out; 0: no limit");
    private readonly Option<double?> _ratio = LimitCommand.Ratio("--seed-ratio");
    private readonly Option<TimeSpan?> _time = Options.Duration(
        "--seed-time",
        "Pause after seeding for so long; 0: never"
    );

    private AddCommand(CliHost host, ShoalCommand command)
    {
        command.Add(_sources);
        _daemon = new DaemonAccess(
            host,
            command,
            _output,
            _files,
            _paused,
            _sequential,
            _skipCheck,
            _category,
            _labels,
            _peers,
            _download,
            _upload,
            _ratio,
            _time
        );
        command.SetAction(
            (result, cancel) => _daemon.UseAsync(result, (client, output) => RunAsync(result, client, output, cancel))
        );
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("add", "Give a torrent to the daemon, which fetches and seeds it")
        {
            Examples =
            [
                new("By a torrent file", "shoal add film.torrent -o ~/films"),
                new("All that lie in a folder", "shoal add ~/torrents/*.torrent"),
                new(
                    "By a link, for later",
                    "shoal add 'magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c' --paused"
                ),
                new(
                    "With a label, and give back what was taken",
                    "shoal add film.torrent --label films --seed-ratio 1"
                ),
            ],
            Notes =
            [
                "It returns when the daemon has it, not when it is complete: 'shoal list' shows how far it is.",
                "Of several the others are added where one is refused; the exit code tells.",
            ],
        };
        _ = new AddCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(
        ParseResult result,
        DaemonClient client,
        DaemonOutput output,
        CancellationToken cancel
    )
    {
        var folder = result.GetValue(_output) is { } given
            ? (_daemon.IsLocal(result) ? CliPath.Full(given) : given)
            : null;
        var globs = (result.GetValue(_files) ?? []).Select(pattern => new FileGlob(pattern)).ToList();
        var wish = new AddTorrent
        {
            SaveDirectory = folder,
            Paused = result.GetValue(_paused),
            Sequential = result.GetValue(_sequential),
            SkipCheck = result.GetValue(_skipCheck),
            Category = result.GetValue(_category),
            Labels = result.GetValue(_labels),
            Peers = result.GetValue(_peers),
            DownloadLimit = result.GetValue(_download) ?? 0,
            UploadLimit = result.GetValue(_upload) ?? 0,
            RatioLimit = result.GetValue(_ratio),
            SeedTimeLimit = (long?)result.GetValue(_time)?.TotalSeconds,
        };
        var sources = result.GetValue(_sources) ?? [];
        if (sources is [var only])
        {
            Say(output, await client.AddAsync(await WithSourceAsync(wish, only, globs, cancel), cancel));
            return ExitCode.Done;
        }

        var batch = new AdditionBatch(client, item => Say(output, item));
        foreach (var source in sources)
        {
            await batch.AddAsync(source, await WithSourceAsync(wish, source, globs, cancel), cancel);
        }

        await batch.EndAsync(cancel);
        return ExitCode.Done;
    }

    private static void Say(DaemonOutput output, TorrentItem item) =>
        output.Say(
            "added",
            item,
            ApiJson.Default.TorrentItem,
            () => $"Added {item.Name} ({item.Id[..8]}), into {item.SaveDirectory}"
        );

    private static async Task<AddTorrent> WithSourceAsync(
        AddTorrent wish,
        string source,
        List<FileGlob> globs,
        CancellationToken cancel
    )
    {
        if (source.Length == 0)
        {
            throw UserErrorException.Usage("a SOURCE is empty: is a variable not set?");
        }

        var isFile =
            !source.StartsWith("magnet:", StringComparison.OrdinalIgnoreCase)
            && !TorrentSource.IsUrl(source)
            && (File.Exists(source) || !MagnetLink.TryParseInfoHash(source, out _));
        if (!isFile)
        {
            return globs.Count == 0
                ? wish with
                {
                    Source = source,
                }
                : throw UserErrorException.Usage(
                    "--files needs a .torrent file: of a link the files are not known yet ('shoal files' chooses them later)"
                );
        }

        var bytes = await TorrentFile.ReadAsync(source, cancel);
        var metainfo = TorrentFile.Parse(bytes, source);
        return wish with { Metainfo = Convert.ToBase64String(bytes), Files = Unwanted(metainfo, globs) };
    }

    private static IReadOnlyList<FilePriorityWish>? Unwanted(Metainfo metainfo, List<FileGlob> globs)
    {
        if (globs.Count == 0)
        {
            return null;
        }

        var skipped = metainfo
            .Files.Select((file, index) => (file, index))
            .Where(entry =>
                !entry.file.IsPad && !globs.Any(glob => glob.Matches(entry.file.Path, entry.file.Path.Split('/')[0]))
            )
            .Select(entry => entry.index)
            .ToList();
        return skipped.Count < metainfo.Files.Count(file => !file.IsPad)
            ? [new FilePriorityWish(skipped, FileWish.Skip)]
            : throw new UserErrorException("no-such-file", $"--files: no file of {metainfo.Name} matches");
    }
}
