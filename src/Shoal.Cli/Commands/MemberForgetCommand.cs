using System.CommandLine;
using Shoal.Api;
using Shoal.Hub;
using Shoal.Members;

namespace Shoal.Cli;

/// <summary>Gives a membership up: at the hub, on this machine, and in a daemon that runs.</summary>
internal sealed class MemberForgetCommand
{
    private readonly CliHost _host;
    private readonly MembershipChoice _choice;

    private readonly Option<bool> _remove = Options.Flag(
        "--remove",
        "Take its torrents out of the daemon's list too (default: they stay, paused)"
    );

    private readonly Option<bool> _withPublished = Options.Flag(
        "--with-published",
        "What you have in the catalogue leaves it with you (default: who has something there stays a member)"
    );

    private readonly Option<bool> _onlyHere = Options.Flag(
        "--only-here",
        "Do not tell the hub: only this machine forgets, and the passphrase of the key is not needed"
    );

    private MemberForgetCommand(CliHost host, ShoalCommand command)
    {
        _host = host;
        _choice = new MembershipChoice(host, command);
        command.AddGroup("Options", [.. _choice.All, _remove, _withPublished, _onlyHere]);
        command.SetAction(RunAsync);
    }

    public static ShoalCommand Build(CliHost host)
    {
        var command = new ShoalCommand(
            "forget",
            "Give a membership up: end it at the hub, and delete its key, certificate and all from this machine"
        )
        {
            Examples =
            [
                new("One of several", "shoal member forget --hub hub.example.org"),
                new("And out of the daemon's list with what it fetched", "shoal member forget --remove"),
                new("A publisher, with all that he has published", "shoal member forget --with-published"),
            ],
            Notes =
            [
                "You are a member again only by another invitation. What was fetched stays where it lies. A daemon of the same state "
                    + "folder does it if it runs: its torrents of the publication stop at once. Other commands that run for the "
                    + "publication end when they hear of it.",
                "The hub puts you on the list of former members, so that nobody who has a copy of the key is taken for you any more. "
                    + "If the hub does not answer, this machine forgets all the same, and the last line says that the hub does not "
                    + "know. The only administrator stays one until there is another: nobody could invite or shut out any more.",
                "Invitations that you made and nobody has used let nobody in any more; whoever came by you stays. What you told about "
                    + "what you received it deletes with 'shoal member receipts --off', before you forget.",
            ],
        };
        _ = new MemberForgetCommand(host, command);
        return command;
    }

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancel)
    {
        var folder = _choice.Find(result);
        var publication = Path.GetFileName(folder);
        var wish = new LeavingWish(result.GetValue(_withPublished), result.GetValue(_onlyHere));
        var (isDone, problem) = await ByDaemonAsync(publication, wish, result, cancel);
        if (!isDone)
        {
            problem = await EndAsync(folder, wish, result, cancel);
            HubCalls.Do(() =>
            {
                LocalMembership.Forget(folder);
                return true;
            });
        }

        if (problem is not null)
        {
            _host.Error.WriteLine(SafeText.Of(problem));
        }

        _host.Out.WriteLine(
            $"{publication} forgotten"
                + (problem is null ? ", here and at the hub" : ", here")
                + (isDone ? ", by the daemon too" : "")
        );
        return ExitCode.Done;
    }

    private async Task<(bool IsDone, string? Problem)> ByDaemonAsync(
        string publication,
        LeavingWish wish,
        ParseResult result,
        CancellationToken cancel
    )
    {
        string? problem = null;
        try
        {
            var isDone = await DaemonHandover.TryAsync(
                _choice.StateDirectory(result),
                async client =>
                {
                    var asked = new LeaveWish(result.GetValue(_remove), wish.WithPublished, wish.OnlyHere);
                    problem = (await client.LeaveAsync(publication, asked, cancel)).Problem;
                }
            );
            return (isDone, problem);
        }
        catch (UserErrorException refused)
        {
            throw Explain(refused);
        }
    }

    /// <summary>Ends it at the hub.</summary>
    /// <returns>What it means that the hub does not know; null: it does.</returns>
    private async Task<string?> EndAsync(string folder, LeavingWish wish, ParseResult result, CancellationToken cancel)
    {
        MembershipSummary known;
        try
        {
            known = LocalMembership.Look(folder);
        }
        catch (LocalMembershipException)
        {
            // What is damaged is deleted like all else, and says nothing to anybody.
            return "the hub was not told (the files of the membership are damaged), so the membership goes on there";
        }

        var inVain =
            wish.OnlyHere ? "as you wished"
            : !known.HasKey ? "its key is lost"
            : known.Grant.NotAfter < _host.Time.GetUtcNow() ? "the certificate has expired"
            : known.IsProtected && !_choice.CanAsk(result) ? "the key lies under a passphrase"
            : null;
        try
        {
            inVain ??= await HubCalls.DoAsync(async () =>
            {
                using var membership = _choice.Load(result);
                using var hub = HubClient.Of(membership, _choice.Connect(result), _host.Time);
                return await Leaving.TryEndAsync(hub, wish, _host.Time, cancel);
            });
        }
        catch (UserErrorException refused)
        {
            throw Explain(refused);
        }

        return inVain is null ? null : Leaving.NotTold(known.Grant, inVain);
    }

    private static UserErrorException Explain(UserErrorException refused) =>
        refused.Code switch
        {
            "has-published" => new UserErrorException(
                refused.Code,
                refused.Message
                    + "; --with-published takes it out of the catalogue, --only-here forgets on this machine only"
            ),
            "last-administrator" => new UserErrorException(
                refused.Code,
                refused.Message
                    + "; 'shoal member role ID administrator' makes another one, --only-here forgets on this machine only"
            ),
            "wrong-passphrase" or "too-many-leaves" => new UserErrorException(
                refused.Code,
                refused.Message + "; --only-here forgets on this machine only"
            ),
            _ => refused,
        };
}
