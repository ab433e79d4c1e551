using System.Buffers;
using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>
/// A transport as the stream that TLS wants. TLS writes record by record: between <see cref="Hold"/> and
/// <see cref="SendHeldAsync"/> what it writes is gathered, so that a batch of records leaves with one system call.
/// </summary>
/// <param name="transport">Not owned.</param>
internal sealed class TransportStream(ITransport transport) : Stream
{
    private readonly List<ArraySegment<byte>> _segments = new(1);
    private byte[] _held = [];
    private int _length;
    private bool _isHolding;

    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From now on writes are gathered. One writer at a time.</summary>
    public void Hold() => _isHolding = true;

    /// <summary>Sends what was gathered, and gathers no more.</summary>
    public async ValueTask SendHeldAsync()
    {
        _isHolding = false;
        try
        {
            if (_length > 0)
            {
                await SendAsync(new ArraySegment<byte>(_held, 0, _length)).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(_held);
            _held = [];
            _length = 0;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        transport.ReceiveAsync(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isHolding)
        {
            Keep(buffer.Span);
            return ValueTask.CompletedTask;
        }

        return MemoryMarshal.TryGetArray(buffer, out var segment)
            ? SendAsync(segment)
            : SendAsync(new ArraySegment<byte>(buffer.ToArray()));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() { }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Nobody here waits with a thread.
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private ValueTask SendAsync(ArraySegment<byte> segment)
    {
        _segments.Clear();
        _segments.Add(segment);
        return transport.SendAsync(_segments);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_held.Length < _length + bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes.Length, 2 * _held.Length));
            _held.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_held);
            _held = larger;
        }

        bytes.CopyTo(_held.AsSpan(_length));
        _length += bytes.Length;
    }
}
