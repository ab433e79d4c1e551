using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// The roles of members whose role was changed. A certificate is never worth more than what is known here, so that who has
/// lost a role has lost it at once and not when his certificate ends. Safe from any thread.
/// </summary>
internal sealed class RoleBook(IHubStore store)
{
    private IReadOnlyDictionary<MemberId, MemberRole> _changed = new Dictionary<MemberId, MemberRole>();

    /// <summary>Reads what is stored.</summary>
    public async Task RefreshAsync(CancellationToken cancellation) =>
        Volatile.Write(ref _changed, await store.ListChangedRolesAsync(cancellation).ConfigureAwait(false));

    /// <summary>What a certificate is worth now. A role that was raised counts from the next certificate on.</summary>
    public MemberRole Of(MemberId member, MemberRole certified) =>
        Volatile.Read(ref _changed).TryGetValue(member, out var role) && role < certified ? role : certified;
}
