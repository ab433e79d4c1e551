using System.CommandLine;
using System.Globalization;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Cli;

/// <summary>Becomes a member by a file that needs no hub.</summary>
/// <param name="host">Where the command runs.</param>
/// <param name="passphrase">Of the file.</param>
/// <param name="protect">Whether the key shall stay under it.</param>
internal sealed class OfflineJoining(CliHost host, PassphraseOption passphrase, Option<bool> protect)
{
    /// <summary>Longest file, in bytes.</summary>
    public const int MaxFile = 17 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="UserErrorException">It is not good, or not for now.</exception>
    /// <exception cref="HubException">The hub says that this membership is over.</exception>
    /// <exception cref="LocalMembershipException">It cannot be opened or kept.</exception>
    public async Task<LocalMembership> JoinAsync(
        ParseResult result,
        string file,
        byte[] bytes,
        string stateDirectory,
        HubConnect connect,
        CancellationToken cancel
    )
    {
        var seal = KeyProtection.Of(passphrase.Read(result, host, $"Passphrase of {Path.GetFileName(file)}: "));
        if (
            !OfflineInvitation.TryRead(seal.Open(bytes, file), host.Time.GetUtcNow(), out var invitation, out var fault)
        )
        {
            throw new UserErrorException("bad-invitation", $"{file}: {Describe(fault)}");
        }

        var folder = LocalMembership.FolderOf(stateDirectory, invitation.Authority.Publication);
        var membership = Keep(folder, invitation, result.GetValue(protect) ? seal : null, seal);
        try
        {
            await TakeOverAsync(membership, connect, cancel);
            return membership;
        }
        catch
        {
            membership.Dispose();
            throw;
        }
    }

    /// <summary>Who is a member already stays it, and gets to know what the file names.</summary>
    private LocalMembership Keep(
        string folder,
        OfflineInvitation invitation,
        KeyProtection? protection,
        KeyProtection seal
    )
    {
        var now = host.Time.GetUtcNow();
        if (
            LocalMembership.IsIn(folder)
            && LocalMembership.Look(folder) is { HasKey: true } known
            && known.Grant.NotAfter > now
        )
        {
            // Somebody who sits there knows which; else it is the file's, since that is what --protect keeps.
            var membership = LocalMembership.Load(
                folder,
                () =>
                    host.IsInputTerminal
                        ? KeyProtection.Of(SecretInput.ReadHidden(host, "Passphrase of your key: "))
                        : seal
            );
            membership.Keep(invitation.Content);
            return membership;
        }

        return HubAddress.TryParse(invitation.Hub, out var hub)
            ? LocalMembership.Create(folder, invitation, hub, now, protection)
            : throw new UserErrorException("bad-invitation", "the invitation names no hub");
    }

    /// <summary>If the hub can be asked now, the file's key gives way to one of our own; else that comes later.</summary>
    private async Task TakeOverAsync(LocalMembership membership, HubConnect connect, CancellationToken cancel)
    {
        if (!membership.HasGivenKey)
        {
            return;
        }

        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(Patience);
        try
        {
            using var hub = HubClient.Of(membership, connect, host.Time);
            await Renewal.RenewAsync(membership, hub, new Lock(), host.Time, soon.Token);
        }
        catch (HubException error) when (error.Code == "certificate-revoked")
        {
            LocalMembership.Forget(membership.Folder);
            throw new UserErrorException("bad-invitation", "this invitation was taken back: ask for a new one");
        }
        catch (HubException error) when (error.Code == Renewal.KeyReplaced)
        {
            host.Error.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{error.Message}; here it works until {membership.Grant.NotAfter:yyyy-MM-dd}, if nobody takes it back"
                )
            );
        }
        catch (HubException)
        {
            // It is away, which is what such files are for.
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The same.
        }
    }

    private static string Describe(MembershipFault fault) =>
        fault switch
        {
            MembershipFault.Expired =>
                "this invitation has expired, or this machine's clock is wrong: ask for a new one",
            MembershipFault.NotYetValid => "this invitation is not valid yet: does this machine's clock go right?",
            MembershipFault.Revoked => "this invitation was taken back: ask for a new one",
            MembershipFault.OtherAuthority or MembershipFault.BadSignature =>
                "its certificate is not of the publication that it names",
            MembershipFault.Malformed => "this is no invitation, or one of a later version of Shoal",
            _ => $"its certificate is not good ({fault})",
        };
}
