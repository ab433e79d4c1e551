using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Invited swarms of our engines, over real sockets.</summary>
public sealed class MemberEngineTests : IDisposable
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024)
        .File("a", 3_000_000, seed: 1)
        .File("b", 100_003, seed: 2)
        .Build();

    private readonly Authority _authority = new(at: DateTimeOffset.UtcNow);

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData(PeerTransports.Tcp)]
    [InlineData(PeerTransports.Utp)]
    public async Task Members_get_it_and_know_whom_from(PeerTransports transports)
    {
        await using var fixture = new EngineFixture();
        EngineOptions Options(EngineOptions options) => options with { Transports = transports };
        var (seed, publisher) = await SeedAsync(fixture, Options);
        var member = NewMember();
        var leech = await fixture.Start(Options);
        var folder = fixture.Folder();
        var got = await leech.AddAsync(Torrent.Metainfo, Of(member, folder, seed), fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(Torrent, folder);
        var met = await FirstPeerAsync(leech, fixture);
        Assert.Equal(publisher.Grant.Member, met.Member);
        Assert.Equal(MemberRole.Publisher, met.MemberRole);
        Assert.Equal(StreamEncryption.Tls, met.Encryption);
    }

    [Fact]
    public async Task A_link_is_enough_for_a_member()
    {
        await using var fixture = new EngineFixture();
        var (seed, _) = await SeedAsync(fixture);
        var leech = await fixture.Start();
        var folder = fixture.Folder();
        Assert.True(
            MagnetLink.TryParse($"magnet:?xt=urn:btih:{Torrent.Metainfo.InfoHashes.V1}", out var magnet, out _)
        );
        var got = await leech.AddAsync(magnet, Of(NewMember(), folder, seed), fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(Torrent, folder);
    }

    // The outsider has the .torrent and the address, and calls in every way that there is.
    [Theory]
    [InlineData(EncryptionPolicy.Off, PeerTransports.Tcp)]
    [InlineData(EncryptionPolicy.Require, PeerTransports.Tcp)]
    [InlineData(EncryptionPolicy.Prefer, PeerTransports.Utp)]
    public async Task Who_is_no_member_gets_nothing(EncryptionPolicy encryption, PeerTransports transports)
    {
        await using var fixture = new EngineFixture();
        var (seed, _) = await SeedAsync(fixture);
        var outsider = await fixture.Start(options =>
            options with
            {
                Encryption = encryption,
                Transports = transports,
            }
        );
        var got = await outsider.AddAsync(
            Torrent.Metainfo,
            new TorrentOptions { SaveDirectory = fixture.Folder(), Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        using var other = new Authority(7, DateTimeOffset.UtcNow);
        var memberOfAnother = await fixture.Start();
        var stranger = await memberOfAnother.AddAsync(
            Torrent.Metainfo,
            Of(NewMember(other), fixture.Folder(), seed),
            fixture.Timeout.Token
        );
        // A member who comes later is served at once: the others had their time.
        var leech = await fixture.Start();
        var done = await leech.AddAsync(
            Torrent.Metainfo,
            Of(NewMember(), fixture.Folder(), seed),
            fixture.Timeout.Token
        );
        await done.WhenComplete(fixture.Timeout.Token);
        foreach (var nothing in new[] { got, stranger })
        {
            Assert.Equal(0, nothing.Status.Downloaded);
            Assert.Equal(0, nothing.Status.PeerCount);
        }

        // One copy was given, to her.
        await UntilAsync(() => seed.Torrents.Single().Status.Uploaded >= Torrent.Metainfo.Size, fixture);
        Assert.InRange(seed.Torrents.Single().Status.Uploaded, Torrent.Metainfo.Size, Torrent.Metainfo.Size * 3 / 2);
    }

    [Fact]
    public async Task Whom_a_list_names_is_dropped_at_once_and_the_list_goes_round()
    {
        await using var fixture = new EngineFixture();
        var (seed, publisher) = await SeedAsync(fixture, options => options with { UploadLimit = 200_000 });
        var (bad, good) = (NewMember(), NewMember());
        var (hisEngine, herEngine) = (await fixture.Start(), await fixture.Start());
        var his = await hisEngine.AddAsync(Torrent.Metainfo, Of(bad, fixture.Folder(), seed), fixture.Timeout.Token);
        var folder = fixture.Folder();
        var hers = await herEngine.AddAsync(
            Torrent.Metainfo,
            Of(good, folder, seed, EngineFixture.AddressOf(hisEngine)),
            fixture.Timeout.Token
        );
        await UntilAsync(() => his.Status.PeerCount > 0 && hers.Status.PeerCount == 2, fixture);
        var list = _authority.Publication.Revoke(1, DateTimeOffset.UtcNow, [bad.Grant.Member], []);
        var heard = new TaskCompletionSource<RevocationList>();
        good.RevocationsChanged += taken => heard.TrySetResult(taken);
        Assert.True(publisher.TryRevoke(list, out _));
        // Only the publisher was told; the other member has it of him.
        Assert.Equal(1, (await heard.Task.WaitAsync(fixture.Timeout.Token)).Version);
        await UntilAsync(() => his.Status.PeerCount == 0, fixture);
        var had = his.Status.Downloaded;
        seed.SetLimits(0, 0);
        await hers.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(Torrent, folder);
        Assert.Equal(had, his.Status.Downloaded);
        Assert.False(his.Status.IsComplete);
        Assert.Equal(MembershipFault.OldList, Replayed(good));
    }

    [Fact]
    public async Task The_wire_shows_neither_the_torrent_nor_its_name()
    {
        await using var fixture = new EngineFixture();
        var (seed, _) = await SeedAsync(fixture, options => options with { Transports = PeerTransports.Tcp });
        await using var wire = new WireTap(EngineFixture.AddressOf(seed));
        var leech = await fixture.Start(options => options with { Transports = PeerTransports.Tcp });
        var folder = fixture.Folder();
        var options = Of(NewMember(), folder) with { Peers = [wire.Address] };
        var got = await leech.AddAsync(Torrent.Metainfo, options, fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
        Assert.True(wire.Length > Torrent.Metainfo.Size);
        Assert.All(
            Torrent.Metainfo.InfoHashes.OnTheWire,
            name =>
            {
                Assert.False(wire.Saw(name.Span));
                Assert.False(wire.Saw(System.Text.Encoding.ASCII.GetBytes($"{name}")));
            }
        );
        Assert.False(wire.Saw(System.Text.Encoding.UTF8.GetBytes(Torrent.Metainfo.Name)));
        Assert.False(wire.Saw("BitTorrent protocol"u8));
    }

    private PublicationMembership NewMember(Authority? authority = null, MemberRole role = MemberRole.Member)
    {
        authority ??= _authority;
        var identity = MemberIdentity.Create();
        return new PublicationMembership(
            authority.Publication.Certificate,
            authority.Key,
            identity,
            authority.Issue(identity, authority.Grant(role))
        );
    }

    private async Task<(TorrentEngine Seed, PublicationMembership Publisher)> SeedAsync(
        EngineFixture fixture,
        Func<EngineOptions, EngineOptions>? change = null
    )
    {
        var publisher = NewMember(role: MemberRole.Publisher);
        var seed = await fixture.Start(change);
        var torrent = await seed.AddAsync(
            Torrent.Metainfo,
            Of(publisher, fixture.Write(Torrent)),
            fixture.Timeout.Token
        );
        await torrent.WhenComplete(fixture.Timeout.Token);
        return (seed, publisher);
    }

    private static TorrentOptions Of(
        PublicationMembership membership,
        string folder,
        TorrentEngine? peer = null,
        params IPEndPoint[] others
    ) =>
        new()
        {
            SaveDirectory = folder,
            Membership = membership,
            Peers = peer is null ? others : [EngineFixture.AddressOf(peer), .. others],
        };

    private MembershipFault Replayed(PublicationMembership membership)
    {
        var newer = _authority.Publication.Revoke(3, DateTimeOffset.UtcNow, [], []);
        Assert.True(membership.TryRevoke(newer, out _));
        membership.TryRevoke(_authority.Publication.Revoke(2, DateTimeOffset.UtcNow, [], []), out var fault);
        return fault;
    }

    private static async Task<PeerStatus> FirstPeerAsync(TorrentEngine engine, EngineFixture fixture)
    {
        await foreach (var e in engine.Events.ReadAllAsync(fixture.Timeout.Token))
        {
            if (e is EngineEvent.PeerSeen seen)
            {
                return seen.Peer;
            }
        }

        throw new InvalidOperationException("no peer was seen");
    }

    private static async Task UntilAsync(Func<bool> condition, EngineFixture fixture)
    {
        while (!condition())
        {
            await Task.Delay(20, fixture.Timeout.Token);
        }
    }

    /// <summary>Stands between two ends of TCP connections and keeps what passes.</summary>
    private sealed class WireTap : IAsyncDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<byte> _seen = [];
        private readonly List<Socket> _open = [];
        private readonly IPEndPoint _target;
        private readonly Task _accepting;

        public WireTap(IPEndPoint target)
        {
            _target = target;
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            Address = (IPEndPoint)_listener.LocalEndPoint!;
            _accepting = AcceptAsync();
        }

        public IPEndPoint Address { get; }

        public int Length
        {
            get
            {
                lock (_seen)
                {
                    return _seen.Count;
                }
            }
        }

        public bool Saw(ReadOnlySpan<byte> bytes)
        {
            lock (_seen)
            {
                return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_seen).IndexOf(bytes) >= 0;
            }
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            lock (_open)
            {
                _open.ForEach(socket => socket.Dispose());
            }

            await _accepting;
        }

        private async Task AcceptAsync()
        {
            var passing = new List<Task>();
            try
            {
                while (true)
                {
                    var one = await _listener.AcceptAsync();
                    var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    lock (_open)
                    {
                        _open.AddRange([one, other]);
                    }

                    await other.ConnectAsync(_target);
                    passing.AddRange([PassAsync(one, other), PassAsync(other, one)]);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                await Task.WhenAll(passing);
            }
        }

        private async Task PassAsync(Socket from, Socket to)
        {
            var buffer = new byte[64 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and var length)
                {
                    lock (_seen)
                    {
                        _seen.AddRange(buffer.AsSpan(0, length));
                    }

                    await to.SendAsync(buffer.AsMemory(0, length));
                }

                to.Shutdown(SocketShutdown.Send);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // The other direction has ended it.
            }
        }
    }
}
