using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>Becomes a member by a file that needs no hub.</summary>
/// <param name="connect">The way to the hub.</param>
/// <param name="time">The clock.</param>
public sealed class FileJoining(HubConnect connect, TimeProvider time)
{
    /// <summary>Longest file, in bytes.</summary>
    public const int MaxFile = 17 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asked for the key of a membership that is there already.</summary>
    public Func<KeyProtection>? Ask { get; init; }

    /// <summary>Told that somebody else was faster with the same file, and until when it works here.</summary>
    public Action<string, DateTimeOffset> Replaced { get; init; } = (_, _) => { };

    /// <summary>Opens a file.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="bytes">Of a stranger.</param>
    /// <param name="seal">What it lies under.</param>
    /// <exception cref="LocalMembershipException">It is not good, or not for now, or lies under something else.</exception>
    public OfflineInvitation Open(string name, ReadOnlyMemory<byte> bytes, KeyProtection seal)
    {
        ArgumentNullException.ThrowIfNull(seal);
        var fault = MembershipFault.Malformed;
        return
            PassphraseSeal.IsSealed(bytes.Span)
            && OfflineInvitation.TryRead(seal.Open(bytes.Span, name), time.GetUtcNow(), out var invitation, out fault)
            ? invitation
            : throw Bad($"{name}: {Describe(fault)}");
    }

    /// <summary>
    /// The membership that the file leads to. Who is a member already stays it, and gets to know what the file names. If the hub can be
    /// asked now, the file's key gives way to one of our own; else that comes later.
    /// </summary>
    /// <param name="invitation">Of <see cref="Open"/>.</param>
    /// <param name="protection">What our key shall lie under; null: nothing.</param>
    /// <param name="stateDirectory">Where memberships are kept.</param>
    /// <param name="cancel">Gives up.</param>
    /// <param name="isOver">The membership that may be there is known to have ended, though nothing on the disk says so.</param>
    /// <exception cref="LocalMembershipException">It was taken back, or the membership cannot be opened or kept.</exception>
    public async Task<LocalMembership> JoinAsync(
        OfflineInvitation invitation,
        KeyProtection? protection,
        string stateDirectory,
        CancellationToken cancel,
        bool isOver = false
    )
    {
        ArgumentNullException.ThrowIfNull(invitation);
        var folder = LocalMembership.FolderOf(stateDirectory, invitation.Authority.Publication);
        var membership = Keep(folder, invitation, protection, isOver);
        try
        {
            await TakeOverAsync(membership, cancel).ConfigureAwait(false);
            return membership;
        }
        catch
        {
            membership.Dispose();
            throw;
        }
    }

    private LocalMembership Keep(string folder, OfflineInvitation invitation, KeyProtection? protection, bool isOver)
    {
        var now = time.GetUtcNow();
        if (
            !isOver
            && LocalMembership.IsIn(folder)
            && LocalMembership.Look(folder) is { HasKey: true } known
            && known.Grant.NotAfter > now
        )
        {
            var membership = LocalMembership.Load(folder, Ask);
            membership.Keep(invitation.Content);
            return membership;
        }

        return HubAddress.TryParse(invitation.Hub, out var hub)
            ? LocalMembership.Create(folder, invitation, hub, now, protection)
            : throw Bad("the invitation names no hub");
    }

    private async Task TakeOverAsync(LocalMembership membership, CancellationToken cancel)
    {
        if (!membership.HasGivenKey)
        {
            return;
        }

        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(Patience);
        try
        {
            using var hub = HubClient.Of(membership, connect, time);
            await Renewal.RenewAsync(membership, hub, new Lock(), time, soon.Token).ConfigureAwait(false);
        }
        catch (HubException error) when (error.Code == "certificate-revoked")
        {
            LocalMembership.Forget(membership.Folder);
            throw Bad("this invitation was taken back: ask for a new one");
        }
        catch (HubException error) when (error.Code == Renewal.KeyReplaced)
        {
            Replaced(error.Message, membership.Grant.NotAfter);
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

    private static LocalMembershipException Bad(string message) => new("bad-invitation", message);

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
