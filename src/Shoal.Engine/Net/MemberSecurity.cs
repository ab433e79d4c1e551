using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Shoal.Membership;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The torrents of one publication, and the proof of membership before any of them is named. docs/formats/membership.md
/// describes the bytes.
/// </summary>
/// <remarks>
/// In TLS 1.3 the one who is called shows its certificate first, to whoever calls. So it shows one that says nothing: made for
/// an hour, of a key of its own, with a number that only members know for theirs. Then the caller shows its real one; and then
/// the one who was called shows its own, within the connection, signed over with the key of the first.
/// </remarks>
internal sealed class MemberSecurity(PublicationMembership membership, TimeProvider time) : ILinkSecurity
{
    private const int PrefixLength = 2;
    private const int SignatureLength = 64;

    private readonly ConcurrentDictionary<InfoHash, ILinkHost> _torrents = new();

    public PublicationMembership Membership => membership;

    public bool HasTorrents => !_torrents.IsEmpty;

    /// <summary>False if another torrent has the name.</summary>
    public bool TryAdd(InfoHash name, ILinkHost host) => _torrents.TryAdd(name, host);

    /// <summary>Unless the name is another torrent's.</summary>
    public void Remove(InfoHash name, ILinkHost host) => _torrents.TryRemove(KeyValuePair.Create(name, host));

    public ILinkHost? Find(InfoHash name) => _torrents.GetValueOrDefault(name);

    public async Task<SecureOutcome> CallAsync(ITransport transport)
    {
        var now = time.GetUtcNow();
        if (membership.Certificate is not { } ours)
        {
            return new SecureOutcome(null, null, DisconnectReason.NotAMember);
        }

        ReadOnlyMemory<byte> theirKey = default;
        bool Knows(X509Certificate? shown)
        {
            theirKey = membership.KeyOfEnd(shown);
            return !theirKey.IsEmpty;
        }

        var tls = await TlsTransport
            .CallAsync(
                transport,
                new SslClientAuthenticationOptions
                {
                    TargetHost = membership.CreateTag(now),
                    EnabledSslProtocols = SslProtocols.Tls13,
                    CipherSuitesPolicy = TlsTransport.Ciphers,
                    // Asked twice: before anything was heard, and when the other end has shown what it is.
                    LocalCertificateSelectionCallback = (_, _, _, shown, _) => Knows(shown) ? ours : null!,
                    RemoteCertificateValidationCallback = (_, shown, _, _) => Knows(shown),
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = TlsTransport.NoLookingElsewhere,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                }
            )
            .ConfigureAwait(false);
        if (tls is null)
        {
            return new SecureOutcome(null, null, DisconnectReason.NotAMember);
        }

        var certificate = await ReceiveCountedAsync(tls).ConfigureAwait(false);
        var signature = new byte[SignatureLength];
        var verdict = new MembershipVerdict(MembershipFault.Malformed);
        if (certificate is not null && await ReceiveAsync(tls, signature).ConfigureAwait(false))
        {
            verdict = membership.Verify(certificate, now);
        }

        if (verdict.IsOk && PublicationMembership.HasVouched(verdict.PublicKey.Span, theirKey.Span, signature))
        {
            return new SecureOutcome(tls, Proven(verdict, now));
        }

        tls.Dispose();
        return Refused(verdict);
    }

    public async Task<SecureOutcome> AnswerAsync(ITransport transport)
    {
        var now = time.GetUtcNow();
        var verdict = new MembershipVerdict(MembershipFault.Malformed);
        if (membership.End(now) is not { } end)
        {
            return new SecureOutcome(null, null, DisconnectReason.NotAMember);
        }

        var tls = await TlsTransport
            .AnswerAsync(
                transport,
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = end.Context,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    CipherSuitesPolicy = TlsTransport.Ciphers,
                    RemoteCertificateValidationCallback = (_, shown, _, _) =>
                    {
                        verdict = shown is null ? verdict : membership.Verify(shown.GetRawCertData(), now);
                        return verdict.IsOk;
                    },
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = TlsTransport.NoLookingElsewhere,
                    AllowRenegotiation = false,
                    AllowTlsResume = false,
                }
            )
            .ConfigureAwait(false);
        if (tls is null || !verdict.IsOk)
        {
            tls?.Dispose();
            return Refused(verdict);
        }

        await tls.SendAsync([new ArraySegment<byte>(end.Proof)]).ConfigureAwait(false);
        return new SecureOutcome(tls, Proven(verdict, now));
    }

    private static SecureOutcome Refused(in MembershipVerdict verdict) =>
        new(
            null,
            null,
            verdict.Fault == MembershipFault.Revoked ? DisconnectReason.Revoked : DisconnectReason.NotAMember
        );

    private static ProvenMember Proven(in MembershipVerdict verdict, DateTimeOffset now) =>
        new(verdict.Grant.Member, verdict.Grant.Role, verdict.Serial, verdict.Grant.NotAfter - now);

    private static async ValueTask<byte[]?> ReceiveCountedAsync(ITransport transport)
    {
        var prefix = new byte[PrefixLength];
        if (!await ReceiveAsync(transport, prefix).ConfigureAwait(false))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(prefix);
        var bytes = new byte[Math.Min((int)length, MembershipLimits.Default.MaxCertificateLength)];
        return bytes.Length == length && await ReceiveAsync(transport, bytes).ConfigureAwait(false) ? bytes : null;
    }

    private static async ValueTask<bool> ReceiveAsync(ITransport transport, byte[] buffer)
    {
        for (var length = 0; length < buffer.Length; )
        {
            var received = await transport.ReceiveAsync(buffer.AsMemory(length)).ConfigureAwait(false);
            if (received == 0)
            {
                return false;
            }

            length += received;
        }

        return true;
    }
}
