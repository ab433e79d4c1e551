using System.Data.Common;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>What a hub has to do with at the moment; no names, no addresses.</summary>
/// <param name="OnlineMembers">That announced lately.</param>
/// <param name="Peers">Over all swarms.</param>
/// <param name="Entries">In the catalogue.</param>
/// <param name="RevocationVersion">0: nobody was ever revoked.</param>
/// <param name="Waiting">Members that wait for the next revocation list.</param>
/// <param name="Announces">Since the start.</param>
public readonly record struct HubStatus(
    int OnlineMembers,
    int Peers,
    int Entries,
    long RevocationVersion,
    int Waiting,
    long Announces
);

/// <summary>The parts of a hub, put together.</summary>
internal sealed class HubParts : IAsyncDisposable
{
    /// <summary>How often a hub that shares its database looks what the others did, if it did not hear of it.</summary>
    private const int TicksBetweenLooks = 5;
    private const int TicksBetweenSweeps = 60;

    private readonly HubKeys _keys;
    private readonly SqlHubStore _store;
    private readonly RevocationBook _revocations;
    private readonly RoleBook _roles;
    private readonly CatalogueBook _catalogue;
    private readonly MemberTracker _tracker;
    private readonly ChallengeBook _challenges;
    private PostgresRelay? _relay;
    private int _ticks;

    private HubParts(HubOptions options, HubKeys keys, SqlHubStore store)
    {
        Options = options;
        (_keys, _store) = (keys, store);
        Issuer = new Issuer(keys, options.Time);
        _revocations = new RevocationBook(store, Issuer, options.Time);
        var verifier = new MembershipVerifier(Issuer.Authority);
        _catalogue = new CatalogueBook(store, verifier, _revocations);
        _tracker = new MemberTracker(options);
        _challenges = new ChallengeBook(store, options.Time);
        _roles = new RoleBook(store);
        var gate = new Gate(verifier, _revocations, _roles, options.Limits, options.Time);
        Roles = new RoleEndpoints(gate, store, _roles, options);
        Join = new JoinEndpoints(gate, store, Issuer, _revocations, options);
        Leaving = new LeaveEndpoint(gate, store, _revocations, _catalogue, options);
        Invitations = new InvitationEndpoints(gate, store, Issuer, options);
        Members = new MemberEndpoints(gate, store, _revocations, _challenges, Issuer.Authority, options);
        Catalogue = new CatalogueEndpoints(gate, store, _catalogue, verifier, _revocations, _tracker, options);
        Custody = new CustodyEndpoints(
            gate,
            store,
            _catalogue,
            _challenges,
            new ReceiptTags(Issuer),
            verifier,
            _revocations,
            _tracker,
            options
        );
        _catalogue.Changed = lines => _tracker.Serve(lines.SelectMany(line => line.Entry.Fields.InfoHashes.OnTheWire));
        _revocations.Changed += list =>
        {
            _tracker.Drop(list.Members);
            _catalogue.Recheck();
        };
    }

    public HubOptions Options { get; }

    public Issuer Issuer { get; }

    public JoinEndpoints Join { get; }

    public LeaveEndpoint Leaving { get; }

    public InvitationEndpoints Invitations { get; }

    public MemberEndpoints Members { get; }

    public RoleEndpoints Roles { get; }

    public CatalogueEndpoints Catalogue { get; }

    public CustodyEndpoints Custody { get; }

    public HubStatus Status =>
        new(
            _tracker.Members,
            _tracker.Counters.Peers,
            _catalogue.Lines.Count,
            _revocations.Current?.Version ?? 0,
            Members.Waiting,
            _tracker.Counters.HttpAnnounces
        );

    /// <exception cref="HubStoreException">Keys or store cannot be used.</exception>
    public static async Task<HubParts> OpenAsync(HubOptions options, CancellationToken cancellation)
    {
        var keys = HubKeys.LoadOrCreate(options.Folder, options.Time.GetUtcNow(), options.Protection);
        SqlHubStore? store = null;
        try
        {
            var publication = keys.Authority.Publication;
            store = options.Postgres is { } connection
                ? await SqlHubStore.OpenPostgresAsync(connection, publication, cancellation).ConfigureAwait(false)
                : await SqlHubStore
                    .OpenSqliteAsync(Path.Combine(options.Folder, "hub.db"), publication, cancellation)
                    .ConfigureAwait(false);
            var parts = new HubParts(options, keys, store);
            await parts._revocations.RefreshAsync(cancellation).ConfigureAwait(false);
            await parts._roles.RefreshAsync(cancellation).ConfigureAwait(false);
            await parts._catalogue.RefreshAsync(cancellation).ConfigureAwait(false);
            await store.KeepAsync(options.Receipts, cancellation).ConfigureAwait(false);
            await parts._challenges.RefreshAsync(cancellation).ConfigureAwait(false);
            if (store.Postgres is { } postgres)
            {
                parts._relay = new PostgresRelay(postgres, publication) { Heard = parts._tracker.Note };
                parts._relay.Start();
                parts._tracker.Heard = parts._relay.Tell;
            }

            return parts;
        }
        catch (DbException exception)
        {
            keys.Dispose();
            if (store is not null)
            {
                await store.DisposeAsync().ConfigureAwait(false);
            }

            throw new HubStoreException(exception.Message, exception);
        }
        catch
        {
            keys.Dispose();
            if (store is not null)
            {
                await store.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    public async Task<MembershipAnswer> AddMemberAsync(
        ReadOnlyMemory<byte> request,
        string name,
        MemberRole role,
        CancellationToken cancellation
    )
    {
        var id = Issuer.NewMember();
        var issued =
            Issuer.Issue(request.Span, id, role, Options.CertificateLifetime)
            ?? throw new ArgumentException("the request is not good", nameof(request));
        // Invited by itself: the beginning of all chains.
        var row = new MemberRow(id, null, issued.KeyHash, name, role, default, id, Options.Time.GetUtcNow(), null);
        await _store.AddMembersAsync([row], cancellation).ConfigureAwait(false);
        return new MembershipAnswer(
            issued.Der,
            Issuer.Authority.Der.ToArray(),
            Issuer.PublicationKey.ToArray(),
            _revocations.Current?.Encoded.ToArray(),
            id.ToString(),
            RoleNames.Of(role),
            issued.Grant.NotAfter.ToUnixTimeSeconds()
        );
    }

    /// <summary>Once a second.</summary>
    public async Task TickAsync(CancellationToken cancellation)
    {
        _tracker.Expire();
        _ticks++;
        try
        {
            if (_ticks % TicksBetweenSweeps == 0)
            {
                await _store.ExpireChallengesAsync(Options.Time.GetUtcNow(), cancellation).ConfigureAwait(false);
                await _challenges.RefreshAsync(cancellation).ConfigureAwait(false);
            }

            if (_store.Postgres is null || _ticks % TicksBetweenLooks != 0)
            {
                return;
            }

            await _challenges.RefreshAsync(cancellation).ConfigureAwait(false);
            await _revocations.RefreshAsync(cancellation).ConfigureAwait(false);
            await _roles.RefreshAsync(cancellation).ConfigureAwait(false);
            await _catalogue.RefreshAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception exception)
            when (exception is DbException or HubStoreException or IOException or TimeoutException)
        {
            // The database is away; what is known goes on, and the next look may find it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_relay is not null)
        {
            await _relay.DisposeAsync().ConfigureAwait(false);
        }

        await _store.DisposeAsync().ConfigureAwait(false);
        _keys.Dispose();
    }
}
