using System.Buffers;
using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>
/// A transport as the stream that TLS wants. TLS reads and writes record by record, of 16 KiB at most; here many of them
/// are received with one system call and handed out one at a time, and between <see cref="Hold"/> and
/// <see cref="SendHeldAsync"/> what is written is gathered and leaves with one.
/// </summary>
/// <param name="transport">Not owned.</param>
internal sealed class TransportStream(ITransport transport) : Stream
{
    private const int HeaderLength = 5;
    private const byte ApplicationData = 23;
    private const int MinDataRecord = 1024;

    /// <summary>Received at once; held only while it is not empty.</summary>
    private const int AheadSize = 128 * 1024;

    private readonly List<ArraySegment<byte>> _segments = new(1);
    private byte[] _ahead = [];
    private int _start;
    private int _end;

    // Of the record that is being handed out.
    private int _recordLeft;
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

    /// <summary>
    /// The next record is here, whole, and so long that it carries data: reading it waits for nobody. (Messages of TLS itself
    /// are short.)
    /// </summary>
    public bool HasData =>
        _recordLeft == 0
        && _end - _start > MinDataRecord
        && _ahead[_start] == ApplicationData
        && RecordLength is > MinDataRecord and var length
        && length <= _end - _start;

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

    /// <summary>Hands out no more than the rest of one record.</summary>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _end == _start
            ? buffer.IsEmpty
                ? transport.ReceiveAsync(buffer)
                : FillAsync(buffer)
            : _recordLeft == 0 && _end - _start < HeaderLength
                ? FillAsync(buffer)
                : ValueTask.FromResult(HandOut(buffer.Span));

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

    // The header's last two bytes.
    private int RecordLength => HeaderLength + (_ahead[_start + 3] << 8 | _ahead[_start + 4]);

    /// <summary>Receives until at least the header of the next record is there, or the peer ends.</summary>
    private async ValueTask<int> FillAsync(Memory<byte> buffer)
    {
        if (_ahead.Length == 0)
        {
            _ahead = ArrayPool<byte>.Shared.Rent(AheadSize);
        }

        _ahead.AsSpan(_start, _end - _start).CopyTo(_ahead);
        (_start, _end) = (0, _end - _start);
        do
        {
            var received = await transport.ReceiveAsync(_ahead.AsMemory(_end)).ConfigureAwait(false);
            _end += received;
            if (received == 0)
            {
                // What is left is no whole header: whoever reads on finds that the record is cut off.
                _recordLeft = Math.Max(_recordLeft, _end);
                break;
            }
        } while (_recordLeft == 0 && _end < HeaderLength);

        return HandOut(buffer.Span);
    }

    private int HandOut(Span<byte> buffer)
    {
        if (_end > _start && _recordLeft == 0)
        {
            _recordLeft = RecordLength;
        }

        var length = Math.Min(Math.Min(_end - _start, _recordLeft), buffer.Length);
        _ahead.AsSpan(_start, length).CopyTo(buffer);
        _start += length;
        _recordLeft -= length;
        if (_start == _end)
        {
            ReturnAhead();
        }

        return length;
    }

    private void ReturnAhead()
    {
        var empty = _ahead;
        (_ahead, _start, _end) = ([], 0, 0);
        if (empty.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(empty);
        }
    }

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

    protected override void Dispose(bool disposing)
    {
        ReturnAhead();
        base.Dispose(disposing);
    }
}
