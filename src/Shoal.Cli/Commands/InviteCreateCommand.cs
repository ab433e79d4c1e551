using System.CommandLine;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>Makes one invitation and prints its link.</summary>
internal static class InviteCreateCommand
{
    public static ShoalCommand Build(CliHost host)
    {
        var name = Options.Text("--name", "NAME", "Whom it is for, as you call them; only administrators see it");
        var invite = new InviteOptions();
        var qr = Options.Flag("--qr", "Show the link as a QR code too");
        var json = Options.Flag("--json", "Print one JSON object a line");
        var command = new ShoalCommand("create", "Make an invitation, and print its link")
        {
            Examples =
            [
                new("For one person, two weeks", "shoal invite create --name 'Ada Lovelace'"),
                new(
                    "For a room, to scan from the wall",
                    "shoal invite create --name workshop --uses 30 --expires 4h --qr"
                ),
                new(
                    "Somebody who may invite fifty others",
                    "shoal invite create --name Ben --role administrator --invite-quota 50"
                ),
            ],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [name, .. invite.All, choice.Option, qr, json]);
        command.SetAction(
            (result, cancel) =>
                choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        var (made, link) = invite.Make(
                            result,
                            membership,
                            result.GetValue(name) ?? "",
                            host.Time.GetUtcNow()
                        );
                        await hub.CreateInvitationsAsync(new NewInvitations([made]), cancel);
                        var text = invite.TextOf(result, link);
                        Show(host, made, text, result.GetValue(json), result.GetValue(qr));
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static void Show(CliHost host, NewInvitation made, string link, bool json, bool qr)
    {
        if (json)
        {
            JsonOutput.Write(
                host.Out,
                new InvitedLine(made.Id, made.Name, made.Role, made.Expires, made.Uses, link),
                HubJsonOutput.Context.InvitedLine
            );
            return;
        }

        host.Out.WriteLine(link);
        if (qr)
        {
            foreach (var row in QrText.Of(link))
            {
                host.Out.WriteLine(row);
            }
        }
    }
}
