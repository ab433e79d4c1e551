using System.CommandLine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Gives a member another role.</summary>
internal static class MemberRoleCommand
{
    public static ShoalCommand Build(CliHost host)
    {
        var id = new Argument<string>("ID") { Description = "The member, as 'shoal member list' shows it" };
        var role = new Argument<string>("ROLE") { Description = "member, publisher or administrator" };
        role.AcceptOnlyFromAmong("member", "publisher", "administrator");
        var publish = Options.Size(
            "--publish-quota",
            "The most that a publisher may have in the catalogue, all versions together (default: no limit)"
        );
        var invite = Options.Number(
            "--invite-quota",
            "How many people an administrator may invite in all, with all whom those may invite (default: no limit)",
            0,
            HubLimits.MaxInviteQuota
        );
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("role", "Give a member another role")
        {
            Examples =
            [
                new(
                    "Who shall publish too",
                    "shoal member role 2cvezdqnzxnyfpkkflj7xtlhq4 publisher --publish-quota 1TiB"
                ),
                new("Who shall invite no more", "shoal member role 2cvezdqnzxnyfpkkflj7xtlhq4 member"),
            ],
            Notes =
            [
                "More rights count from the member's next certificate on: its commands ask for one when they are refused. Less count at "
                    + "once, and links that an administrator made who may do less now let nobody in any more; who came by them stays, and what "
                    + "was published stays until it is withdrawn.",
                "Nobody changes his own role, or that of an administrator whom he came by. Who may invite or publish only so much passes on "
                    + "no more than that, and changes the role of those only who came by him.",
            ],
        };
        command.Add(id);
        command.Add(role);
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [publish, invite, .. choice.All, json]);
        command.SetAction(
            (result, cancel) =>
            {
                var text = result.GetRequiredValue(id);
                if (!MemberId.TryParse(text, out var member))
                {
                    throw UserErrorException.Usage($"'{text}' is no member's id");
                }

                var request = new RoleRequest(
                    result.GetRequiredValue(role),
                    result.GetValue(publish),
                    result.GetValue(invite)
                );
                return choice.AskAsync(
                    result,
                    async (hub, _) =>
                    {
                        var changed = await hub.ChangeRoleAsync(member, request, cancel);
                        MemberCommand.Show(host, changed, result.GetValue(json));
                        return ExitCode.Done;
                    }
                );
            }
        );
        return command;
    }
}
