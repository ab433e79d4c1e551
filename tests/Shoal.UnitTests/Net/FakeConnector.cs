using System.Net;
using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A connector whose attempts the test decides, one by one; counts what it handed out and what was given back.</summary>
internal sealed class FakeConnector(TransportKind kind) : IPeerConnector
{
    private readonly Lock _lock = new();
    private readonly List<Attempt> _attempts = [];
    private int _givenUp;

    public TransportKind Kind => kind;

    /// <summary>Goes on although cancelled, as a connection that is made in that very moment.</summary>
    public bool IsDeaf { get; init; }

    public int Started
    {
        get
        {
            lock (_lock)
            {
                return _attempts.Count;
            }
        }
    }

    /// <summary>Attempts that were told to stop.</summary>
    public int GivenUp => Volatile.Read(ref _givenUp);

    public int MadeTransports { get; private set; }

    public int DisposedTransports { get; private set; }

    public async Task<ConnectOutcome> ConnectAsync(IPEndPoint remote, CancellationToken cancellation)
    {
        var attempt = new Attempt(remote);
        lock (_lock)
        {
            _attempts.Add(attempt);
        }

        await using var registration = cancellation.Register(() =>
        {
            Interlocked.Increment(ref _givenUp);
            if (!IsDeaf)
            {
                attempt.Done.TrySetResult(new ConnectOutcome(null, DisconnectReason.ShuttingDown));
            }
        });
        return await attempt.Done.Task;
    }

    /// <summary>The attempt with that number, once it has begun.</summary>
    public async Task<IPEndPoint> BegunAsync(int attempt)
    {
        while (Started <= attempt)
        {
            await Task.Yield();
        }

        return _attempts[attempt].Remote;
    }

    public void Fail(int attempt, DisconnectReason reason = DisconnectReason.ConnectFailed) =>
        _attempts[attempt].Done.TrySetResult(new ConnectOutcome(null, reason));

    /// <summary>The attempt succeeds; returns the peer's end. Null: it had been given up already.</summary>
    public MemoryTransport? Connect(int attempt)
    {
        var (ours, theirs) = MemoryTransport.CreatePair();
        if (!_attempts[attempt].Done.TrySetResult(new ConnectOutcome(new Counted(this, ours))))
        {
            return null;
        }

        MadeTransports++;
        return theirs;
    }

    private sealed record Attempt(IPEndPoint Remote)
    {
        public TaskCompletionSource<ConnectOutcome> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Counted(FakeConnector owner, MemoryTransport inner) : ITransport
    {
        private bool _isDisposed;

        public TransportKind Kind => owner.Kind;

        public StreamEncryption Encryption => StreamEncryption.None;

        public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => inner.ReceiveAsync(buffer);

        public ValueTask SendAsync(List<ArraySegment<byte>> segments) => inner.SendAsync(segments);

        public void Close() => inner.Close();

        public void Dispose()
        {
            Assert.False(_isDisposed, "disposed twice");
            _isDisposed = true;
            lock (owner._lock)
            {
                owner.DisposedTransports++;
            }

            inner.Dispose();
        }
    }
}
