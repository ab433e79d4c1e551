namespace Shoal.Engine;

/// <summary>A connection of which something was received already, to find out what it is: hands that out first.</summary>
/// <param name="inner">What carries the bytes; owned.</param>
/// <param name="received">What came first.</param>
internal sealed class PrefixedTransport(ITransport inner, ReadOnlyMemory<byte> received) : ITransport
{
    private ReadOnlyMemory<byte> _received = received;

    public TransportKind Kind => inner.Kind;

    public StreamEncryption Encryption => inner.Encryption;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        if (_received.IsEmpty)
        {
            return inner.ReceiveAsync(buffer);
        }

        var length = Math.Min(buffer.Length, _received.Length);
        _received[..length].CopyTo(buffer);
        _received = _received[length..];
        return ValueTask.FromResult(length);
    }

    public ValueTask SendAsync(List<ArraySegment<byte>> segments) => inner.SendAsync(segments);

    public void LimitUnsent(int bytes) => inner.LimitUnsent(bytes);

    public void AwaitAtLeast(int bytes) => inner.AwaitAtLeast(bytes);

    public void Close() => inner.Close();

    public void Dispose() => inner.Dispose();
}
