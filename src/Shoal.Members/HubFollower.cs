using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>
/// Keeps a membership and its torrents in touch with the hub: announces them, brings the peers that the hub names, renews our
/// certificate, and takes every new revocation list. A hub that is down stops nothing: members that know each other go on.
/// </summary>
public sealed class HubFollower : IAsyncDisposable
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly LocalMembership _local;
    private readonly PublicationMembership _membership;
    private readonly HubConnect _connect;
    private readonly TimeProvider _time;
    private readonly IHubNews _news;
    private readonly HubAnnouncer _announcer;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _listening = Task.CompletedTask;
    private HubClient _client;
    private volatile bool _hasWarned;
    private bool _isKeyTaken;
    private volatile bool _isOver;

    /// <summary>A list that names whom the hub's newest does not; null: none is known.</summary>
    private RevocationList? _forgotten;
    private RevocationList? _told;
    private RevocationList? _reminded;

    /// <param name="local">Ours; used by others through <see cref="Use"/> only while this runs.</param>
    /// <param name="membership">What the engine knows of it.</param>
    /// <param name="engine">Has the torrents.</param>
    /// <param name="network">The way out.</param>
    /// <param name="news">Hears when the hub is away.</param>
    /// <param name="goodbye">How long the hub may be told, at the end, that we leave.</param>
    /// <param name="time">The clock.</param>
    public HubFollower(
        LocalMembership local,
        PublicationMembership membership,
        TorrentEngine engine,
        OutboundNetwork network,
        IHubNews news,
        TimeSpan goodbye,
        TimeProvider time
    )
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(membership);
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(network);
        (_local, _membership, _news, _time) = (local, membership, news, time);
        _connect = HubWay.By(network);
        _announcer = new HubAnnouncer(
            CreateClient,
            () => new AnnouncedPorts(engine.Port, engine.PublicPort),
            network,
            Meet,
            goodbye,
            time
        );
        _client = CreateClient(_connect);
        membership.RevocationsChanged += Remember;
    }

    /// <summary>Raised when the hub says that a challenge waits for us. From any thread.</summary>
    public event Action? Challenged;

    /// <summary>Asks as we are known now.</summary>
    public HubClient Client => Volatile.Read(ref _client);

    /// <summary>The newest list known; null: none.</summary>
    public RevocationList? Revocations => _membership.Revocations;

    /// <summary>Signs with our key of now and the certificate that belongs to it: both change when the certificate is renewed.</summary>
    public byte[] Sign(Func<MemberIdentity, ReadOnlyMemory<byte>, byte[]> statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        return Use(local => statement(local.Identity, local.Certificate));
    }

    /// <summary>Shows something that the user should know. From any thread.</summary>
    public void Warn(string code, string message) => _news.Warn(code, message);

    /// <summary>What the engine needs of a membership.</summary>
    public static PublicationMembership MembershipOf(LocalMembership local)
    {
        ArgumentNullException.ThrowIfNull(local);
        return new PublicationMembership(
            local.Authority,
            local.PublicationKey.Span,
            MemberIdentity.Load(local.Identity.Export()),
            local.Certificate.Span,
            local.Revocations
        );
    }

    /// <summary>Begins to listen, and to announce what was and is added.</summary>
    public void Start()
    {
        _announcer.Start();
        _listening = ListenAsync();
    }

    /// <summary>Announces a torrent of the publication from now on.</summary>
    public void Add(Torrent torrent) => _announcer.Add(torrent);

    /// <summary>Announces it no more.</summary>
    public Task RemoveAsync(Torrent torrent) => _announcer.RemoveAsync(torrent);

    /// <summary>Does something with the membership while nothing changes it here. Quick.</summary>
    public T Use<T>(Func<LocalMembership, T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        lock (_lock)
        {
            return work(_local);
        }
    }

    /// <summary>Speaks with the hub as we are known now. The caller disposes of it.</summary>
    public HubClient CreateClient() => CreateClient(_connect);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _announcer.DisposeAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        _membership.RevocationsChanged -= Remember;
        _client.Dispose();
        _stop.Dispose();
    }

    private HubClient CreateClient(HubConnect connect) => Use(local => HubClient.Of(local, connect, _time));

    private async Task ListenAsync()
    {
        try
        {
            while (!_isOver)
            {
                var pause = HubAnnouncer.Retry;
                try
                {
                    await RenewIfDueAsync(_stop.Token).ConfigureAwait(false);
                    if (_isOver)
                    {
                        return;
                    }

                    var known = _membership.Revocations?.Version ?? 0;
                    var answer = await _client
                        .WaitForRevocationsAsync(known, LongWait, _stop.Token)
                        .ConfigureAwait(false);
                    _hasWarned = false;
                    _news.Answered();
                    if (answer.List is { Length: > 0 } list)
                    {
                        Take(list);
                    }
                    else if (answer.Version < known)
                    {
                        Volatile.Write(ref _forgotten, _membership.Revocations);
                    }

                    await RecoverAsync(_stop.Token).ConfigureAwait(false);

                    if (answer.IsChallenged)
                    {
                        Challenged?.Invoke();
                    }

                    pause = TimeSpan.FromSeconds(Math.Clamp(answer.AskAgainIn, 0, 60));
                    // A hub that answers at once all the time is not asked all the time.
                    pause = (answer.Version < known || answer.IsChallenged) && pause < Soon ? Soon : pause;
                }
                catch (HubException error)
                {
                    Meet(error);
                }
                catch (LocalMembershipException error)
                {
                    WarnOnce(new HubException(error.Code, error.Message));
                }

                await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The membership is not followed any more.
        }
    }

    private async Task RenewIfDueAsync(CancellationToken cancel)
    {
        if (Use(local => local.TryRefresh()))
        {
            // A command of the same state folder has renewed it, and may have put a key of our own in the place of a given one.
            Adopt();
        }

        var now = _time.GetUtcNow();
        if (now > _membership.Grant.NotAfter)
        {
            _isOver = true;
            _news.Expired(_local.Hub, _membership.Grant.NotAfter);
            return;
        }

        var isGiven = _local.HasGivenKey && !_isKeyTaken;
        if (now < _membership.Grant.RenewAfter && !isGiven)
        {
            return;
        }

        try
        {
            await Renewal.RenewAsync(_local, _client, _lock, _time, cancel).ConfigureAwait(false);
        }
        catch (HubException error) when (error.Code == Renewal.KeyReplaced)
        {
            // Somebody else is this member now. The file's certificate is good until it ends.
            _isKeyTaken = true;
            _news.Warn(error.Code, error.Message);
            return;
        }

        Adopt();
    }

    /// <summary>Engine and hub know us by the certificate of now.</summary>
    private void Adopt()
    {
        Use(local =>
        {
            _membership.Renew(local.Certificate.Span, MemberIdentity.Load(local.Identity.Export()));
            return true;
        });
        // The former one is disposed of when what it is asked has ended; requests take at most a minute or two.
        Volatile.Write(ref _client, CreateClient(_connect));
    }

    private void Take(byte[] encoded)
    {
        if (
            RevocationList.TryRead(encoded, _membership.Authority, out var list, out var fault)
            && !_membership.TryRevoke(list, out fault)
            && fault != MembershipFault.None
        )
        {
            Volatile.Write(ref _forgotten, _membership.Revocations);
        }
    }

    /// <summary>The hub's state went back: it is reminded of whom it had revoked, before they are let in again.</summary>
    private async Task RecoverAsync(CancellationToken cancel)
    {
        if (Volatile.Read(ref _forgotten) is not { } list || ReferenceEquals(list, _reminded))
        {
            return;
        }

        if (!ReferenceEquals(list, _told))
        {
            _told = list;
            _news.Warn(
                "old-revocations",
                "the hub has forgotten revocations that we know: its database went back, or another was put in its place; it is told of them again"
            );
        }

        try
        {
            await _client.RecoverRevocationsAsync(list, cancel).ConfigureAwait(false);
        }
        catch (HubException error) when (!error.IsTemporary)
        {
            // A hub that does not want to know: all that can be done is to say so.
            _news.Warn(error.Code, error.Message);
        }

        // Once is enough: a hub that forgets again does so after a list that we have taken of it.
        _reminded = list;
        Interlocked.CompareExchange(ref _forgotten, null, list);
    }

    private void Remember(RevocationList list)
    {
        try
        {
            lock (_lock)
            {
                if (_local.Revocations is { } before && !list.HasAllOf(before))
                {
                    // Whoever brought it: it was made by an authority that did not know what it had said.
                    Volatile.Write(ref _forgotten, before);
                }

                _local.TryTakeRevocations(list.Encoded.Span, out _);
            }
        }
        catch (LocalMembershipException)
        {
            // The engine has it; it is asked for again the next time.
        }
    }

    private void Meet(HubException error)
    {
        if (error.Code == "certificate-revoked")
        {
            _isOver = true;
            _news.Revoked();
        }
        else if (!_isOver)
        {
            WarnOnce(error);
        }
    }

    private void WarnOnce(HubException error)
    {
        if (!_hasWarned)
        {
            _hasWarned = true;
            _news.Warn(
                error.Code,
                error.IsTemporary
                    ? $"{error.Message}; members that know each other go on, and the hub is tried again"
                    : error.Message
            );
        }
    }
}
