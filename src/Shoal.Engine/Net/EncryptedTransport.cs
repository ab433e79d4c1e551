using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// A connection after an encrypted handshake: hands out first what came along with the handshake, and encrypts and
/// decrypts in place, all of it or (where only the handshake is hidden) what is left of the initial payload.
/// </summary>
/// <param name="inner">What carries the bytes; owned.</param>
/// <param name="handshake">Done.</param>
internal sealed class EncryptedTransport(ITransport inner, MseHandshake handshake) : ITransport
{
    private readonly Rc4? _sending = handshake.Method == CryptoMethods.Rc4 ? handshake.Sending : null;
    private ReadOnlyMemory<byte> _early = handshake.Rest;
    private Rc4? _receiving = handshake.Receiving;

    // How much of what comes is encrypted.
    private long _encrypted = handshake.Method == CryptoMethods.Rc4 ? long.MaxValue : handshake.StillEncrypted;

    public TransportKind Kind => inner.Kind;

    public StreamEncryption Encryption { get; } =
        handshake.Method == CryptoMethods.Rc4 ? StreamEncryption.Rc4 : StreamEncryption.Header;

    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        if (_early.IsEmpty)
        {
            return _receiving is null ? inner.ReceiveAsync(buffer) : ReceiveEncryptedAsync(buffer);
        }

        var length = Math.Min(buffer.Length, _early.Length);
        _early[..length].CopyTo(buffer);
        _early = _early[length..];
        Decrypt(buffer.Span[..length]);
        return ValueTask.FromResult(length);
    }

    public ValueTask SendAsync(List<ArraySegment<byte>> segments)
    {
        if (_sending is not null)
        {
            foreach (var segment in segments)
            {
                _sending.Apply(segment);
            }
        }

        return inner.SendAsync(segments);
    }

    public void LimitUnsent(int bytes) => inner.LimitUnsent(bytes);

    public void AwaitAtLeast(int bytes) => inner.AwaitAtLeast(bytes);

    public void Close() => inner.Close();

    public void Dispose() => inner.Dispose();

    private async ValueTask<int> ReceiveEncryptedAsync(Memory<byte> buffer)
    {
        var received = await inner.ReceiveAsync(buffer).ConfigureAwait(false);
        Decrypt(buffer.Span[..received]);
        return received;
    }

    private void Decrypt(Span<byte> bytes)
    {
        if (_receiving is not { } cipher)
        {
            return;
        }

        var count = (int)Math.Min(bytes.Length, _encrypted);
        cipher.Apply(bytes[..count]);
        if (_encrypted != long.MaxValue && (_encrypted -= count) == 0)
        {
            _receiving = null;
        }
    }
}
