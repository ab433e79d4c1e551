using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Members;

/// <summary>Finds what torrents are in the catalogue, by their names. One caller at a time.</summary>
/// <param name="hub">Knows hub and membership.</param>
internal sealed class CustodyEntries(HubFollower hub)
{
    private IReadOnlyList<KnownEntry> _told = [];
    private TimeSpan _askAgainAt;

    /// <summary>By what is kept here, or else by the hub's catalogue, which is asked for now and then.</summary>
    /// <returns>The version signed last; null: none is known.</returns>
    /// <exception cref="Shoal.Hub.HubException">The hub could not be asked.</exception>
    /// <exception cref="Shoal.Hub.LocalMembershipException">What is kept cannot be read.</exception>
    public async Task<KnownEntry?> FindAsync(InfoHashes names, TimeSpan now, CancellationToken cancel)
    {
        var kept = hub.Use(local =>
            local.ReadContent() is { } content ? CatalogueReading.Kept(content, local) : (IReadOnlyList<KnownEntry>)[]
        );
        if ((Choose(kept, names) ?? Choose(_told, names)) is { } found)
        {
            return found;
        }

        if (now < _askAgainAt)
        {
            return null;
        }

        _askAgainAt = now + CustodyLimits.ReceiptInterval;
        _told = await CatalogueReading.ListAsync(hub.Client, hub.Use(local => local), cancel).ConfigureAwait(false);
        return Choose(_told, names);
    }

    private static KnownEntry? Choose(IReadOnlyList<KnownEntry> entries, InfoHashes names) =>
        entries.Where(one => one.Fields.InfoHashes == names).MaxBy(one => one.Fields.SignedAt);
}
