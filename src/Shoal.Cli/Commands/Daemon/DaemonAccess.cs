using System.CommandLine;
using System.CommandLine.Parsing;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>How a command reaches the daemon: the options for that, the client, and failures as lines for people.</summary>
internal sealed class DaemonAccess
{
    private readonly CliHost _host;

    private readonly Option<string?> _state = Options.Text(
        "--state",
        "DIR",
        "The daemon of this state folder (default: shoal in $XDG_STATE_HOME, or ~/.local/state/shoal)"
    );

    private readonly Option<string?> _url = Options.Text(
        "--daemon",
        "URL",
        "A daemon elsewhere, such as http://nas:9470 (or $SHOAL_DAEMON); needs a token"
    );

    private readonly Option<string?> _tokenFile = Options.Text(
        "--token-file",
        "FILE",
        "A file with the token (or $SHOAL_TOKEN has the token itself)"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    public DaemonAccess(CliHost host, ShoalCommand command, params Option[] own)
    {
        _host = host;
        command.AddGroup("Options", [.. own, _json]);
        command.AddGroup("Which daemon", [_state, _url, _tokenFile]);
    }

    public bool IsJson(ParseResult result) => result.GetValue(_json);

    /// <summary>The daemon runs on this machine, and relative paths mean the same to it.</summary>
    public bool IsLocal(ParseResult result) => UrlOf(result) is null;

    /// <summary>Of the daemon on this machine.</summary>
    public string StateDirectory(ParseResult result) =>
        result.GetValue(_state) is { } state ? CliPath.Full(state) : _host.StateDirectory;

    /// <summary>A folder that was named: of the daemon on this machine from where we are, of another as it stands.</summary>
    public string? FolderOf(ParseResult result, Option<string?> option) =>
        result.GetValue(option) is { Length: > 0 } folder && IsLocal(result)
            ? CliPath.Full(folder)
            : result.GetValue(option);

    /// <param name="work">What to do; its result is the exit code.</param>
    /// <exception cref="UserErrorException">The daemon cannot be reached, or refused.</exception>
    public async Task<int> UseAsync(ParseResult result, Func<DaemonClient, DaemonOutput, Task<int>> work)
    {
        using var client = new DaemonClient(AddressOf(result));
        try
        {
            return await work(client, new DaemonOutput(_host, IsJson(result)));
        }
        catch (DaemonException error)
        {
            throw Explain(error, IsLocal(result));
        }
    }

    /// <summary>A failed call as a line for people.</summary>
    /// <param name="isLocal">The daemon is that of this machine.</param>
    public static UserErrorException Explain(DaemonException error, bool isLocal) =>
        new(
            error.Code,
            error.Code == "no-daemon" && isLocal ? error.Message + "; 'shoal daemon' starts it" : error.Message
        );

    /// <summary>Torrents by id, by the beginning of an id, or by name.</summary>
    /// <exception cref="UserErrorException">There is no such torrent, or more than one of the name.</exception>
    public static async Task<IReadOnlyList<string>> ResolveAsync(
        DaemonClient client,
        IEnumerable<string> names,
        CancellationToken cancel
    )
    {
        const int MinPrefix = 6;
        var ids = new List<string>();
        foreach (var name in names)
        {
            if (name.Length >= MinPrefix && name.All(char.IsAsciiHexDigit))
            {
                try
                {
                    ids.Add((await client.TorrentAsync(name, cancel)).Torrent.Id);
                    continue;
                }
                catch (DaemonException error) when (error.Code == "no-such-torrent")
                {
                    // It may be called like that.
                }
            }

            var page = await client.TorrentsAsync(null, cancel, limit: 2, filter: "name=" + Uri.EscapeDataString(name));
            ids.Add(
                page.Items.Count switch
                {
                    1 => page.Items[0].Id,
                    0 => throw new UserErrorException("no-such-torrent", $"there is no torrent '{name}'"),
                    _ => throw new UserErrorException(
                        "ambiguous-name",
                        $"{page.Total} torrents are called '{name}': name one by its id ('shoal list' shows them)"
                    ),
                }
            );
        }

        return ids;
    }

    /// <summary>The argument of commands for one torrent.</summary>
    public static Argument<string> Torrent() =>
        new("TORRENT") { Description = "Its name, its id, or the beginning of its id (6 digits or more)" };

    /// <summary>The argument of commands for several.</summary>
    public static Argument<string[]> Torrents() =>
        new("TORRENT")
        {
            Description = "Names, ids, or beginnings of ids (6 digits or more)",
            Arity = ArgumentArity.ZeroOrMore,
        };

    private DaemonAddress AddressOf(ParseResult result)
    {
        if (UrlOf(result) is not { } text)
        {
            return DaemonAddress.OfState(
                result.GetValue(_state) is { } state ? CliPath.Full(state) : _host.StateDirectory
            );
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is ("http" or "https")
            ? new DaemonAddress { Url = url, Token = TokenOf(result) }
            : throw UserErrorException.Usage($"--daemon: '{text}' is not an http or https URL");
    }

    private string? UrlOf(ParseResult result) =>
        result.GetValue(_url)
        ?? (
            result.GetValue(_state) is null && Environment.GetEnvironmentVariable("SHOAL_DAEMON") is { Length: > 0 } url
                ? url
                : null
        );

    private string? TokenOf(ParseResult result)
    {
        if (result.GetValue(_tokenFile) is not { } file)
        {
            return Environment.GetEnvironmentVariable("SHOAL_TOKEN") is { Length: > 0 } token ? token : null;
        }

        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("unreadable", $"--token-file {file}: {TorrentFile.Reason(error)}");
        }
    }
}
