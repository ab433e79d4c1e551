using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>Becomes a member by a link: a key is made here, and the hub certifies it.</summary>
/// <param name="connect">The way to the hub.</param>
/// <param name="time">The clock.</param>
public sealed class LinkJoining(HubConnect connect, TimeProvider time)
{
    /// <summary>
    /// The membership that a link leads to. Who is a member already stays it, and nothing is asked; who was away for too long
    /// gets the next certificate for the same key, which is no second use of the link.
    /// </summary>
    /// <param name="link">The invitation.</param>
    /// <param name="stateDirectory">Where memberships are kept.</param>
    /// <param name="ask">For the passphrase of a key that lies under one; null: nobody can be asked.</param>
    /// <param name="protect">What a new key shall lie under; gives null for nothing.</param>
    /// <param name="cancel">Gives up; the same again goes on where it stopped.</param>
    /// <param name="isOver">The membership that may be there is known to have ended, though nothing on the disk says so.</param>
    /// <exception cref="HubException">The hub could not be asked, or said no.</exception>
    /// <exception cref="LocalMembershipException">It cannot be opened or kept.</exception>
    public async Task<LocalMembership> JoinAsync(
        InvitationLink link,
        string stateDirectory,
        Func<KeyProtection>? ask,
        Func<KeyProtection?> protect,
        CancellationToken cancel,
        bool isOver = false
    )
    {
        ArgumentNullException.ThrowIfNull(link);
        ArgumentNullException.ThrowIfNull(protect);
        var folder = LocalMembership.FolderOf(stateDirectory, link.Publication);
        MemberIdentity? identity = null;
        KeyProtection? protection = null;
        if (LocalMembership.IsIn(folder) && LocalMembership.Look(folder) is { HasKey: true } known)
        {
            var there = LocalMembership.Load(folder, ask);
            if (isOver || there.Revocations?.Covers(there.Grant.Member) == true)
            {
                // Shut out: another invitation makes another member of us, with another key.
                protection = there.Protection;
                there.Dispose();
            }
            else if (known.Grant.NotAfter > time.GetUtcNow())
            {
                return there;
            }
            else
            {
                // The certificate was not renewed in time. With the same key the same invitation makes another one.
                identity = MemberIdentity.Load(there.Identity.Export());
                protection = there.Protection;
                there.Dispose();
            }
        }

        protection ??= protect();
        var address = new HubAddress(link.Host, link.Port);
        var authority = await HubClient
            .FindAuthorityAsync(address, link.Publication, connect, time, cancel)
            .ConfigureAwait(false);
        identity ??= LocalMembership.PrepareKey(folder, link.Invitation, ask, ref protection);
        using var hub = HubClient.Anonymous(address, authority, connect, time);
        var answer = await hub.JoinAsync(link, identity.CreateRequest(), cancel).ConfigureAwait(false);
        var now = time.GetUtcNow();
        return LocalMembership.Create(folder, link.Publication, identity, answer, address, now, protection);
    }
}
