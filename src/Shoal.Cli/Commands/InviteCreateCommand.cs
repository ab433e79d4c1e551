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
        var offline = new OfflineInviting(
            host,
            Options.Text(
                "--offline",
                "FILE",
                "Write a file that works without a hub, under a passphrase, instead of a link (--expires: how long the "
                    + "membership is good; default 90d, up to 373d)"
            )
        );
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
                    "A file for somebody who may not reach the hub; prints its passphrase",
                    "shoal invite create --name Eve --offline eve.invitation --peer seed.example.org:6881"
                ),
                new(
                    "Somebody who may invite fifty others",
                    "shoal invite create --name Ben --role administrator --invite-quota 50"
                ),
            ],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [name, .. invite.All, offline.File, .. choice.All, qr, json]);
        command.AddGroup("Options with --offline", offline.Own);
        command.SetAction(
            (result, cancel) =>
            {
                offline.Check(result, invite, result.GetValue(qr));
                return choice.AskAsync(
                    result,
                    async (hub, membership) =>
                    {
                        if (offline.IsWanted(result))
                        {
                            var who = result.GetValue(name) ?? "";
                            await offline.WriteOneAsync(
                                result,
                                hub,
                                membership,
                                invite,
                                who,
                                result.GetValue(json),
                                cancel
                            );
                            return ExitCode.Done;
                        }

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
                );
            }
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
