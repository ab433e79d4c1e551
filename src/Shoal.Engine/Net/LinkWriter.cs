namespace Shoal.Engine;

/// <summary>The write loop of a link: takes batches from the outbox, waits for the rate gate, sends, reports.</summary>
internal sealed class LinkWriter : IDisposable
{
    private const long NoSend = long.MinValue;

    private readonly PeerHandle _peer;
    private readonly ITransport _transport;
    private readonly ISwarmMailbox _mailbox;
    private readonly TimeProvider _time;
    private readonly RateGate _gate;
    private readonly RateTurn _turn;
    private readonly LinkBatch _batch;
    private readonly int _turnBytes;
    private readonly UnsentLimit _unsent = new();
    private readonly long _begun;
    private readonly SwarmEvent[] _report = new SwarmEvent[1];
    private int _granted;
    private int _isTurnPending;
    private long _sendStarted = NoSend;
    private long _lastSent;
    private volatile bool _isStopping;

    public LinkWriter(PeerHandle peer, ITransport transport, ILinkHost host, PeerLinkLimits limits, TimeProvider time)
    {
        _peer = peer;
        _transport = transport;
        _mailbox = host.Mailbox;
        _time = time;
        _gate = host.UploadGate.CreateChild();
        _turn = new RateTurn(OnGranted);
        _batch = new LinkBatch(limits.MaxBatchBytes);
        _turnBytes = limits.MaxBatchBytes;
        Outbox = new LinkOutbox(limits);
        _begun = _lastSent = time.GetTimestamp();
        transport.LimitUnsent(_unsent.Bytes);
    }

    public LinkOutbox Outbox { get; }

    /// <summary>The link's own limit.</summary>
    public RateGate Gate => _gate;

    /// <summary>How long nothing has been sent.</summary>
    public TimeSpan Silence(long now) => _time.GetElapsedTime(Volatile.Read(ref _lastSent), now);

    /// <summary>How long the current send has been waiting for the peer; zero when there is none.</summary>
    public TimeSpan Stalled(long now)
    {
        var started = Volatile.Read(ref _sendStarted);
        return started == NoSend ? TimeSpan.Zero : _time.GetElapsedTime(started, now);
    }

    /// <summary>Sends until <see cref="Stop"/>, or until the network fails, which it throws.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (!_isStopping)
            {
                if (!Outbox.TryTake(_batch, Math.Min(Allowance(), _unsent.Bytes), out var wait))
                {
                    await wait.ConfigureAwait(false);
                    continue;
                }

                if (_batch.Segments.Count > 0)
                {
                    Volatile.Write(ref _sendStarted, _time.GetTimestamp());
                    await _transport.SendAsync(_batch.Segments).ConfigureAwait(false);
                    var now = _time.GetTimestamp();
                    Volatile.Write(ref _lastSent, now);
                    Volatile.Write(ref _sendStarted, NoSend);
                    if (_unsent.OnSent(_batch.PayloadBytes, _time.GetElapsedTime(_begun, now)))
                    {
                        _transport.LimitUnsent(_unsent.Bytes);
                    }
                }

                await ReportAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _batch.Clear();
        }
    }

    /// <summary>Makes <see cref="RunAsync"/> end; the transport must be closed besides if it may be sending.</summary>
    public void Stop()
    {
        _isStopping = true;
        Outbox.Dispose();
    }

    /// <summary>To be called when <see cref="RunAsync"/> has ended.</summary>
    public void Dispose()
    {
        _gate.Cancel(_turn);
        GiveBackGrant();
    }

    private async ValueTask ReportAsync()
    {
        var sent = _batch.PayloadBytes;
        var takenBack = _batch.TakenBack;
        _batch.Clear();
        if (_gate.IsLimited || Volatile.Read(ref _granted) != 0)
        {
            Settle(sent);
        }

        if (sent + takenBack > 0)
        {
            _report[0] = new SwarmEvent(SwarmEventKind.PayloadSent, _peer, Begin: (uint)takenBack, Length: (uint)sent);
            await _mailbox.PostAsync(_report, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Payload bytes that may be sent now. Asks for a turn when there are none and blocks wait.</summary>
    private int Allowance()
    {
        if (!_gate.IsLimited)
        {
            return int.MaxValue;
        }

        var granted = Volatile.Read(ref _granted);
        if (granted > 0 || !Outbox.HasBlocks)
        {
            return granted;
        }

        if (Interlocked.Exchange(ref _isTurnPending, 1) != 0)
        {
            return 0;
        }

        var taken = _gate.Take(_turn, _turnBytes);
        if (taken == 0)
        {
            return 0;
        }

        Volatile.Write(ref _isTurnPending, 0);
        return Interlocked.Add(ref _granted, taken);
    }

    private void OnGranted(int bytes)
    {
        Interlocked.Add(ref _granted, bytes);
        Volatile.Write(ref _isTurnPending, 0);
        Outbox.Kick();
    }

    /// <summary>
    /// Pays for what went out. The last block of a batch may go beyond the grant, since it is not divided; and
    /// what is left when nothing waits belongs to others.
    /// </summary>
    private void Settle(int sent)
    {
        var left = Interlocked.Add(ref _granted, -sent);
        if (left < 0 || !Outbox.HasBlocks)
        {
            GiveBackGrant();
        }
    }

    private void GiveBackGrant() => _gate.Return(Interlocked.Exchange(ref _granted, 0));
}
