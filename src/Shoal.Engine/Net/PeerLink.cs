using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// One connection after its handshake: turns bytes into swarm events and swarm effects into bytes, and knows
/// nothing of pieces. Made by who ran the handshake, which awaits <see cref="RunAsync"/>; used by the swarm's loop
/// through <see cref="Apply"/>.
/// </summary>
internal sealed class PeerLink : ISwarmLink, IAsyncDisposable
{
    private readonly ITransport _transport;
    private readonly ISwarmMailbox _mailbox;
    private readonly PeerLinkLimits _limits;
    private readonly TimeProvider _time;
    private readonly LinkReader _reader;
    private readonly LinkWriter _writer;

    // Never disposed of: the thread that closes may still be about to cancel it when the loops have ended, and
    // without a timer it holds nothing.
    private readonly CancellationTokenSource _closing = new();
    private int _reason = -1;
    private Task _run = Task.CompletedTask;

    /// <param name="handle">A name that no other connection of the torrent has had.</param>
    /// <param name="transport">Owned from now on. Its next byte is the first after the handshake.</param>
    /// <param name="host">The torrent.</param>
    /// <param name="introduction">What the handshake brought.</param>
    /// <param name="limits">What the connection may cost.</param>
    /// <param name="time">The clock of all timeouts.</param>
    public PeerLink(
        PeerHandle handle,
        ITransport transport,
        ILinkHost host,
        PeerIntroduction introduction,
        PeerLinkLimits limits,
        TimeProvider time
    )
    {
        Handle = handle;
        Introduction = introduction;
        _transport = transport;
        _mailbox = host.Mailbox;
        _limits = limits;
        _time = time;
        _reader = new LinkReader(handle, transport, host, limits, time, _closing.Token);
        _writer = new LinkWriter(handle, transport, host, limits, time);
    }

    public PeerHandle Handle { get; }

    public PeerIntroduction Introduction { get; }

    /// <summary>The connection's own limit on payload received.</summary>
    public RateGate DownloadGate => _reader.Gate;

    /// <summary>The connection's own limit on payload sent.</summary>
    public RateGate UploadGate => _writer.Gate;

    public void Apply(ReadOnlySpan<SwarmEffect> effects)
    {
        if (!_writer.Outbox.Add(effects))
        {
            Close(DisconnectReason.OutboxFull);
        }

        foreach (ref readonly var effect in effects)
        {
            switch (effect.Kind)
            {
                case SwarmEffectKind.Disconnect:
                    Close((DisconnectReason)effect.Piece);
                    break;
                case SwarmEffectKind.HoldReading:
                    _reader.Hold.Begin();
                    break;
                case SwarmEffectKind.ResumeReading:
                    _reader.Hold.End();
                    break;
            }
        }

        _writer.Outbox.Kick();
    }

    /// <summary>Ends the connection. The first reason counts. Does not wait; <see cref="RunAsync"/> ends soon.</summary>
    public void Close(DisconnectReason reason)
    {
        if (Interlocked.CompareExchange(ref _reason, (int)reason, -1) != -1)
        {
            return;
        }

        _transport.Close();
        _closing.Cancel();
        _reader.Stop();
        _writer.Stop();
    }

    /// <summary>
    /// Introduces the peer to the swarm, then moves messages both ways until the connection ends, and says goodbye:
    /// PeerJoined is the first event of the peer, and PeerLeft, once, the last. Called once. Throws only what is
    /// a bug on our side, after the goodbye.
    /// </summary>
    public Task RunAsync() => _run = RunOnceAsync();

    /// <summary>Closes, and waits for the goodbye.</summary>
    public async ValueTask DisposeAsync()
    {
        Close(DisconnectReason.ShuttingDown);
        await _run.ConfigureAwait(false);
    }

    private async Task RunOnceAsync()
    {
        await _mailbox
            .PostAsync(
                new[] { new SwarmEvent(SwarmEventKind.PeerJoined, Handle, Payload: Introduction) },
                CancellationToken.None
            )
            .ConfigureAwait(false);
        var bug = (Exception?)null;
        await using (
            _time
                .CreateTimer(
                    static link => ((PeerLink)link!).Check(),
                    this,
                    _limits.CheckInterval,
                    _limits.CheckInterval
                )
                .ConfigureAwait(false)
        )
        {
            var writing = GuardAsync(WriteAsync);
            var reading = GuardAsync(_reader.RunAsync);
            bug = await reading.ConfigureAwait(false) ?? await writing.ConfigureAwait(false);
            await writing.ConfigureAwait(false);
        }

        _reader.Dispose();
        _writer.Dispose();
        _transport.Dispose();
        await _mailbox
            .PostAsync(
                new[] { new SwarmEvent(SwarmEventKind.PeerLeft, Handle, Payload: (DisconnectReason)_reason) },
                CancellationToken.None
            )
            .ConfigureAwait(false);
        if (bug is not null)
        {
            throw new InvalidOperationException($"the link of {Introduction.EndPoint} failed", bug);
        }
    }

    private async Task<DisconnectReason> WriteAsync()
    {
        await _writer.RunAsync().ConfigureAwait(false);
        // It ends only after Close, whose reason came first.
        return DisconnectReason.ClosedByPeer;
    }

    /// <summary>Runs one direction; its end, however it comes, ends the connection. Returns a bug, if it was one.</summary>
    private async Task<Exception?> GuardAsync(Func<Task<DisconnectReason>> direction)
    {
        try
        {
            Close(await direction().ConfigureAwait(false));
            return null;
        }
        catch (Exception exception)
            when (exception is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            Close(DisconnectReason.ConnectionLost);
            return null;
        }
        catch (Exception exception)
        {
            Close(DisconnectReason.InternalError);
            return exception;
        }
    }

    private void Check()
    {
        var now = _time.GetTimestamp();
        _reader.ForgetIdleMessages();
        if (_reader.Silence(now) >= _limits.IdleTimeout)
        {
            Close(DisconnectReason.IdleTimeout);
        }
        else if (_writer.Stalled(now) >= _limits.SendTimeout)
        {
            Close(DisconnectReason.OutboxFull);
        }
        else if (_writer.Silence(now) >= _limits.KeepAliveAfter && _writer.Stalled(now) == TimeSpan.Zero)
        {
            _writer.Outbox.AddKeepAlive();
            _writer.Outbox.Kick();
        }
    }
}
