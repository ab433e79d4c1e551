using Shoal.Membership;

namespace Shoal.Hub;

internal enum RevokeOutcome
{
    Revoked,

    /// <summary>A list has no room for so many.</summary>
    ListFull,

    /// <summary>Nobody could invite or shut out any more.</summary>
    NoAdministrator,
}

/// <param name="Version">Of the list that names them.</param>
/// <param name="Members">Who was revoked by it; not who was before.</param>
internal readonly record struct RevokeResult(
    RevokeOutcome Outcome,
    long Version = 0,
    IReadOnlyList<MemberId>? Members = null
);

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

    /// <summary>Revokes members, at once and for good. Unless they are revoked nothing was done.</summary>
    /// <param name="choose">Who.</param>
    /// <param name="room">Entries that the list may have with them.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<RevokeResult> RevokeAsync(
        IReadOnlyCollection<MemberId> choose,
        int room,
        CancellationToken cancellation
    ) => RevokeAsync(choose, [], 0, room, true, cancellation);

    /// <summary>
    /// A list that the authority signed and our state may have forgotten, since it went back: whom it names is revoked again, by a
    /// list that is newer than both. An old one changes nothing.
    /// </summary>
    /// <returns>Something was missing.</returns>
    public async Task<bool> RecoverAsync(RevocationList offered, CancellationToken cancellation)
    {
        // Another hub at the same database may have made it.
        await RefreshAsync(cancellation).ConfigureAwait(false);
        if (Current is { } current && current.Version >= offered.Version && current.HasAllOf(offered))
        {
            return false;
        }

        var before = Current?.Version ?? 0;
        var room = MembershipLimits.Default.MaxRevoked;
        var done = await RevokeAsync(offered.Members, offered.Serials, offered.Version, room, false, cancellation)
            .ConfigureAwait(false);
        return done.Version > before;
    }

    /// <param name="above">The next list has a higher version than this too, and is made though it names nobody new.</param>
    private async Task<RevokeResult> RevokeAsync(
        IReadOnlyCollection<MemberId> choose,
        IReadOnlyCollection<CertificateSerial> certificates,
        long above,
        int room,
        bool needsAdministrator,
        CancellationToken cancellation
    )
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var stored = await store.ReadRevocationsAsync(cancellation).ConfigureAwait(false);
            var known = stored is null ? null : Read(stored);
            var version = known?.Version ?? 0;
            var members = choose.Except(known?.Members ?? []).ToList();
            var serials = certificates.Except(known?.Serials ?? []).ToList();
            if (members.Count + serials.Count == 0 && version >= above)
            {
                return new RevokeResult(RevokeOutcome.Revoked, version, []);
            }

            members = [.. (known?.Members ?? []).Concat(members)];
            serials = [.. (known?.Serials ?? []).Concat(serials)];
            if (members.Count + serials.Count > room)
            {
                return new RevokeResult(RevokeOutcome.ListFull);
            }

            var next = issuer.Revoke(Math.Max(version, above) + 1, members, serials);
            var gone = members.Except(known?.Members ?? []).ToList();
            var outcome = await store
                .ReplaceRevocationsAsync(
                    version,
                    new StoredRevocations(next.Version, next.Encoded.ToArray()),
                    gone,
                    needsAdministrator,
                    time.GetUtcNow(),
                    cancellation
                )
                .ConfigureAwait(false);
            if (outcome == ReplaceOutcome.NoAdministrator)
            {
                return new RevokeResult(RevokeOutcome.NoAdministrator);
            }

            if (outcome == ReplaceOutcome.Replaced)
            {
                Take(next);
                return new RevokeResult(RevokeOutcome.Revoked, next.Version, gone);
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
