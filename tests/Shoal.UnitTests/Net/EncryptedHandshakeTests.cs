using System.Net;
using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class EncryptedHandshakeTests
{
    private static readonly Sha1Digest V1 = new([.. Enumerable.Repeat((byte)0x11, 20)]);
    private static readonly Sha256Digest V2 = new([.. Enumerable.Repeat((byte)0x22, 32)]);
    private static readonly InfoHash Name = InfoHash.From(V1);
    private static readonly IPEndPoint Stranger = IPEndPoint.Parse("192.0.2.1:6881");

    private readonly VirtualTime _time = new();

    [Theory]
    [InlineData(EncryptionPolicy.Allow, EncryptionPolicy.Allow, StreamEncryption.Header)]
    [InlineData(EncryptionPolicy.Allow, EncryptionPolicy.Prefer, StreamEncryption.Rc4)]
    [InlineData(EncryptionPolicy.Prefer, EncryptionPolicy.Allow, StreamEncryption.Header)]
    [InlineData(EncryptionPolicy.Prefer, EncryptionPolicy.Prefer, StreamEncryption.Rc4)]
    [InlineData(EncryptionPolicy.Prefer, EncryptionPolicy.Require, StreamEncryption.Rc4)]
    [InlineData(EncryptionPolicy.Require, EncryptionPolicy.Allow, StreamEncryption.Rc4)]
    [InlineData(EncryptionPolicy.Require, EncryptionPolicy.Require, StreamEncryption.Rc4)]
    public async Task Two_of_us_shake_hands_encrypted(
        EncryptionPolicy caller,
        EncryptionPolicy answerer,
        StreamEncryption expected
    )
    {
        foreach (var atOnce in new[] { 256 * 1024, 7, 1 })
        {
            var (one, other) = await ShakeAsync(caller, answerer, isEncrypted: true, atOnce);
            Assert.Equal(expected, one.Peer!.Encryption);
            Assert.Equal(expected, other.Peer!.Encryption);
            Assert.Equal(expected, one.Transport!.Encryption);
            await AssertCarriesAsync(one.Transport, other.Transport!);
            await AssertCarriesAsync(other.Transport!, one.Transport);
        }
    }

    [Theory]
    [InlineData(EncryptionPolicy.Off)]
    [InlineData(EncryptionPolicy.Allow)]
    [InlineData(EncryptionPolicy.Prefer)]
    public async Task Plain_calls_are_answered_plain(EncryptionPolicy answerer)
    {
        var (one, other) = await ShakeAsync(EncryptionPolicy.Allow, answerer, isEncrypted: false);
        Assert.Equal(StreamEncryption.None, one.Peer!.Encryption);
        Assert.Equal(StreamEncryption.None, other.Peer!.Encryption);
    }

    [Fact]
    public async Task Who_requires_encryption_answers_no_plain_call()
    {
        var (one, other) = await ShakeAsync(EncryptionPolicy.Allow, EncryptionPolicy.Require, isEncrypted: false);
        Assert.Equal(DisconnectReason.EncryptionMismatch, other.Failure);
        Assert.Equal(DisconnectReason.BadHandshake, one.Failure);
        Assert.Null(other.Transport);
    }

    [Fact]
    public async Task Who_switched_encryption_off_answers_no_encrypted_call()
    {
        var (one, other) = await ShakeAsync(EncryptionPolicy.Prefer, EncryptionPolicy.Off, isEncrypted: true);
        Assert.Equal(DisconnectReason.BadHandshake, other.Failure);
        Assert.False(one.IsOk);
    }

    [Fact]
    public async Task Who_requires_rc4_does_not_take_less()
    {
        // The caller offers plaintext only, which nobody's policy does here.
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = Handshake(EncryptionPolicy.Require).AcceptAsync(ours, Stranger, Find(Host()), default);
        var caller = new MseCaller(Name, CryptoMethods.Plaintext, [], Secrets());
        await SayAsync(theirs, caller.TakeOutput());
        await HearAsync(theirs, caller, () => caller.TakeOutput());
        Assert.Equal(DisconnectReason.EncryptionMismatch, (await answering).Failure);
    }

    [Fact]
    public async Task A_hybrid_is_found_by_either_name_and_upgraded()
    {
        var host = Host(V2);
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = Handshake(EncryptionPolicy.Require).AcceptAsync(ours, Stranger, Find(host), default);
        var calling = Handshake(EncryptionPolicy.Require)
            .InitiateAsync(theirs, Stranger, Host(V2, id: 2), Name, PeerSource.Pex, default, isEncrypted: true);
        Assert.Equal(InfoHash.From(V2), (await calling).Peer!.InfoHash);
        Assert.Equal(InfoHash.From(V2), (await answering).Peer!.InfoHash);
    }

    [Fact]
    public async Task The_name_in_the_handshake_must_be_the_one_that_encrypted_it()
    {
        var (ours, theirs) = MemoryTransport.CreatePair();
        var other = new InfoHash(Encoding.ASCII.GetBytes("name of another one."));
        var (host, hostOfOther) = (Host(), Host());
        var answering = Handshake(EncryptionPolicy.Allow)
            .AcceptAsync(ours, Stranger, name => name == Name ? host : hostOfOther, default);
        var greeting = new byte[Protocol.Handshake.Size];
        new Handshake(HandshakeFeatures.None, other, FakePeer.Id).Write(greeting);
        var caller = new MseCaller(Name, CryptoMethods.Rc4, greeting, Secrets());
        await SayAsync(theirs, caller.TakeOutput());
        await HearAsync(theirs, caller, () => caller.TakeOutput());
        Assert.Equal(DisconnectReason.UnknownTorrent, (await answering).Failure);
    }

    [Fact]
    public async Task Noise_costs_a_bounded_number_of_bytes_and_ends()
    {
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = Handshake(EncryptionPolicy.Allow).AcceptAsync(ours, Stranger, Find(Host()), default);
        var noise = new byte[4000];
        new Random(1).NextBytes(noise);
        await SayAsync(theirs, noise);
        Assert.Equal(DisconnectReason.BadHandshake, (await answering).Failure);
        Assert.True(theirs.IsClosed);
    }

    [Fact]
    public async Task A_slow_encrypted_handshake_is_cut_off()
    {
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = Handshake(EncryptionPolicy.Allow).AcceptAsync(ours, Stranger, Find(Host()), default);
        await SayAsync(theirs, new byte[50]);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(DisconnectReason.HandshakeTimeout, (await answering).Failure);
        Assert.Equal(0, _time.ActiveTimers);
    }

    [Fact]
    public void Key_exchanges_for_strangers_are_rationed()
    {
        var limits = new MseLimits
        {
            PerSecond = 2,
            Burst = 5,
            PerSecondAndNetwork = 1,
            BurstOfNetwork = 3,
        };
        var budget = new KeyExchangeBudget(limits, _time);
        int Take(string address) => Enumerable.Range(0, 10).Count(_ => budget.TryTake(IPAddress.Parse(address)));

        // One network gets its share, its /64 neighbours included; all together no more than all.
        Assert.Equal(3, Take("2001:db8::1"));
        Assert.Equal(0, Take("2001:db8::2"));
        Assert.Equal(2, Take("192.0.2.2"));
        Assert.Equal(0, Take("192.0.2.3"));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, Take("2001:db8::2"));
        Assert.Equal(1, Take("192.0.2.3"));
        _time.Advance(TimeSpan.FromMinutes(1));
        // Whoever is on this machine is no stranger, but costs what others cost.
        Assert.Equal(5, Take("127.0.0.1"));
    }

    [Fact]
    public async Task Who_has_used_up_its_key_exchanges_is_sent_away_before_any_computing()
    {
        var budget = new KeyExchangeBudget(MseLimits.Default with { Burst = 0 }, _time);
        var exchange = new MseExchange(EncryptionPolicy.Allow, budget, FindAlias);
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = new PeerHandshake(PeerLinkLimits.Default, _time, exchange).AcceptAsync(
            ours,
            Stranger,
            Find(Host()),
            default
        );
        await SayAsync(theirs, new MseCaller(Name, CryptoMethods.Rc4, [], Secrets()).TakeOutput());
        Assert.Equal(DisconnectReason.TooManyKeyExchanges, (await answering).Failure);
        Assert.Equal(0, theirs.Pending);
    }

    private async Task<(HandshakeOutcome One, HandshakeOutcome Other)> ShakeAsync(
        EncryptionPolicy caller,
        EncryptionPolicy answerer,
        bool isEncrypted,
        int atOnce = 256 * 1024
    )
    {
        var (ours, theirs) = MemoryTransport.CreatePair();
        var answering = Handshake(answerer).AcceptAsync(new Trickle(ours, atOnce), Stranger, Find(Host()), default);
        var calling = Handshake(caller)
            .InitiateAsync(
                new Trickle(theirs, atOnce),
                Stranger,
                Host(id: 2),
                Name,
                PeerSource.Tracker,
                default,
                isEncrypted
            );
        return (await calling.WaitAsync(FakePeer.Patience), await answering.WaitAsync(FakePeer.Patience));
    }

    internal static async Task AssertCarriesAsync(ITransport from, ITransport to)
    {
        var bytes = new byte[5000];
        new Random(9).NextBytes(bytes);
        var copy = bytes.ToArray();
        var sending = from.SendAsync([new(copy, 0, 1), new(copy, 1, 0), new(copy, 1, 3000), new(copy, 3001, 1999)]);
        Assert.Equal(0, await to.ReceiveAsync(Memory<byte>.Empty));
        var received = new byte[bytes.Length];
        for (var length = 0; length < received.Length; )
        {
            length += await to.ReceiveAsync(received.AsMemory(length, Math.Min(777, received.Length - length)));
        }

        await sending;
        Assert.Equal(bytes, received);
    }

    private PeerHandshake Handshake(EncryptionPolicy policy) =>
        new(
            PeerLinkLimits.Default,
            _time,
            new MseExchange(policy, new KeyExchangeBudget(MseLimits.Default, _time), FindAlias)
        );

    private FakeLinkHost Host(Sha256Digest? v2 = null, byte id = 1) =>
        new(_time)
        {
            InfoHashes = new InfoHashes(V1, v2),
            PeerId = new PeerId([.. Enumerable.Repeat(id, PeerId.Size)]),
        };

    private static Func<InfoHash, ILinkHost?> Find(FakeLinkHost host) =>
        name => host.InfoHashes.OnTheWire.Contains(name) ? host : null;

    private static InfoHash? FindAlias(Sha1Digest alias) => alias == MseAnswerer.Alias(Name) ? Name : null;

    private static MseSecrets Secrets()
    {
        var random = new byte[MseSecrets.RandomSize];
        new Random(2).NextBytes(random);
        return MseSecrets.From(random);
    }

    private static Task SayAsync(MemoryTransport transport, byte[] bytes) =>
        transport.SendAsync(bytes).AsTask().WaitAsync(FakePeer.Patience);

    /// <summary>Receives only so many bytes at once.</summary>
    internal sealed class Trickle(MemoryTransport inner, int atOnce) : ITransport
    {
        public TransportKind Kind => inner.Kind;

        public StreamEncryption Encryption => inner.Encryption;

        public ValueTask<int> ReceiveAsync(Memory<byte> buffer) =>
            inner.ReceiveAsync(buffer[..Math.Min(buffer.Length, atOnce)]);

        public ValueTask SendAsync(List<ArraySegment<byte>> segments) => inner.SendAsync(segments);

        public void Close() => inner.Close();

        public void Dispose() => inner.Dispose();
    }

    /// <summary>One turn of a handshake done by hand.</summary>
    private static async Task HearAsync(MemoryTransport transport, MseHandshake side, Func<byte[]> answer)
    {
        byte[] output;
        do
        {
            side.Received(await transport.ReceiveAsync(side.Room));
            output = answer();
        } while (output.Length == 0);

        await SayAsync(transport, output);
    }
}
