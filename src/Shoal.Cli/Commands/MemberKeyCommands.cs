using System.CommandLine;
using Shoal.Api;
using Shoal.Hub;

namespace Shoal.Cli;

/// <summary>What a member does with the key on this machine: puts it under a passphrase, takes it from there, tells the daemon.</summary>
internal static class MemberKeyCommands
{
    public static ShoalCommand BuildProtect(CliHost host)
    {
        var command = new ShoalCommand("protect", "Put the key of a membership on this machine under a passphrase")
        {
            Examples =
            [
                new("Asks for a new passphrase", "shoal member protect"),
                new("From a script", "shoal member protect --passphrase-file ~/passphrase"),
            ],
            Notes =
            [
                "Every command that needs the key asks for the passphrase from then on. Argon2id makes guessing slow; a "
                    + "passphrase that is forgotten cannot be found out. Who could read this disk before may have the key already: "
                    + "'shoal join --protect' never writes it unprotected.",
            ],
        };
        var passphrase = new PassphraseOption("your key");
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [choice.Option, passphrase.Option]);
        command.SetAction(result =>
        {
            var folder = choice.Find(result);
            var known = MembershipChoice.Look(folder);
            if (known.IsProtected)
            {
                throw new UserErrorException(
                    "already-protected",
                    "this key lies under a passphrase; 'shoal member unprotect' first, to choose another"
                );
            }

            using var membership = MembershipChoice.Open(folder, null);
            var typed = passphrase.ReadNew(result, host);
            HubCalls.Do(() =>
            {
                membership.Protect(KeyProtection.Of(typed));
                return true;
            });
            host.Out.WriteLine($"Your key for {known.Hub} lies under a passphrase");
            return ExitCode.Done;
        });
        return command;
    }

    public static ShoalCommand BuildUnprotect(CliHost host)
    {
        var command = new ShoalCommand("unprotect", "Take the key of a membership from under its passphrase")
        {
            Examples = [new("Asks for the passphrase", "shoal member unprotect")],
        };
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", choice.All);
        command.SetAction(result =>
        {
            using var membership = choice.Load(result);
            if (membership.Protection is null)
            {
                throw new UserErrorException("not-protected", "this key lies under no passphrase");
            }

            HubCalls.Do(() =>
            {
                membership.Protect(null);
                return true;
            });
            host.Out.WriteLine($"Your key for {membership.Hub} lies under no passphrase; only you can read the file");
            return ExitCode.Done;
        });
        return command;
    }

    public static ShoalCommand BuildUnlock(CliHost host)
    {
        var command = new ShoalCommand("unlock", "Tell the running daemon the passphrase of your key, until it ends")
        {
            Examples = [new("Asks for the passphrase", "shoal member unlock")],
            Notes =
            [
                "A daemon whose key lies under a passphrase opens nothing of the publication after a start until it is told. It keeps "
                    + "the key in memory only.",
            ],
        };
        var passphrase = new PassphraseOption("your key");
        var choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [choice.Option, passphrase.Option]);
        command.SetAction(
            async (result, cancel) =>
            {
                var publication = Path.GetFileName(choice.Find(result));
                var secret = new UnlockMembership(passphrase.Read(result, host, "Passphrase of your key: "));
                var opened = await DaemonHandover.CallAsync(
                    choice.StateDirectory(result),
                    client => client.UnlockAsync(publication, secret, cancel)
                );
                host.Out.WriteLine($"The daemon is a member at {opened.Hub}.");
                return ExitCode.Done;
            }
        );
        return command;
    }
}
