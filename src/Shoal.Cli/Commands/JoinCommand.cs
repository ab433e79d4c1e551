using System.CommandLine;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>From an invitation to the content in one command.</summary>
internal sealed class JoinCommand
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;
    private readonly MemberGetOptions _fetch;

    private readonly PassphraseOption _passphrase = new("the file, or of your key");

    private readonly Argument<string?> _link = new("INVITATION")
    {
        Description =
            "The link, or a file with it; '-' reads it from the standard input, without one it is asked for. Or a file that "
            + "works without a hub",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _entry = Options.Text(
        "--entry",
        "ENTRY",
        "What to fetch, by title or id (default: the only thing there is, if it is only one)"
    );

    private readonly Option<bool> _only = Options.Flag("--no-fetch", "Only become a member");

    private readonly Option<bool> _protect = Options.Flag(
        "--protect",
        "Keep the key under a passphrase: commands ask for it from then on"
    );

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private JoinCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        _fetch = new MemberGetOptions(host);
        command.Add(_link);
        command.AddGroup("Options", [.. _fetch.All, _entry, _only, _protect, _passphrase.Option, _json]);
        _network = new NetworkOptions(command, NetworkUse.Members);
        command.SetAction(RunAsync);
    }

    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("join", "Accept an invitation, and fetch what is published")
        {
            Examples =
            [
                new("Asks for the link: it stands in no list of processes and no shell history", "shoal join"),
                new(
                    "From a file, into ~/data, and help to distribute",
                    "shoal join - -o ~/data --seed < invitation.txt"
                ),
                new(
                    "By a file that works without a hub; asks for its passphrase",
                    "shoal join ada.invitation -o ~/data"
                ),
                new(
                    "Let the running daemon fetch it, and keep it",
                    "shoal join - -o ~/data --in-daemon < invitation.txt"
                ),
                new("Only become a member", "shoal join --no-fetch"),
            ],
            Notes =
            [
                "The key is made on this machine and never leaves it; the hub signs a certificate for it, which is renewed by "
                    + "itself while a command runs. Both lie in the state folder (memberships/), readable by you only. Where a "
                    + "command failed on the way, the same command goes on: an invitation is not used twice.",
                "A file of 'shoal invite create --offline' has a key in it that whoever made it has seen. Where the hub can be asked, "
                    + "now or later, a key made here takes its place, and the file is worth nothing any more.",
                "A link given as an argument works too, but others on this machine can read it while the command runs.",
            ],
        };
        _ = new JoinCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var options = _network.Engine(result, _host);
        var network = RunningEngine.Network(options);
        var connect = HubCalls.Connect(network);
        using var membership = await HubCalls.DoAsync(() => JoinAsync(result, options.StateDirectory, connect, cancel));
        ShowJoined(membership, result.GetValue(_json));
        if (result.GetValue(_only))
        {
            await _fetch.AgreeAsync(result, membership, network, cancel);
            return ExitCode.Done;
        }

        var entries = await HubCalls.DoAsync(async () =>
        {
            using var hub = HubClient.Of(membership, connect, _host.Time);
            return CatalogueReading.Newest(
                await CatalogueReading.ListOrKeptAsync(
                    hub,
                    membership,
                    why =>
                        _host.Error.WriteLine(
                            $"{SafeText.Of(why)}; going on without the hub, with what is known already"
                        ),
                    cancel
                )
            );
        });
        var chosen =
            result.GetValue(_entry) is { } wanted ? HubCalls.Do(() => CatalogueReading.Choose(entries, wanted))
            : entries.Count == 1 ? entries[0]
            : null;
        if (chosen is null)
        {
            await _fetch.AgreeAsync(result, membership, network, cancel);
            ShowChoice(entries, result.GetValue(_json));
            return ExitCode.Done;
        }

        return await _fetch.FetchAsync(result, _network, membership, chosen, result.GetValue(_json), cancel);
    }

    /// <summary>By a link, wherever it stands, or by a file that needs no hub.</summary>
    private async Task<LocalMembership> JoinAsync(
        ParseResult result,
        string stateDirectory,
        HubConnect connect,
        CancellationToken cancel
    )
    {
        var given = result.GetValue(_link);
        if (given is not null and not "-" && File.Exists(given))
        {
            var bytes = ReadFile(given);
            if (PassphraseSeal.IsSealed(bytes))
            {
                var offline = new OfflineJoining(_host, _passphrase, _protect);
                return await offline.JoinAsync(result, given, bytes, stateDirectory, connect, cancel);
            }

            given = System.Text.Encoding.UTF8.GetString(bytes).Trim();
        }

        var text = given is not null and not "-" ? given : SecretInput.ReadLine(_host, "Invitation: ");
        return InvitationLink.TryParse(text, out var link, out var fault)
            ? await new LinkJoining(connect, _host.Time).JoinAsync(
                link,
                stateDirectory,
                _passphrase.Asking(result, _host),
                () => Protect(result),
                cancel
            )
            : throw new UserErrorException("bad-invitation", MembershipWords.NoInvitation(fault), ExitCode.Usage);
    }

    private KeyProtection? Protect(ParseResult result) =>
        result.GetValue(_protect) ? KeyProtection.Of(_passphrase.ReadNew(result, _host)) : null;

    private static byte[] ReadFile(string file)
    {
        try
        {
            return new FileInfo(file).Length <= FileJoining.MaxFile
                ? File.ReadAllBytes(file)
                : throw new UserErrorException(
                    "bad-invitation",
                    $"{file}: too large for an invitation",
                    ExitCode.Usage
                );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException("cannot-read", $"{file}: {TorrentFile.Reason(error)}");
        }
    }

    private void ShowJoined(LocalMembership membership, bool json)
    {
        var grant = membership.Grant;
        if (json)
        {
            JsonOutput.Write(
                _host.Out,
                new JoinedLine(
                    membership.Publication.ToString(),
                    membership.Hub.ToString(),
                    grant.Member.ToString(),
                    RoleNames.Of(grant.Role),
                    grant.NotAfter.ToUnixTimeSeconds()
                ),
                HubJsonOutput.Context.JoinedLine
            );
            return;
        }

        _host.Out.WriteLine($"You are a {RoleNames.Of(grant.Role)} at {membership.Hub}.");
        _host.Out.Flush();
    }

    private void ShowChoice(IReadOnlyList<KnownEntry> entries, bool json)
    {
        foreach (var one in entries)
        {
            CatalogueView.Show(_host, one, json);
        }

        if (!json)
        {
            _host.Out.WriteLine(
                entries.Count == 0
                    ? "Nothing is published yet; 'shoal catalogue' looks again."
                    : "Fetch what you want with 'shoal catalogue get ENTRY'."
            );
        }
    }
}
