using System.CommandLine;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>From an invitation to the content in one command.</summary>
internal sealed class JoinCommand
{
    private readonly CliHost _host;
    private readonly NetworkOptions _network;
    private readonly MemberGetOptions _fetch;

    private readonly Argument<string?> _link = new("LINK")
    {
        Description = "The invitation; '-' reads it from the standard input, without one it is asked for",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _entry = Options.Text(
        "--entry",
        "ENTRY",
        "What to fetch, by title or id (default: the only thing there is, if it is only one)"
    );

    private readonly Option<bool> _only = Options.Flag("--no-fetch", "Only become a member");

    private readonly Option<bool> _json = Options.Flag("--json", "Print one JSON object a line");

    private JoinCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        _fetch = new MemberGetOptions(host);
        command.Add(_link);
        command.AddGroup("Options", [.. _fetch.All, _entry, _only, _json]);
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
                new("Only become a member", "shoal join --no-fetch"),
            ],
            Notes =
            [
                "The key is made on this machine and never leaves it; the hub signs a certificate for it, which is renewed by "
                    + "itself while a command runs. Both lie in the state folder (memberships/), readable by you only. Where a "
                    + "command failed on the way, the same command goes on: an invitation is not used twice.",
                "A link given as an argument works too, but others on this machine can read it while the command runs.",
            ],
        };
        _ = new JoinCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var text = result.GetValue(_link) is { } given and not "-"
            ? given
            : SecretInput.ReadLine(_host, "Invitation: ");
        if (!InvitationLink.TryParse(text, out var link, out var fault))
        {
            throw new UserErrorException("bad-invitation", Describe(fault), ExitCode.Usage);
        }

        var options = _network.Engine(result, _host);
        var connect = HubCalls.Connect(RunningEngine.Network(options));
        using var membership = await HubCalls.DoAsync(() => JoinAsync(link, options.StateDirectory, connect, cancel));
        ShowJoined(membership, result.GetValue(_json));
        if (result.GetValue(_only))
        {
            return ExitCode.Done;
        }

        var entries = await HubCalls.DoAsync(async () =>
        {
            using var hub = HubClient.Of(membership, connect, _host.Time);
            return CatalogueReading.Newest(await CatalogueReading.ListAsync(hub, membership, cancel));
        });
        var chosen =
            result.GetValue(_entry) is { } wanted ? CatalogueReading.Choose(entries, wanted)
            : entries.Count == 1 ? entries[0]
            : null;
        if (chosen is null)
        {
            ShowChoice(entries, result.GetValue(_json));
            return ExitCode.Done;
        }

        return await _fetch.FetchAsync(result, _network, membership, chosen, result.GetValue(_json), cancel);
    }

    private async Task<LocalMembership> JoinAsync(
        InvitationLink link,
        string stateDirectory,
        HubConnect connect,
        CancellationToken cancel
    )
    {
        var folder = LocalMembership.FolderOf(stateDirectory, link.Publication);
        if (LocalMembership.IsIn(folder))
        {
            var known = LocalMembership.Load(folder);
            if (known.Grant.NotAfter > _host.Time.GetUtcNow())
            {
                return known;
            }

            // The certificate was not renewed in time: the invitation makes another one.
            known.Dispose();
        }

        var address = new HubAddress(link.Host, link.Port);
        var authority = await HubClient.FindAuthorityAsync(address, link.Publication, connect, _host.Time, cancel);
        var identity = LocalMembership.PrepareKey(folder, link.Invitation);
        using var hub = HubClient.Anonymous(address, authority, connect, _host.Time);
        var answer = await hub.JoinAsync(link, identity.CreateRequest(), cancel);
        return LocalMembership.Create(folder, link.Publication, identity, answer, address, _host.Time.GetUtcNow());
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
            CatalogueReading.Show(_host, one, json);
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

    private static string Describe(InvitationLinkFault fault) =>
        fault switch
        {
            InvitationLinkFault.NoSecret =>
                "the invitation is cut off: what stands behind '#' is missing; copy the whole link, in quotes",
            InvitationLinkFault.Damaged =>
                "the invitation is damaged: a part is missing or mistyped; copy the whole link",
            InvitationLinkFault.UnknownVersion => "the invitation is of a later version of Shoal than this one",
            _ => "this is no invitation: one looks like https://HOST:PORT/join#... or shoal://join/HOST:PORT#...",
        };
}
