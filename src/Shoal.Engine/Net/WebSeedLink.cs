using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What the torrent provides for its web seeds, and what they are.</summary>
/// <param name="Url">The web seed.</param>
/// <param name="Files">What it has; kept from one use of the web seed to the next.</param>
/// <param name="IgnoresRanges">It was found to send whole files only.</param>
internal sealed record WebSeedSource(WebSeedUrl Url, WebSeedFiles Files, bool IgnoresRanges);

/// <summary>
/// A web seed as a peer of the swarm, from when it is tried until it fails or is not needed any more. Takes requests for
/// blocks, makes HTTP requests of them, and posts the blocks as they arrive. It has what its files have, never chokes,
/// and hears of nothing but requests.
/// </summary>
internal sealed class WebSeedLink : ISwarmLink, IWebSeedWork, IDisposable
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(1);

    private readonly WebSeedSource _source;
    private readonly ILinkHost _host;
    private readonly WebSeedLimits _limits;
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly PieceLayout _layout;
    private readonly WebSeedClient _client;
    private readonly WebSeedFetcher[] _fetchers;
    private readonly Lock _lock = new();
    private readonly WebSeedQueue _queue;
    private readonly HashSet<WebSeedRun> _running = [];

    // Neither is ever disposed of: the swarm's strand may still be about to use them when the fetchers have ended, and
    // without a timer or a handle they hold nothing.
    private readonly SemaphoreSlim _work = new(0);
    private readonly CancellationTokenSource _closing = new();
    private WebSeedFailure? _failure;
    private int _reason = -1;

    /// <param name="handle">A name that no other connection of the torrent has had.</param>
    /// <param name="source">What to use.</param>
    /// <param name="metainfo">Of the torrent.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="network">The way out, and the line in front of each host.</param>
    /// <param name="limits">What it may cost.</param>
    /// <param name="time">The clock of all timeouts.</param>
    /// <param name="epoch">Timestamp that <see cref="WebSeedFiles"/> counts from.</param>
    public WebSeedLink(
        PeerHandle handle,
        WebSeedSource source,
        Metainfo metainfo,
        ILinkHost host,
        WebSeedNetwork network,
        WebSeedLimits limits,
        TimeProvider time,
        long epoch
    )
    {
        Handle = handle;
        _source = source;
        _host = host;
        _limits = limits;
        _time = time;
        _epoch = epoch;
        _layout = metainfo.Layout;
        _queue = new WebSeedQueue(metainfo.Layout, new FileMap(metainfo), limits);
        _client = new WebSeedClient(source.Url, limits, network.Connect, time);
        Introduction = new PeerIntroduction
        {
            EndPoint = PeerIntroduction.NoEndPoint,
            PeerId = default,
            Capabilities = PeerCapabilities.None,
            IsOutgoing = true,
            InfoHash = host.InfoHashes.Primary,
            Source = PeerSource.WebSeed,
            Transport = TransportKind.Http,
            WebSeed = source.Url,
            IsInOrder = source.IgnoresRanges,
        };
        var gate = host.DownloadGate.CreateChild();
        // A server that sends whole files is read once, from the beginning to the end.
        _fetchers = new WebSeedFetcher[source.IgnoresRanges ? 1 : limits.MaxRequests];
        for (var i = 0; i < _fetchers.Length; i++)
        {
            _fetchers[i] = new WebSeedFetcher(this, metainfo, source, _client, network, gate, host, limits, time);
        }
    }

    public PeerHandle Handle { get; }

    public PeerIntroduction Introduction { get; }

    /// <summary>What was wrong; null: the swarm, or we, had no use for it any more.</summary>
    public WebSeedFailure? Failure => _failure;

    /// <summary>Why it ended, as the swarm or we wanted it.</summary>
    public DisconnectReason Reason => (DisconnectReason)_reason;

    /// <summary>Whole runs of blocks came from it.</summary>
    public bool WasOfUse => Array.Exists(_fetchers, fetcher => fetcher.RunsDone > 0);

    CancellationToken IWebSeedWork.Closing => _closing.Token;

    public void Apply(ReadOnlySpan<SwarmEffect> effects)
    {
        // All at once, or a fetcher that looks for work meanwhile begins a run with half of what belongs together.
        lock (_lock)
        {
            foreach (ref readonly var effect in effects)
            {
                (effect.Payload as BlockBuffer)?.Release();
                switch (effect.Kind, effect.MessageId)
                {
                    case (SwarmEffectKind.Disconnect, _):
                        Close((DisconnectReason)effect.Piece);
                        break;
                    case (SwarmEffectKind.Send, MessageId.Request):
                        _queue.Add(BlockOf(effect));
                        break;
                    case (SwarmEffectKind.Send, MessageId.Cancel):
                        Cancel(BlockOf(effect));
                        break;
                }
            }
        }

        WakeFetchers();
    }

    /// <summary>Ends it. The first reason counts. Does not wait; <see cref="RunAsync"/> ends soon.</summary>
    public void Close(DisconnectReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, -1) == -1)
        {
            // Not here: callbacks of the token would run on the strand of the swarm.
            _ = ThreadPool.UnsafeQueueUserWorkItem(static closing => closing.Cancel(), _closing, preferLocal: false);
        }
    }

    /// <summary>
    /// Joins the swarm, serves it until the end, and leaves: PeerJoined is the first event, and PeerLeft, once, the last.
    /// Called once. Throws only what is a bug on our side, after the goodbye.
    /// </summary>
    public async Task RunAsync()
    {
        await PostAsync(new SwarmEvent(SwarmEventKind.PeerJoined, Handle, Payload: Introduction)).ConfigureAwait(false);
        await PostAsync(Holdings(SwarmEventKind.Message)).ConfigureAwait(false);
        await PostAsync(new SwarmEvent(SwarmEventKind.Message, Handle, MessageId.Unchoke)).ConfigureAwait(false);
        Exception? bug = null;
        await using (
            _time
                .CreateTimer(static link => ((WebSeedLink)link!).Check(), this, CheckInterval, CheckInterval)
                .ConfigureAwait(false)
        )
        {
            try
            {
                await Task.WhenAll(Array.ConvertAll(_fetchers, GuardAsync)).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                bug = exception;
            }
        }

        Close(DisconnectReason.InternalError);
        await PostAsync(new SwarmEvent(SwarmEventKind.PeerLeft, Handle, Payload: Reason)).ConfigureAwait(false);
        if (bug is not null)
        {
            throw new InvalidOperationException($"the web seed {_source.Url} failed", bug);
        }
    }

    /// <summary>To be called when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose() => _client.Dispose();

    async Task<WebSeedRun?> IWebSeedWork.NextAsync(WebSeedRun? done, TimeSpan patience)
    {
        lock (_lock)
        {
            _ = done is not null && _running.Remove(done);
        }

        while (true)
        {
            lock (_lock)
            {
                if (_queue.Take() is { } run)
                {
                    _running.Add(run);
                    return run;
                }
            }

            if (patience == Timeout.InfiniteTimeSpan)
            {
                await _work.WaitAsync(_closing.Token).ConfigureAwait(false);
                continue;
            }

            using var deadline = new CancellationTokenSource(patience, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closing.Token);
            try
            {
                await _work.WaitAsync(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!_closing.IsCancellationRequested)
            {
                return null;
            }
        }
    }

    async Task<WebSeedFailure?> IWebSeedWork.MissAsync(int file, WebSeedFailure failure)
    {
        SwarmEvent holdings;
        lock (_lock)
        {
            _source.Files.Miss(file, _time.GetElapsedTime(_epoch));
            var pieces = _source.Files.Pieces();
            if (_source.Files.IsGone || pieces.IsEmpty)
            {
                return failure;
            }

            holdings = new SwarmEvent(SwarmEventKind.HoldingsReplaced, Handle, Payload: pieces.Bytes.ToArray());
        }

        await PostAsync(holdings).ConfigureAwait(false);
        return null;
    }

    void IWebSeedWork.Found()
    {
        lock (_lock)
        {
            _source.Files.Found();
        }
    }

    private async Task GuardAsync(WebSeedFetcher fetcher)
    {
        try
        {
            await fetcher.RunAsync().ConfigureAwait(false);
        }
        catch (WebSeedException exception)
        {
            Fail(exception.Failure);
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The end, for whatever reason.
        }
        catch
        {
            Close(DisconnectReason.InternalError);
            throw;
        }
        finally
        {
            fetcher.Dispose();
        }
    }

    private void Fail(WebSeedFailure failure)
    {
        lock (_lock)
        {
            if (_reason != -1)
            {
                return;
            }

            _failure = failure;
        }

        Close(failure.Reason);
    }

    /// <summary>Under the lock.</summary>
    private void Cancel(BlockRef block)
    {
        if (_queue.Cancel(block))
        {
            return;
        }

        foreach (var run in _running)
        {
            if (run.Cancel(block))
            {
                return;
            }
        }
    }

    bool IWebSeedWork.IsPointless(WebSeedRun run)
    {
        lock (_lock)
        {
            return run.IsPointless;
        }
    }

    bool IWebSeedWork.Complete(WebSeedRun run)
    {
        lock (_lock)
        {
            return run.Complete();
        }
    }

    private void WakeFetchers()
    {
        lock (_lock)
        {
            var idle = _fetchers.Length - _running.Count;
            if (_queue.Count > 0 && idle > _work.CurrentCount)
            {
                _work.Release(idle - _work.CurrentCount);
            }
        }
    }

    private void Check()
    {
        var now = _time.GetTimestamp();
        if (Array.Exists(_fetchers, fetcher => fetcher.Waiting(now) >= _limits.StallTimeout))
        {
            Fail(new WebSeedFailure(WebSeedFault.Stalled, "the server sends nothing"));
        }
    }

    private SwarmEvent Holdings(SwarmEventKind kind)
    {
        lock (_lock)
        {
            _source.Files.Retry(_time.GetElapsedTime(_epoch));
            return new SwarmEvent(kind, Handle, MessageId.Bitfield, Payload: _source.Files.Pieces().Bytes.ToArray());
        }
    }

    private BlockRef BlockOf(in SwarmEffect effect) =>
        new(_layout.Piece((int)effect.Piece), (int)effect.Begin / PieceLayout.BlockSize);

    private async Task PostAsync(SwarmEvent single) =>
        await _host.Mailbox.PostAsync(new[] { single }, CancellationToken.None).ConfigureAwait(false);
}
