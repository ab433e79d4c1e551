using System.Buffers;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Shoal.Engine;

/// <summary>A connection within TLS, after its handshake.</summary>
internal sealed class TlsTransport : ITransport
{
    private readonly ITransport _inner;
    private readonly TransportStream _stream;
    private readonly SslStream _tls;

    private TlsTransport(ITransport inner)
    {
        _inner = inner;
        _stream = new TransportStream(inner);
        _tls = new SslStream(_stream, leaveInnerStreamOpen: true);
    }

    public TransportKind Kind => _inner.Kind;

    public StreamEncryption Encryption => StreamEncryption.Tls;

    /// <summary>
    /// How certificates are looked at on our side: what the callbacks decide, and nothing else. Without this a stranger's
    /// certificate could have the platform fetch what it names.
    /// </summary>
    public static X509ChainPolicy NoLookingElsewhere =>
        new()
        {
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            VerificationFlags = X509VerificationFlags.AllFlags,
        };

    /// <summary>
    /// What is offered and taken: the fastest of those that are good, on processors that have AES; null where the platform
    /// decides alone.
    /// </summary>
    public static CipherSuitesPolicy? Ciphers { get; } =
        OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
            ? new CipherSuitesPolicy([
                TlsCipherSuite.TLS_AES_128_GCM_SHA256,
                TlsCipherSuite.TLS_AES_256_GCM_SHA384,
                TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
            ])
            : null;

    /// <summary>Our side called. The transport stays the caller's when it fails.</summary>
    /// <returns>Null: no TLS came about, whatever the reason.</returns>
    /// <exception cref="IOException">The network failed; or SocketException.</exception>
    public static Task<TlsTransport?> CallAsync(ITransport inner, SslClientAuthenticationOptions options) =>
        StartAsync(inner, tls => tls.AuthenticateAsClientAsync(options));

    /// <summary>The peer called; the rest is as in <see cref="CallAsync"/>.</summary>
    public static Task<TlsTransport?> AnswerAsync(ITransport inner, SslServerAuthenticationOptions options) =>
        StartAsync(inner, tls => tls.AuthenticateAsServerAsync(options));

    public async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        var length = await _tls.ReadAsync(buffer).ConfigureAwait(false);
        // TLS hands out record by record; what is here already goes along.
        while (length > 0 && length < buffer.Length && _stream.HasData)
        {
            length += await _tls.ReadAsync(buffer[length..]).ConfigureAwait(false);
        }

        return length;
    }

    public async ValueTask SendAsync(List<ArraySegment<byte>> segments)
    {
        _stream.Hold();
        if (segments.Count == 1)
        {
            await _tls.WriteAsync(segments[0]).ConfigureAwait(false);
        }
        else
        {
            // One write: each would else be a record of its own, and headers of blocks have 13 bytes.
            var length = segments.Sum(segment => segment.Count);
            var whole = ArrayPool<byte>.Shared.Rent(length);
            var at = 0;
            foreach (var segment in segments)
            {
                segment.AsSpan().CopyTo(whole.AsSpan(at));
                at += segment.Count;
            }

            await _tls.WriteAsync(whole.AsMemory(0, length)).ConfigureAwait(false);
            ArrayPool<byte>.Shared.Return(whole);
        }

        await _stream.SendHeldAsync().ConfigureAwait(false);
    }

    public void LimitUnsent(int bytes) => _inner.LimitUnsent(bytes);

    public void Close() => _inner.Close();

    public void Dispose()
    {
        _inner.Close();
        _tls.Dispose();
        _stream.Dispose();
        _inner.Dispose();
    }

    private static async Task<TlsTransport?> StartAsync(ITransport inner, Func<SslStream, Task> handshake)
    {
        var made = new TlsTransport(inner);
        try
        {
            await handshake(made._tls).ConfigureAwait(false);
            return made;
        }
        catch (Exception exception) when (exception is AuthenticationException or InvalidOperationException)
        {
            // Who is at the other end is not the one we want to talk to, or speaks no TLS that we do.
            await made._tls.DisposeAsync().ConfigureAwait(false);
            return null;
        }
    }
}
