using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class PeerHandshakeTests : IDisposable
{
    private static readonly Sha1Digest V1 = new([.. Enumerable.Repeat((byte)0x11, 20)]);
    private static readonly Sha256Digest V2 = new([.. Enumerable.Repeat((byte)0x22, 32)]);
    private static readonly InfoHash V1Name = InfoHash.From(V1);
    private static readonly InfoHash V2Name = InfoHash.From(V2);

    private readonly VirtualTime _time = new();
    private readonly PeerHandshake _handshake;
    private readonly MemoryTransport _ours;
    private readonly FakePeer _peer;

    public PeerHandshakeTests()
    {
        _handshake = new PeerHandshake(PeerLinkLimits.Default, _time);
        (_ours, var theirs) = MemoryTransport.CreatePair();
        _peer = new FakePeer(theirs);
    }

    public void Dispose()
    {
        _ours.Dispose();
        _peer.Dispose();
    }

    [Fact]
    public async Task We_call_and_are_answered()
    {
        var calling = Initiate(Host(V1, null), V1Name);
        var ours = await _peer.ReadHandshakeAsync();
        Assert.Equal(V1Name, ours.InfoHash);
        Assert.Equal(HandshakeFeatures.Fast | HandshakeFeatures.Extensions, ours.Features);
        await _peer.SendHandshakeAsync(V1Name, HandshakeFeatures.Fast | HandshakeFeatures.V2);

        var outcome = await calling;

        Assert.True(outcome.IsOk);
        Assert.Equal(FakePeer.Id, outcome.Peer!.PeerId);
        Assert.True(outcome.Peer.IsOutgoing);
        Assert.Equal(PeerSource.Tracker, outcome.Peer.Source);
        // The torrent has no v2 side, whatever the peer can do.
        Assert.Equal(PeerCapabilities.Fast, outcome.Peer.Capabilities);
    }

    [Fact]
    public async Task We_are_called_and_answer_before_the_peer_id_comes()
    {
        var host = Host(V1, null);
        var answering = Accept(name => name == V1Name ? host : null);
        var theirs = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.Extensions, V1Name, FakePeer.Id).Write(theirs);
        await _peer.SendAsync(theirs.AsMemory(0, Handshake.UpToInfoHash));

        Assert.Equal(host.PeerId, (await _peer.ReadHandshakeAsync()).PeerId);
        await _peer.SendAsync(theirs.AsMemory(Handshake.UpToInfoHash));

        var outcome = await answering;
        Assert.Same(host, outcome.Host);
        Assert.Equal(PeerCapabilities.Extensions, outcome.Peer!.Capabilities);
        Assert.Equal(PeerSource.Incoming, outcome.Peer.Source);
    }

    [Fact]
    public async Task Not_a_byte_beyond_the_handshake_is_read()
    {
        var answering = Accept(_ => Host(V1, null));
        await _peer.SendHandshakeAsync(V1Name);
        await _peer.SendAsync("0000000101");
        Assert.True((await answering).IsOk);

        var rest = new byte[100];
        Assert.Equal(5, await _ours.ReceiveAsync(rest));
    }

    [Fact]
    public async Task Every_cut_of_the_handshake_is_the_same_handshake()
    {
        var theirs = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.Fast, V1Name, FakePeer.Id).Write(theirs);
        for (var cut = 1; cut < Handshake.Size; cut++)
        {
            var (ours, other) = MemoryTransport.CreatePair();
            var answering = _handshake.AcceptAsync(ours, FakeLinkHost.Remote, _ => Host(V1, null), default);
            await other.SendAsync(theirs.AsMemory(0, cut));
            await other.SendAsync(theirs.AsMemory(cut));
            Assert.Equal(FakePeer.Id, (await answering).Peer!.PeerId);
        }
    }

    [Fact]
    public async Task A_hybrid_is_upgraded_to_v2_when_the_caller_can()
    {
        var answering = Accept(_ => Host(V1, V2));
        await _peer.SendHandshakeAsync(V1Name, HandshakeFeatures.V2);

        var answer = await _peer.ReadHandshakeAsync();
        Assert.Equal(V2Name, answer.InfoHash);
        Assert.True(answer.Features.HasFlag(HandshakeFeatures.V2));
        var outcome = await answering;
        Assert.Equal(V2Name, outcome.Peer!.InfoHash);
        Assert.Equal(PeerCapabilities.V2, outcome.Peer.Capabilities);
    }

    [Fact]
    public async Task A_hybrid_stays_v1_when_the_caller_cannot()
    {
        var answering = Accept(_ => Host(V1, V2));
        await _peer.SendHandshakeAsync(V1Name, HandshakeFeatures.None);
        Assert.Equal(V1Name, (await _peer.ReadHandshakeAsync()).InfoHash);
        Assert.Equal(PeerCapabilities.None, (await answering).Peer!.Capabilities);
    }

    [Fact]
    public async Task A_peer_that_used_the_v2_name_speaks_v2_with_or_without_the_bit()
    {
        var answering = Accept(_ => Host(V1, V2));
        await _peer.SendHandshakeAsync(V2Name, HandshakeFeatures.None);
        Assert.Equal(V2Name, (await _peer.ReadHandshakeAsync()).InfoHash);
        Assert.Equal(PeerCapabilities.V2, (await answering).Peer!.Capabilities);
    }

    [Fact]
    public async Task Our_call_may_be_upgraded_but_not_otherwise_changed()
    {
        var calling = Initiate(Host(V1, V2), V1Name);
        await _peer.SendHandshakeAsync(V2Name);
        Assert.Equal(V2Name, (await calling).Peer!.InfoHash);

        var (ours, theirs) = MemoryTransport.CreatePair();
        var other = new FakePeer(theirs);
        calling = _handshake.InitiateAsync(ours, FakeLinkHost.Remote, Host(V1, V2), V2Name, PeerSource.Pex, default);
        await other.SendHandshakeAsync(V1Name);
        Assert.Equal(DisconnectReason.UnknownTorrent, (await calling).Failure);
        Assert.True(theirs.IsClosed);
    }

    /// <summary>
    /// The bit in the answer is an offer nobody took up. libtorrent 2.0 answers an encrypted call for a hybrid so, and
    /// hangs up on the first hash request.
    /// </summary>
    [Fact]
    public async Task Our_call_stays_v1_when_the_answer_has_the_v1_name_with_the_bit()
    {
        var calling = Initiate(Host(V1, V2), V1Name);
        await _peer.SendHandshakeAsync(V1Name, HandshakeFeatures.V2);
        var peer = (await calling).Peer!;
        Assert.Equal(V1Name, peer.InfoHash);
        Assert.Equal(PeerCapabilities.None, peer.Capabilities);
    }

    [Fact]
    public async Task A_torrent_we_do_not_have_gets_no_answer()
    {
        var answering = Accept(_ => null);
        await _peer.SendHandshakeAsync(V1Name);
        Assert.Equal(DisconnectReason.UnknownTorrent, (await answering).Failure);
        Assert.Equal("end", await _peer.ReadAsync());
    }

    [Fact]
    public async Task We_recognise_ourselves()
    {
        var host = Host(V1, null);
        var answering = Accept(_ => host);
        var bytes = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.None, V1Name, host.PeerId).Write(bytes);
        await _peer.SendAsync(bytes);
        Assert.Equal(DisconnectReason.Self, (await answering).Failure);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\x13")]
    [InlineData("")]
    public async Task Another_protocol_or_an_early_end_is_a_bad_handshake(string text)
    {
        var answering = Accept(_ => Host(V1, null));
        await _peer.SendAsync(System.Text.Encoding.ASCII.GetBytes(text));
        _peer.Dispose();
        Assert.Equal(DisconnectReason.BadHandshake, (await answering).Failure);
    }

    [Fact]
    public async Task A_slow_handshake_is_cut_off()
    {
        var answering = Accept(_ => Host(V1, null));
        var theirs = new byte[Handshake.Size];
        new Handshake(HandshakeFeatures.None, V1Name, FakePeer.Id).Write(theirs);
        for (var i = 0; i < 9; i++)
        {
            await _peer.SendAsync(theirs.AsMemory(i, 1));
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.False(answering.IsCompleted);
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(DisconnectReason.HandshakeTimeout, (await answering).Failure);
        Assert.Equal("end", await _peer.ReadAsync());
        Assert.Equal(0, _time.ActiveTimers);
    }

    [Fact]
    public async Task The_owner_can_stop_it()
    {
        using var stop = new CancellationTokenSource();
        var answering = _handshake.AcceptAsync(_ours, FakeLinkHost.Remote, _ => Host(V1, null), stop.Token);
        await stop.CancelAsync();
        Assert.Equal(DisconnectReason.ShuttingDown, (await answering).Failure);
    }

    private FakeLinkHost Host(Sha1Digest? v1, Sha256Digest? v2) => new(_time) { InfoHashes = new InfoHashes(v1, v2) };

    private Task<HandshakeOutcome> Initiate(FakeLinkHost host, InfoHash name) =>
        _handshake.InitiateAsync(_ours, FakeLinkHost.Remote, host, name, PeerSource.Tracker, default);

    private Task<HandshakeOutcome> Accept(Func<InfoHash, ILinkHost?> find) =>
        _handshake.AcceptAsync(_ours, FakeLinkHost.Remote, find, default);
}
