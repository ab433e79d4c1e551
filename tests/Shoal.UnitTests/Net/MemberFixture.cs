using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Members of one publication, strangers, and the connections between them, in memory.</summary>
public abstract class MemberFixture : IDisposable
{
    private protected static readonly IPEndPoint Stranger = IPEndPoint.Parse("192.0.2.1:6881");
    private protected static readonly InfoHash Name = new([.. Enumerable.Repeat((byte)0x11, 20)]);

    private protected VirtualTime Time { get; } = new();
    private protected Authority Authority { get; }

    protected MemberFixture() => Authority = new Authority(at: Time.GetUtcNow());

    public void Dispose()
    {
        Authority.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A member with the torrent, and its listening end.</summary>
    private protected sealed class Member
    {
        public Member(Authority authority, TimeProvider time, byte id, RevocationList? list = null)
        {
            Identity = MemberIdentity.Create();
            Grant = authority.Grant();
            Membership = new PublicationMembership(
                authority.Publication.Certificate,
                authority.Key,
                Identity,
                authority.Issue(Identity, Grant),
                list
            );
            Secure = new SecureTorrents(time);
            var security = Secure.Of(Membership);
            Host = new FakeLinkHost(time)
            {
                PeerId = new PeerId([.. Enumerable.Repeat(id, PeerId.Size)]),
                Security = security,
            };
            Assert.True(security.TryAdd(Name, Host));
            Handshake = NewHandshake(time, Secure);
        }

        public MemberIdentity Identity { get; }
        public MemberGrant Grant { get; }
        public PublicationMembership Membership { get; }
        public SecureTorrents Secure { get; }
        public FakeLinkHost Host { get; }
        public PeerHandshake Handshake { get; }
    }

    private protected Member NewMember(byte id, TimeProvider? time = null, RevocationList? list = null) =>
        new(Authority, time ?? Time, id, list);

    /// <summary>What a port runs.</summary>
    private protected static PeerHandshake NewHandshake(TimeProvider time, SecureTorrents secure)
    {
        var budget = new KeyExchangeBudget(MseLimits.Default, time);
        return new PeerHandshake(
            PeerLinkLimits.Default,
            time,
            new MseExchange(Engine.EncryptionPolicy.Allow, budget, _ => null),
            new SecureListener(secure, budget)
        );
    }

    private protected static Task<HandshakeOutcome> CallAsync(Member caller, ITransport transport) =>
        caller
            .Handshake.InitiateAsync(transport, Stranger, caller.Host, Name, PeerSource.Tracker, default)
            .WaitAsync(FakePeer.Patience);

    private protected static Task<HandshakeOutcome> AnswerAsync(Member callee, ITransport transport) =>
        callee.Handshake.AcceptAsync(transport, Stranger, _ => null, default).WaitAsync(FakePeer.Patience);

    /// <summary>Somebody with a program of his own calls: TLS with this name, and with this certificate if asked.</summary>
    private protected static async Task<(TlsTransport? Tls, X509Certificate2? Shown)> CallByHandAsync(
        ITransport transport,
        string serverName,
        X509Certificate2? certificate
    )
    {
        X509Certificate2? shown = null;
        var tls = await TlsTransport
            .CallAsync(
                transport,
                new SslClientAuthenticationOptions
                {
                    TargetHost = serverName,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!,
                    RemoteCertificateValidationCallback = (_, theirs, _, _) =>
                    {
                        shown = X509CertificateLoader.LoadCertificate(theirs!.GetRawCertData());
                        return true;
                    },
                }
            )
            .WaitAsync(FakePeer.Patience);
        return (tls, shown);
    }

    /// <summary>Writes down what passes in both directions.</summary>
    private protected sealed class Wire(MemoryTransport inner) : ITransport
    {
        private readonly List<byte> _seen = [];

        public TransportKind Kind => inner.Kind;

        public StreamEncryption Encryption => inner.Encryption;

        public bool Saw(ReadOnlySpan<byte> bytes)
        {
            lock (_seen)
            {
                return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_seen).IndexOf(bytes) >= 0;
            }
        }

        public async ValueTask<int> ReceiveAsync(Memory<byte> buffer)
        {
            var received = await inner.ReceiveAsync(buffer);
            Note(buffer.Span[..received]);
            return received;
        }

        public ValueTask SendAsync(List<ArraySegment<byte>> segments)
        {
            foreach (var segment in segments)
            {
                Note(segment);
            }

            return inner.SendAsync(segments);
        }

        public void Close() => inner.Close();

        public void Dispose() => inner.Dispose();

        private void Note(ReadOnlySpan<byte> bytes)
        {
            lock (_seen)
            {
                _seen.AddRange(bytes);
            }
        }
    }
}
