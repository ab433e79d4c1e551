using System.Collections.Concurrent;
using System.Net;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Daemon;

/// <summary>
/// All memberships in the state folder, whoever joined: each is opened, followed at its hub, and gives its torrents what they
/// need before anybody may hear of them. Safe to use from any thread.
/// </summary>
/// <param name="stateDirectory">Memberships lie in it.</param>
/// <param name="engine">Has the torrents.</param>
/// <param name="network">The way to hubs.</param>
/// <param name="time">The clock.</param>
internal sealed partial class MembershipBook(
    string stateDirectory,
    TorrentEngine engine,
    OutboundNetwork network,
    TimeProvider time
) : IMemberTorrents, IMembershipEvents, IAsyncDisposable
{
    /// <summary>Most memberships; beyond it the daemon does not join any more. Default 1,000: each waits at its hub all the time.</summary>
    private const int MaxMemberships = 1000;

    private readonly ConcurrentDictionary<string, DaemonMembership> _all = new(StringComparer.Ordinal);

    /// <summary>Joining and unlocking, one after the other: Argon2id takes a second and 256 MiB.</summary>
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Told what the user should know; set once, before <see cref="Start"/>.</summary>
    public Action<string, string> Warned { get; set; } = (_, _) => { };

    /// <summary>Told of publications whose torrents may not go on, and why; set once, before <see cref="Start"/>.</summary>
    public Action<string, string> TorrentsMayNot { get; set; } = (_, _) => { };

    /// <summary>Told of publications whose torrents may go on; set once, before <see cref="Start"/>.</summary>
    public Action<string> TorrentsMay { get; set; } = _ => { };

    /// <summary>Opens what can be opened.</summary>
    public void Start()
    {
        LocalMembership.Sweep(stateDirectory);
        Refresh();
    }

    /// <summary>All of them, those too that another program has joined meanwhile.</summary>
    public MembershipList List(Func<string, int> torrentsOf)
    {
        Refresh();
        return new MembershipList([
            .. _all
                .Values.Where(one => !one.IsLeft)
                .OrderBy(one => one.Publication, StringComparer.Ordinal)
                .Select(one => one.Describe(torrentsOf(one.Publication))),
        ]);
    }

    /// <exception cref="ApiException">There is none of this publication.</exception>
    public DaemonMembership Get(string publication)
    {
        if (!_all.TryGetValue(publication, out var found) || found.State != MembershipState.Active)
        {
            Refresh();
        }

        return _all.TryGetValue(publication, out found) && !found.IsLeft
            ? found
            : throw new ApiException(
                404,
                "no-such-membership",
                "the daemon is no member of this publication: GET /memberships lists where it is one"
            );
    }

    /// <summary>Accepts an invitation.</summary>
    /// <param name="invitation">The link. It stands in no message and no file of ours.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ApiException">It is none, or the hub says no.</exception>
    public async Task<DaemonMembership> JoinAsync(string invitation, CancellationToken cancel)
    {
        if (!InvitationLink.TryParse(invitation.Trim(), out var link, out var fault))
        {
            throw new ApiException(400, "bad-invitation", MembershipWords.NoInvitation(fault)) { Key = "invitation" };
        }

        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            Refresh();
            var publication = link.Publication.ToString();
            if (Present(publication, out var isOver) is { } known)
            {
                return known;
            }

            var joining = new LinkJoining(HubWay.By(network), time);
            using (
                await joining.JoinAsync(link, stateDirectory, null, () => null, cancel, isOver).ConfigureAwait(false)
            )
            {
                // On the disk now; it is read again from there, as after a restart.
            }

            return Get(publication);
        }
        catch (HubException error)
        {
            throw new ApiException(502, error.Code, error.Message);
        }
        catch (LocalMembershipException error)
        {
            throw new ApiException(500, "membership-unusable", error.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Opens one whose key lies under a passphrase.</summary>
    /// <exception cref="ApiException">The passphrase is another.</exception>
    public async Task<DaemonMembership> UnlockAsync(string publication, string passphrase, CancellationToken cancel)
    {
        var one = Get(publication);
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await Task.Run(() => Open(one, () => KeyProtection.Of(passphrase)), cancel).ConfigureAwait(false);
            return one;
        }
        catch (LocalMembershipException error) when (error.Code == "wrong-passphrase")
        {
            throw new ApiException(403, "wrong-passphrase", "this is not the passphrase of the key");
        }
        catch (LocalMembershipException error)
        {
            throw new ApiException(500, "membership-unusable", error.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Gives a membership up: nothing of it is left here but what was fetched.</summary>
    /// <param name="publication">Whose.</param>
    /// <param name="wish">What is wanted.</param>
    /// <param name="letGo">Stops its torrents, which learn why they may not go on.</param>
    /// <param name="cancel">Gives up waiting for its turn; what has begun is ended.</param>
    /// <returns>What it means that the hub does not know; null: it does.</returns>
    /// <exception cref="ApiException">There is no such membership, the hub says that it shall not end, or it cannot be deleted.</exception>
    public async Task<string?> LeaveAsync(
        string publication,
        LeavingWish wish,
        Func<string, Task> letGo,
        CancellationToken cancel
    )
    {
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await Get(publication).LeaveAsync(wish, letGo).ConfigureAwait(false);
        }
        catch (HubException error)
        {
            throw new ApiException(409, error.Code, error.Message);
        }
        catch (LocalMembershipException error)
        {
            throw new ApiException(500, "membership-unusable", error.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What is published there.</summary>
    /// <param name="membership">Ours.</param>
    /// <param name="all">Old versions too.</param>
    /// <param name="idOf">The torrent in the list that has one of these names; null: none.</param>
    /// <exception cref="ApiException">The hub could not be asked, and nothing is known of before.</exception>
    public static Task<PublishedList> CatalogueAsync(
        DaemonMembership membership,
        bool all,
        Func<string?, string?, string?> idOf,
        CancellationToken cancel
    ) =>
        membership.AskAsync(
            async (hub, local) =>
            {
                string? away = null;
                var entries = await CatalogueReading
                    .ListOrKeptAsync(hub, local, why => away = why, cancel)
                    .ConfigureAwait(false);
                entries = all ? entries : CatalogueReading.Newest(entries);
                return new PublishedList([.. entries.Select(one => ItemOf(one, idOf))], away);
            }
        );

    /// <summary>Something published, to be added to the list.</summary>
    /// <param name="membership">Ours.</param>
    /// <param name="entry">Its id, the beginning of it, or its title.</param>
    /// <exception cref="ApiException">There is no such entry, or the hub could not be asked.</exception>
    public static Task<NewTorrent> ReadAsync(DaemonMembership membership, string entry, CancellationToken cancel) =>
        membership.AskAsync(
            async (hub, local) =>
            {
                var entries = await CatalogueReading
                    .ListOrKeptAsync(hub, local, _ => { }, cancel)
                    .ConfigureAwait(false);
                var chosen = CatalogueReading.Choose(CatalogueReading.Newest(entries), entry);
                var torrent = await CatalogueReading.ReadTorrentAsync(hub, chosen, cancel).ConfigureAwait(false);
                membership.Keep(new OfflineEntry(chosen.Entry.Encoded, torrent.Bytes));
                return NewTorrent.OfMembers(membership.Publication, torrent, chosen.Fields.Title);
            }
        );

    PublicationMembership IMemberTorrents.Find(string publication)
    {
        if (!_all.TryGetValue(publication, out var found))
        {
            Refresh();
            found = _all.GetValueOrDefault(publication);
        }

        return found?.Membership
            ?? throw new IOException(
                "it is for the members of a publication, and the membership is not in the state folder any more"
            );
    }

    IReadOnlyList<DnsEndPoint> IMemberTorrents.PeersOf(string publication)
    {
        var peers = new List<DnsEndPoint>();
        foreach (var text in _all.GetValueOrDefault(publication)?.ReadContent()?.Peers ?? [])
        {
            if (InvitationLink.TryReadAuthority(text, out var host, out var port))
            {
                peers.Add(new DnsEndPoint(host, port));
            }
        }

        return peers;
    }

    void IMemberTorrents.Opened(string publication, Torrent torrent) =>
        _all.GetValueOrDefault(publication)?.Opened(torrent);

    Task IMemberTorrents.ClosingAsync(string publication, Torrent torrent) =>
        _all.GetValueOrDefault(publication)?.ClosingAsync(torrent) ?? Task.CompletedTask;

    void IMemberTorrents.HeardRevoked(string publication) => _all.GetValueOrDefault(publication)?.Revoked();

    void IMembershipEvents.Warn(string code, string message) => Warned(code, message);

    void IMembershipEvents.Ended(string publication, string why) => TorrentsMayNot(publication, why);

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_all.Values.Select(one => one.DisposeAsync().AsTask())).ConfigureAwait(false);
        _turn.Dispose();
    }

    private void Refresh()
    {
        foreach (var folder in LocalMembership.FoldersIn(stateDirectory))
        {
            Open(
                _all.GetOrAdd(Path.GetFileName(folder), _ => new DaemonMembership(folder, engine, network, this, time)),
                null
            );
        }
    }

    private void Open(DaemonMembership one, Func<KeyProtection>? ask)
    {
        if (one.TryOpen(ask))
        {
            TorrentsMay(one.Publication);
        }
    }

    private static PublishedItem ItemOf(KnownEntry one, Func<string?, string?, string?> idOf)
    {
        var (fields, item) = (one.Fields, one.Item);
        var (v1, v2) = (fields.InfoHashes.V1?.ToString(), fields.InfoHashes.V2?.ToString());
        return new PublishedItem
        {
            Id = fields.Id.ToString(),
            Version = fields.Version,
            VersionName = fields.VersionName,
            Title = fields.Title,
            Size = fields.Size,
            Licence = fields.Licence,
            Citation = fields.Citation,
            InfoHashV1 = v1,
            InfoHashV2 = v2,
            Publisher = one.Entry.Publisher.ToString(),
            PublishedAt = item.Published,
            AsksForReceipts = fields.AsksForReceipts,
            Complete = item.Complete,
            Incomplete = item.Incomplete,
            Torrent = idOf(v1, v2),
        };
    }
}
