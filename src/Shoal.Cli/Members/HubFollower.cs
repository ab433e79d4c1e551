using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Keeps a torrent in touch with its hub while it runs: announces it, brings the peers that the hub names, renews our
/// certificate, and takes every new revocation list. A hub that is down stops nothing: members that know each other go on.
/// </summary>
internal sealed class HubFollower : IAsyncDisposable
{
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>How often a hub that is away is tried: members shall learn of a revocation within a minute of its return.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(20);

    private readonly LocalMembership _local;
    private readonly PublicationMembership _membership;
    private readonly HubConnect _connect;

    /// <summary>How the hub is announced to: once by each family, since it lists the address that a call comes from.</summary>
    private readonly IReadOnlyList<HubConnect> _announceBy;
    private readonly TimeProvider _time;
    private readonly EngineNews _news;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _announcing = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;
    private HubClient _client;
    private bool _hasWarned;
    private bool _isKeyTaken;

    /// <param name="local">Ours; not used by others while this runs.</param>
    /// <param name="membership">What the engine knows of it.</param>
    /// <param name="network">The way out.</param>
    /// <param name="news">Hears when the hub is away.</param>
    /// <param name="time">The clock.</param>
    public HubFollower(
        LocalMembership local,
        PublicationMembership membership,
        OutboundNetwork network,
        EngineNews news,
        TimeProvider time
    )
    {
        (_local, _membership, _news, _time) = (local, membership, news, time);
        _connect = HubCalls.Connect(network);
        _announceBy = network.IsProxied
            ? [_connect]
            :
            [
                HubCalls.Connect(network, AddressFamily.InterNetwork),
                HubCalls.Connect(network, AddressFamily.InterNetworkV6),
            ];
        _client = HubClient.Of(local, _connect, time);
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
        lock (_lock)
        {
            return statement(_local.Identity, _local.Certificate);
        }
    }

    /// <summary>Shows something that the user should know. From any thread.</summary>
    public void Warn(string code, string message) => _news.Post(new TransferEvent.Warning(code, message));

    /// <summary>What the engine needs of a membership.</summary>
    public static PublicationMembership MembershipOf(LocalMembership local) =>
        new(
            local.Authority,
            local.PublicationKey.Span,
            MemberIdentity.Load(local.Identity.Export()),
            local.Certificate.Span,
            local.Revocations
        );

    public void Start(Torrent torrent)
    {
        _announcing = AnnounceAsync(torrent);
        _listening = ListenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _announcing;
        await _listening;
        _membership.RevocationsChanged -= Remember;
        _client.Dispose();
        _stop.Dispose();
    }

    private async Task AnnounceAsync(Torrent torrent)
    {
        var announceEvent = AnnounceEvent.Started;
        try
        {
            while (true)
            {
                var pause = Retry;
                try
                {
                    pause = await AnnounceOnceAsync(torrent, announceEvent, _stop.Token);
                    announceEvent = AnnounceEvent.None;
                }
                catch (HubException error)
                {
                    Meet(error);
                }

                // Completion is told soon: others count copies.
                var wasComplete = torrent.Status.IsComplete;
                for (var waited = TimeSpan.Zero; waited < pause; waited += TimeSpan.FromSeconds(1))
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), _time, _stop.Token);
                    if (torrent.Status.IsComplete && !wasComplete)
                    {
                        announceEvent = AnnounceEvent.Completed;
                        break;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync(torrent);
        }
    }

    /// <returns>When to announce again.</returns>
    private async Task<TimeSpan> AnnounceOnceAsync(Torrent torrent, AnnounceEvent what, CancellationToken cancel)
    {
        var status = torrent.Status;
        HubException? failure = null;
        TimeSpan? interval = null;
        foreach (var connect in _announceBy)
        {
            try
            {
                // Where only one family leads to the hub, the other fails at once.
                var given = await AnnounceByAsync(connect, torrent, RequestOf(torrent, status, what), cancel);
                interval = interval is null || given < interval ? given : interval;
            }
            catch (HubException error)
            {
                failure ??= error;
            }
        }

        return interval is not { } pause ? throw failure!
            // Alone: somebody else may come any moment.
            : status.PeerCount == 0 && !status.IsComplete && pause > Retry ? Retry
            : pause;
    }

    private async Task<TimeSpan> AnnounceByAsync(
        HubConnect connect,
        Torrent torrent,
        AnnounceRequest request,
        CancellationToken cancel
    )
    {
        using var client = HubClient.Of(_local, connect, _time);
        var answer = await client.AnnounceAsync(request, cancel);
        if (!HttpTrackerAnswer.TryReadAnnounce(answer, AnnounceLimits.Default, out var read))
        {
            throw new HubException("bad-answer", "the hub's answer to an announce is not understood");
        }

        if (read.Failure is { } failure)
        {
            throw new HubException("not-announced", $"the hub does not list us: {failure}");
        }

        torrent.AddPeers(read.Peers);
        return read.Interval ?? TimeSpan.FromMinutes(5);
    }

    private AnnounceRequest RequestOf(Torrent torrent, TorrentStatus status, AnnounceEvent what) =>
        new()
        {
            InfoHash = torrent.InfoHashes.Primary,
            // The hub knows us by our certificate; a name that says nothing.
            PeerId = default,
            Port = (ushort)_news.Engine.Port,
            Left = status.IsComplete ? 0 : Math.Max(1, status.WantedBytes - status.DoneBytes),
            Event = what,
            Wanted = what == AnnounceEvent.Stopped ? 0 : 50,
        };

    private async Task LeaveAsync(Torrent torrent)
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
        try
        {
            await AnnounceOnceAsync(torrent, AnnounceEvent.Stopped, soon.Token);
        }
        catch (Exception error) when (error is HubException or OperationCanceledException)
        {
            // It forgets us in its time.
        }
    }

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var pause = Retry;
                try
                {
                    await RenewIfDueAsync(_stop.Token);
                    var known = _membership.Revocations?.Version ?? 0;
                    var answer = await _client.WaitForRevocationsAsync(known, LongWait, _stop.Token);
                    _hasWarned = false;
                    if (answer.List is { } list)
                    {
                        Take(list);
                    }

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

                await Task.Delay(pause, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The transfer ends.
        }
    }

    private async Task RenewIfDueAsync(CancellationToken cancel)
    {
        var now = _time.GetUtcNow();
        if (now > _membership.Grant.NotAfter)
        {
            _news.End(MembershipEnd.Expired(_local.Hub, _membership.Grant.NotAfter));
            return;
        }

        var isGiven = _local.HasGivenKey && !_isKeyTaken;
        if (now < _membership.Grant.RenewAfter && !isGiven)
        {
            return;
        }

        try
        {
            await Renewal.RenewAsync(_local, _client, _lock, _time, cancel);
        }
        catch (HubException error) when (error.Code == Renewal.KeyReplaced)
        {
            // Somebody else is this member now. The file's certificate is good until it ends.
            _isKeyTaken = true;
            _news.Post(new TransferEvent.Warning(error.Code, error.Message));
            return;
        }

        _membership.Renew(_local.Certificate.Span, MemberIdentity.Load(_local.Identity.Export()));
        // The former one is disposed of when what it is asked has ended; requests take at most a minute or two.
        _client = HubClient.Of(_local, _connect, _time);
    }

    private void Take(byte[] encoded)
    {
        if (RevocationList.TryRead(encoded, _membership.Authority, out var list, out var fault))
        {
            if (!_membership.TryRevoke(list, out fault) && fault != MembershipFault.None)
            {
                _news.Post(
                    new TransferEvent.Warning(
                        "old-revocations",
                        fault == MembershipFault.OldList
                            ? "the hub has an older revocation list than we know: its database went back; ours stays"
                            : $"the hub's revocation list contradicts the one we know ({fault}); ours stays"
                    )
                );
            }
        }
    }

    private void Remember(RevocationList list)
    {
        try
        {
            lock (_lock)
            {
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
            _news.End(MembershipEnd.Revoked());
        }
        else
        {
            WarnOnce(error);
        }
    }

    private void WarnOnce(HubException error)
    {
        if (!_hasWarned)
        {
            _hasWarned = true;
            _news.Post(
                new TransferEvent.Warning(
                    error.Code,
                    error.IsTemporary
                        ? $"{error.Message}; members that know each other go on, and the hub is tried again"
                        : error.Message
                )
            );
        }
    }
}
