using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// The revocation list of the publication: the newest one that this hub knows, and the only way to make the next. Safe from
/// any thread.
/// </summary>
internal sealed class RevocationBook(IHubStore store, Issuer issuer, TimeProvider time)
{
    private const int MaxAttempts = 50;

    private TaskCompletionSource _changed = NewSignal();
    private RevocationList? _current;

    /// <summary>Null: none was ever made.</summary>
    public RevocationList? Current => Volatile.Read(ref _current);

    /// <summary>Told of each new list, once.</summary>
    public event Action<RevocationList>? Changed;

    /// <summary>Takes the store's list if it is newer.</summary>
    /// <exception cref="HubStoreException">What is stored was not signed by this authority.</exception>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        if (await store.ReadRevocationsAsync(cancellation).ConfigureAwait(false) is not { } stored)
        {
            return;
        }

        if (stored.Number != (Current?.Version ?? 0))
        {
            Take(Read(stored));
        }
    }

    /// <summary>Revokes members, at once and for good.</summary>
    /// <param name="choose">Who, given who is revoked already; may be asked again.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The list that says so, and who was revoked by it; null: the list is full.</returns>
    public async Task<(long Version, IReadOnlyList<MemberId> Members)?> RevokeAsync(
        IReadOnlyCollection<MemberId> choose,
        CancellationToken cancellation
    )
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var stored = await store.ReadRevocationsAsync(cancellation).ConfigureAwait(false);
            var known = stored is null ? null : Read(stored);
            var members = choose.Except(known?.Members ?? []).ToList();
            if (members.Count == 0)
            {
                return (known?.Version ?? 0, []);
            }

            var all = (known?.Members ?? []).Concat(members).ToList();
            var serials = known?.Serials ?? [];
            if (all.Count + serials.Count > MembershipLimits.Default.MaxRevoked)
            {
                return null;
            }

            var next = issuer.Revoke((known?.Version ?? 0) + 1, all, serials);
            var row = new StoredRevocations(next.Version, next.Encoded.ToArray());
            if (
                await store
                    .ReplaceRevocationsAsync(known?.Version ?? 0, row, members, time.GetUtcNow(), cancellation)
                    .ConfigureAwait(false)
            )
            {
                Take(next);
                return (next.Version, members);
            }
        }

        throw new HubStoreException("other hubs revoke all the time: try again");
    }

    /// <summary>Waits until there is a list newer than <paramref name="version"/>, at most so long.</summary>
    public async Task WaitAsync(long version, TimeSpan atMost, CancellationToken cancellation)
    {
        var changed = Volatile.Read(ref _changed).Task;
        if ((Current?.Version ?? 0) <= version)
        {
            try
            {
                await changed.WaitAsync(atMost, time, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Nothing new in this time: the caller reads the list and sees that.
            }
        }
    }

    private RevocationList Read(StoredRevocations stored) =>
        RevocationList.TryRead(stored.List, issuer.Authority, out var list, out var fault)
            ? list
            : throw new HubStoreException($"the stored revocation list is not good ({fault})");

    private void Take(RevocationList list)
    {
        while (Current is var known && RevocationList.Supersedes(known, list, out _))
        {
            if (ReferenceEquals(Interlocked.CompareExchange(ref _current, list, known), known))
            {
                Interlocked.Exchange(ref _changed, NewSignal()).SetResult();
                Changed?.Invoke(list);
                return;
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
