using Shoal.Api;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;

namespace Shoal.Daemon;

/// <summary>
/// One membership while the daemon runs: opened when its key can be had, followed at its hub, ended when we are no member any
/// more. The engine knows one <see cref="PublicationMembership"/> of it for ever, since others may have it.
/// </summary>
/// <param name="folder">Where it lies.</param>
/// <param name="engine">Has its torrents.</param>
/// <param name="network">The way to the hub.</param>
/// <param name="told">Hears what becomes of it.</param>
/// <param name="time">The clock.</param>
internal sealed partial class DaemonMembership(
    string folder,
    TorrentEngine engine,
    OutboundNetwork network,
    IMembershipEvents told,
    TimeProvider time
) : IHubNews, IAsyncDisposable
{
    /// <summary>As the daemon's goodbyes to trackers.</summary>
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<Torrent> _torrents = [];
    private readonly List<Task> _ending = [];
    private PublicationMembership? _membership;
    private LocalMembership? _local;
    private HubFollower? _follower;
    private CustodyFollower? _custody;
    private MembershipState _state = MembershipState.Locked;
    private string? _problem;
    private string? _hubProblem;

    /// <summary>The publication's id.</summary>
    public string Publication => Path.GetFileName(folder);

    public MembershipState State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>Opens it if it can be had without asking anybody, or if it has become another on the disk.</summary>
    /// <param name="ask">For the passphrase of the key; null: nobody can be asked.</param>
    /// <returns>It is active now and was not before.</returns>
    public bool TryOpen(Func<KeyProtection>? ask = null)
    {
        lock (_lock)
        {
            if (_state == MembershipState.Active || _isLeaving || (IsLeft && !LocalMembership.IsIn(folder)))
            {
                return false;
            }

            IsLeft = false;
            try
            {
                return TryLoad(ask);
            }
            catch (LocalMembershipException error)
            {
                (_state, _problem) =
                    error.Code == "passphrase-needed" ? Locked() : (MembershipState.Unusable, error.Message);
                if (ask is not null)
                {
                    throw;
                }

                return false;
            }
        }
    }

    /// <exception cref="IOException">It is not active; the message says why.</exception>
    public PublicationMembership Membership
    {
        get
        {
            lock (_lock)
            {
                return _state == MembershipState.Active ? _membership! : throw new IOException(_problem);
            }
        }
    }

    /// <summary>What is known of it.</summary>
    /// <param name="torrents">Of it in the list.</param>
    public MembershipItem Describe(int torrents)
    {
        lock (_lock)
        {
            var known = Look();
            return new MembershipItem
            {
                Publication = Publication,
                Hub = known?.Hub.ToString() ?? "",
                State = _state,
                Problem = _state == MembershipState.Active ? _hubProblem : _problem,
                Member = known?.Grant.Member.ToString(),
                Role = known is { } grant ? RoleNames.Of(grant.Grant.Role) : null,
                CertificateUntil = known?.Grant.NotAfter.ToUnixTimeSeconds(),
                Torrents = torrents,
            };
        }
    }

    /// <summary>What an invitation or an earlier look at the catalogue left; null: nothing.</summary>
    public OfflineContent? ReadContent()
    {
        try
        {
            return Follower?.Use(local => local.ReadContent());
        }
        catch (LocalMembershipException)
        {
            // Damaged: the hub knows more.
            return null;
        }
    }

    /// <summary>Asks the hub as the member.</summary>
    /// <exception cref="ApiException">The membership is not active, or the hub could not be asked.</exception>
    public async Task<T> AskAsync<T>(Func<HubClient, LocalMembership, Task<T>> work)
    {
        var follower = Follower ?? throw NotActive();
        try
        {
            using var hub = follower.CreateClient();
            return await work(hub, follower.Use(local => local)).ConfigureAwait(false);
        }
        catch (HubException error)
        {
            throw new ApiException(502, error.Code, error.Message);
        }
        catch (CatalogueException error)
        {
            throw new ApiException(404, error.Code, error.Message) { Key = "entry" };
        }
        catch (LocalMembershipException error)
        {
            throw new ApiException(500, "membership-unusable", error.Message);
        }
    }

    /// <summary>Keeps what was fetched, for when the hub is away.</summary>
    public void Keep(OfflineEntry entry) => Change(local => local.Keep(entry));

    /// <summary>Keeps what an invitation names.</summary>
    public void Keep(OfflineContent content) => Change(local => local.Keep(content));

    /// <summary>Does something with the files of the membership while nothing else changes them.</summary>
    private void Change(Action<LocalMembership> work)
    {
        try
        {
            Follower?.Use(local =>
            {
                work(local);
                return true;
            });
        }
        catch (LocalMembershipException error)
        {
            told.Warn("membership-unusable", error.Message);
        }
    }

    public void Opened(Torrent torrent)
    {
        lock (_lock)
        {
            _torrents.Add(torrent);
            _follower?.Add(torrent);
            _custody?.Add(torrent, null);
        }
    }

    public Task ClosingAsync(Torrent torrent)
    {
        lock (_lock)
        {
            _torrents.Remove(torrent);
            return Task.WhenAll(
                _custody?.RemoveAsync(torrent) ?? Task.CompletedTask,
                _follower?.RemoveAsync(torrent) ?? Task.CompletedTask
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_lock)
        {
            Unfollow();
            ending = [.. _ending];
        }

        await Task.WhenAll(ending).ConfigureAwait(false);
    }

    void IHubNews.Warn(string code, string message)
    {
        lock (_lock)
        {
            _hubProblem = message;
        }

        told.Warn(code, message);
    }

    void IHubNews.Answered()
    {
        lock (_lock)
        {
            _hubProblem = null;
        }
    }

    void IHubNews.Expired(HubAddress hub, DateTimeOffset until) =>
        End(MembershipState.Expired, MembershipWords.Expired(hub, until));

    /// <summary>We are no member any more, whoever says so with the authority's word.</summary>
    public void Revoked() => End(MembershipState.Ended, MembershipWords.Revoked);

    private HubFollower? Follower
    {
        get
        {
            lock (_lock)
            {
                return _follower;
            }
        }
    }

    private ApiException NotActive()
    {
        lock (_lock)
        {
            return _state == MembershipState.Locked
                ? new ApiException(409, "membership-locked", _problem ?? "locked")
                : new ApiException(409, "not-a-member", _problem ?? "the daemon ends");
        }
    }

    private static (MembershipState State, string Problem) Locked() =>
        (
            MembershipState.Locked,
            "the key of this membership lies under a passphrase: 'shoal member unlock' tells it to the daemon, until that ends"
        );

    private MembershipSummary? Look()
    {
        try
        {
            return LocalMembership.Look(folder);
        }
        catch (LocalMembershipException)
        {
            return null;
        }
    }

    // Under the lock.
    private bool TryLoad(Func<KeyProtection>? ask)
    {
        var known = LocalMembership.Look(folder);
        if (known.Grant.NotAfter < time.GetUtcNow())
        {
            (_state, _problem) = (MembershipState.Expired, MembershipWords.Expired(known.Hub, known.Grant.NotAfter));
            return false;
        }

        if (_state == MembershipState.Ended && _local is { } former && former.Grant.Member == known.Grant.Member)
        {
            return false;
        }

        if (known.IsProtected && ask is null)
        {
            (_state, _problem) = Locked();
            return false;
        }

        var local = LocalMembership.Load(folder, ask);
        if (local.Revocations is { } list && list.Covers(local.Grant.Member))
        {
            _local = local;
            (_state, _problem) = (MembershipState.Ended, MembershipWords.Revoked);
            return false;
        }

        Follow(local);
        return true;
    }

    // Under the lock.
    private void Follow(LocalMembership local)
    {
        if (_membership is null)
        {
            _membership = HubFollower.MembershipOf(local);
        }
        else
        {
            _membership.Renew(local.Certificate.Span, MemberIdentity.Load(local.Identity.Export()));
        }

        _local = local;
        (_state, _problem, _hubProblem) = (MembershipState.Active, null, null);
        _follower = new HubFollower(local, _membership, engine, network, this, Goodbye, time);
        _custody = new CustodyFollower(_follower, Goodbye, time);
        foreach (var torrent in _torrents)
        {
            _follower.Add(torrent);
            _custody.Add(torrent, null);
        }

        _custody.Start();
        _follower.Start();
    }

    private void End(MembershipState state, string why)
    {
        lock (_lock)
        {
            if (_state != MembershipState.Active || _isLeaving)
            {
                return;
            }

            (_state, _problem) = (state, why);
            Unfollow();
        }

        told.Ended(Publication, why);
    }

    // Under the lock. What it still has to say to the hub goes on meanwhile.
    private void Unfollow()
    {
        if (_follower is { } follower)
        {
            var (custody, local) = (_custody!, _local);
            (_follower, _custody) = (null, null);
            _ending.Add(
                Task.Run(async () =>
                {
                    await custody.DisposeAsync().ConfigureAwait(false);
                    await follower.DisposeAsync().ConfigureAwait(false);
                    local?.Dispose();
                })
            );
        }
    }
}

/// <summary>Hears what becomes of memberships. From any thread; quick.</summary>
internal interface IMembershipEvents
{
    void Warn(string code, string message);

    /// <summary>Nothing of the publication may go on.</summary>
    void Ended(string publication, string why);
}
