using System.CommandLine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Lists members and shuts them out.</summary>
internal static class MemberCommand
{
    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand(
            "member",
            "List members, change roles and shut some out, for administrators; look after one's own membership"
        )
        {
            Examples =
            [
                new("Everybody", "shoal member list"),
                new("The own key under a passphrase", "shoal member protect"),
                new("What was told of what you received", "shoal member receipts"),
                new("Somebody is none any more", "shoal member revoke 2cvezdqnzxnyfpkkflj7xtlhq4"),
            ],
        };
        command.Add(BuildList(host));
        command.Add(BuildRevoke(host));
        command.Add(MemberRoleCommand.Build(host));
        command.Add(MemberKeyCommands.BuildProtect(host));
        command.Add(MemberKeyCommands.BuildUnprotect(host));
        command.Add(MemberKeyCommands.BuildUnlock(host));
        command.Add(MemberForgetCommand.Build(host));
        command.Add(MemberReceiptsCommand.Build(host));
        command.SetAction(_ =>
        {
            Help.Write(command, host.Error, host.TerminalSize().Width);
            return ExitCode.Usage;
        });
        return command;
    }

    private static ShoalCommand BuildList(CliHost host)
    {
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("list", "List members: id, role, name, and since when")
        {
            Examples = [new("For a script", "shoal member list --json")],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [.. choice.All, json]);
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, _) =>
                    {
                        string? after = null;
                        do
                        {
                            var page = await hub.ListMembersAsync(after, cancel);
                            foreach (var one in page.Members)
                            {
                                Show(host, one, result.GetValue(json));
                            }

                            after = page.Next;
                        } while (after is not null);

                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand BuildRevoke(CliHost host)
    {
        var ids = new Argument<string[]>("ID")
        {
            Description = "The members, as 'shoal member list' shows them",
            Arity = ArgumentArity.OneOrMore,
        };
        var withInvited = Options.Flag("--with-invited", "Also everybody they invited, and whom these invited");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("revoke", "Shut members out, for good")
        {
            Examples =
            [
                new("One", "shoal member revoke 2cvezdqnzxnyfpkkflj7xtlhq4"),
                new(
                    "An administrator and everybody that came by him",
                    "shoal member revoke 2cvezdqnzxnyfpkkflj7xtlhq4 --with-invited"
                ),
            ],
            Notes =
            [
                "Members that are online hear of it within a minute, from the hub and from each other, and drop the revoked one. "
                    + "Invitations that the revoked one made are taken back. Those that are offline learn it when they come back. What the revoked one has fetched stays with him.",
            ],
        };
        command.Add(ids);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [withInvited, .. choice.All, json]);
        command.SetAction(
            (result, cancel) =>
            {
                var members = result
                    .GetRequiredValue(ids)
                    .Select(text =>
                        MemberId.TryParse(text, out var id)
                            ? id.ToString()
                            : throw UserErrorException.Usage($"'{text}' is no member's id")
                    )
                    .ToList();
                return choice.AskAsync(
                    result,
                    async (hub, _) =>
                    {
                        var request = new RevokeRequest(members, result.GetValue(withInvited));
                        var answer = await hub.RevokeMembersAsync(request, cancel);
                        if (result.GetValue(json))
                        {
                            JsonOutput.Write(
                                host.Out,
                                new RevokedLine(answer.Version, answer.Members),
                                HubJsonOutput.Context.RevokedLine
                            );
                        }
                        else
                        {
                            host.Out.WriteLine($"{TorrentText.Count(answer.Members.Count, "member")} shut out");
                        }

                        return ExitCode.Done;
                    }
                );
            }
        );
        return command;
    }

    public static void Show(CliHost host, MemberInfo one, bool json)
    {
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new MemberLine(one.Id, one.Name, one.Role, one.Joined, one.Invitation, one.InvitedBy, one.RevokedAt),
                HubJsonOutput.Context.MemberLine
            );
            return;
        }

        var state = one.RevokedAt is { } at
            ? $"no member since {InviteOptions.DateOf(at)}"
            : $"since {InviteOptions.DateOf(one.Joined)}";
        host.Out.WriteLine($"{one.Id}  {one.Role}  {SafeText.Of(one.Name)}  ({state})");
    }
}
