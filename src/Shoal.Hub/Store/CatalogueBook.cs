using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>An entry as the hub has read it.</summary>
internal sealed record CatalogueLine(CatalogueRow Row, CatalogueEntry Entry);

/// <summary>The catalogue in memory, as it was read last; entries of revoked publishers are left out. Safe from any thread.</summary>
internal sealed class CatalogueBook(IHubStore store, MembershipVerifier verifier, RevocationBook revocations)
{
    private IReadOnlyList<CatalogueRow> _rows = [];
    private IReadOnlyList<CatalogueLine> _lines = [];

    /// <summary>The newest first.</summary>
    public IReadOnlyList<CatalogueLine> Lines => Volatile.Read(ref _lines);

    /// <summary>Told after each reading.</summary>
    public Action<IReadOnlyList<CatalogueLine>>? Changed { get; set; }

    public async Task RefreshAsync(CancellationToken cancellation)
    {
        Volatile.Write(ref _rows, await store.ListCatalogueAsync(cancellation).ConfigureAwait(false));
        Recheck();
    }

    /// <summary>Looks again whose entries count, after somebody was revoked.</summary>
    public void Recheck()
    {
        var lines = new List<CatalogueLine>();
        foreach (var row in Volatile.Read(ref _rows))
        {
            if (CatalogueEntry.TryRead(row.Entry, verifier, revocations.Current, out var entry, out _))
            {
                lines.Add(new CatalogueLine(row, entry));
            }
        }

        Volatile.Write(ref _lines, lines);
        Changed?.Invoke(lines);
    }
}
