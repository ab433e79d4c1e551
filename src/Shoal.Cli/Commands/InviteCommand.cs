using System.CommandLine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Invites: one by one or by a table; lists invitations and takes them back.</summary>
internal static class InviteCommand
{
    public static Command Build(CliHost host)
    {
        var command = new ShoalCommand("invite", "Invite people to a publication; for its administrators")
        {
            Examples =
            [
                new("One person", "shoal invite create --name 'Ada Lovelace'"),
                new("Everybody in a table", "shoal invite import people.csv -o links.csv"),
                new("Who has come", "shoal invite list"),
            ],
            Notes =
            [
                "A link is as good as a key until it is used: send it by a way that others do not read. The hub knows only a "
                    + "hash of its secret, so a link that got lost cannot be shown again; make another and take the first "
                    + "one back. A member is shut out with 'shoal member revoke', not by taking the link back.",
            ],
        };
        command.Add(InviteCreateCommand.Build(host));
        command.Add(InviteImportCommand.Build(host));
        command.Add(BuildList(host));
        command.Add(BuildRevoke(host));
        command.SetAction(_ =>
        {
            Help.Write(command, host.Error, host.TerminalSize().Width);
            return ExitCode.Usage;
        });
        return command;
    }

    private static ShoalCommand BuildList(CliHost host)
    {
        var all = Options.Flag("--all", "Also those that are used up, expired or taken back");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("list", "List invitations: whom they are for, and how often they were used")
        {
            Examples =
            [
                new("Those that are open", "shoal invite list"),
                new("All, for a script", "shoal invite list --all --json"),
            ],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [.. choice.All, all, json]);
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, _) =>
                    {
                        var now = host.Time.GetUtcNow().ToUnixTimeSeconds();
                        string? after = null;
                        do
                        {
                            var page = await hub.ListInvitationsAsync(after, cancel);
                            foreach (var one in page.Invitations.Where(one => result.GetValue(all) || IsOpen(one, now)))
                            {
                                Show(host, one, now, result.GetValue(json));
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
            Description = "The invitations, as 'shoal invite list' shows them",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new ShoalCommand("revoke", "Take invitations back: nobody joins by them any more")
        {
            Examples = [new("One that was sent to the wrong person", "shoal invite revoke aebagbafaydqq")],
            Notes = ["Who has joined by it stays a member; 'shoal member revoke' shuts members out."],
        };
        command.Add(ids);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", choice.All);
        command.SetAction(
            (result, cancel) =>
            {
                var read = result
                    .GetRequiredValue(ids)
                    .Select(text =>
                        InvitationId.TryParse(text, out var id)
                            ? id
                            : throw UserErrorException.Usage($"'{text}' is no invitation's id")
                    )
                    .ToList();
                return choice.AskAsync(
                    result,
                    async (hub, _) =>
                    {
                        foreach (var id in read)
                        {
                            await hub.RevokeInvitationAsync(id, cancel);
                            host.Out.WriteLine($"{id} taken back");
                        }

                        return ExitCode.Done;
                    }
                );
            }
        );
        return command;
    }

    private static bool IsOpen(InvitationInfo one, long now) =>
        !one.Revoked && one.Used < one.Uses && one.Expires > now;

    private static void Show(CliHost host, InvitationInfo one, long now, bool json)
    {
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new InvitationLine(one.Id, one.Name, one.Role, one.Made, one.Expires, one.Uses, one.Used, one.Revoked),
                HubJsonOutput.Context.InvitationLine
            );
            return;
        }

        var state =
            one.Revoked ? "taken back"
            : one.Used >= one.Uses ? "used"
            : one.Expires <= now ? "expired"
            : $"open until {InviteOptions.DateOf(one.Expires)}";
        host.Out.WriteLine($"{one.Id}  {one.Used}/{one.Uses}  {one.Role}  {SafeText.Of(one.Name)}  ({state})");
    }
}
