using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Members find each other; nobody else finds anything.</summary>
public sealed class MemberHandshakeTests : MemberFixture
{
    [Theory]
    [InlineData(256 * 1024)]
    [InlineData(100)]
    [InlineData(1)]
    public async Task Two_members_shake_hands_and_know_each_other(int atOnce)
    {
        var (caller, callee) = (NewMember(1), NewMember(2));
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, new EncryptedHandshakeTests.Trickle(there, atOnce));
        var one = await CallAsync(caller, new EncryptedHandshakeTests.Trickle(here, atOnce));
        var other = await answering;
        Assert.Equal(callee.Grant.Member, one.Peer!.Member!.Member);
        Assert.Equal(caller.Grant.Member, other.Peer!.Member!.Member);
        Assert.Equal(StreamEncryption.Tls, one.Peer.Encryption);
        Assert.Equal(StreamEncryption.Tls, other.Peer.Encryption);
        Assert.Same(callee.Host, other.Host);
        Assert.True(one.Peer.Member.GoodFor > TimeSpan.FromDays(6));
        await EncryptedHandshakeTests.AssertCarriesAsync(one.Transport!, other.Transport!);
        await EncryptedHandshakeTests.AssertCarriesAsync(other.Transport!, one.Transport!);
        one.Transport!.Dispose();
        other.Transport!.Dispose();
    }

    // Records are received many at once and cut anywhere.
    [Theory]
    [InlineData(256 * 1024)]
    [InlineData(20_000)]
    [InlineData(16_406)]
    [InlineData(3)]
    public async Task Much_goes_through_in_parts_of_any_size(int atOnce)
    {
        var (caller, callee) = (NewMember(1), NewMember(2));
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, new EncryptedHandshakeTests.Trickle(there, atOnce));
        var one = (await CallAsync(caller, new EncryptedHandshakeTests.Trickle(here, atOnce))).Transport!;
        var other = (await answering).Transport!;
        var bytes = new byte[atOnce < 100 ? 100_000 : 700_000];
        new Random(5).NextBytes(bytes);
        var random = new Random(6);
        var sending = SendAsync(one, bytes, random);
        var received = new byte[bytes.Length];
        for (var length = 0; length < received.Length; )
        {
            var room = Math.Min(new Random(length).Next(1, 200_000), received.Length - length);
            length += await other.ReceiveAsync(received.AsMemory(length, room)).AsTask().WaitAsync(FakePeer.Patience);
        }

        await sending;
        Assert.True(bytes.AsSpan().SequenceEqual(received));
        one.Close();
        Assert.Equal(0, await other.ReceiveAsync(new byte[10]).AsTask().WaitAsync(FakePeer.Patience));
        one.Dispose();
        other.Dispose();
    }

    private static async Task SendAsync(ITransport to, byte[] bytes, Random random)
    {
        for (var at = 0; at < bytes.Length; )
        {
            // Headers and blocks, as links send them.
            var header = Math.Min(13, bytes.Length - at);
            var block = Math.Min(random.Next(1, 100_000), bytes.Length - at - header);
            await to.SendAsync([new(bytes, at, header), new(bytes, at + header, block)]);
            at += header + block;
        }
    }

    [Fact]
    public async Task What_passes_names_neither_torrent_nor_publication_nor_members()
    {
        var (caller, callee) = (NewMember(1), NewMember(2));
        var (here, there) = MemoryTransport.CreatePair();
        var wire = new Wire(here);
        var answering = AnswerAsync(callee, there);
        var one = await CallAsync(caller, wire);
        var other = await answering;
        await EncryptedHandshakeTests.AssertCarriesAsync(one.Transport!, other.Transport!);
        var publication = Authority.Publication.Publication;
        byte[][] secrets =
        [
            Name.ToArray(),
            Encoding.ASCII.GetBytes($"{Name}"),
            publication.ToArray(),
            Encoding.ASCII.GetBytes($"{publication}"),
            Authority.Key,
            Encoding.ASCII.GetBytes($"{caller.Grant.Member}"),
            Encoding.ASCII.GetBytes($"{callee.Grant.Member}"),
            caller.Identity.PublicKey[^32..].ToArray(),
            callee.Identity.PublicKey[^32..].ToArray(),
            "BitTorrent"u8.ToArray(),
            "shoal"u8.ToArray(),
        ];
        Assert.All(secrets, secret => Assert.False(wire.Saw(secret)));
        // The wire is one that would have seen it.
        Assert.True(wire.Saw([22, 3]));
    }

    [Fact]
    public async Task A_clock_that_is_a_day_off_keeps_nobody_out()
    {
        var late = new VirtualTime();
        late.Advance(TimeSpan.FromHours(24));
        foreach (
            var (caller, callee) in new[] { (NewMember(1, late), NewMember(2)), (NewMember(1), NewMember(2, late)) }
        )
        {
            var (here, there) = MemoryTransport.CreatePair();
            var answering = AnswerAsync(callee, there);
            Assert.True((await CallAsync(caller, here)).IsOk);
            Assert.True((await answering).IsOk);
        }
    }

    [Fact]
    public async Task The_name_of_the_torrent_alone_finds_nothing()
    {
        var callee = NewMember(2);
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, there);
        var greeting = new byte[Protocol.Handshake.Size];
        new Handshake(HandshakeFeatures.None, Name, FakePeer.Id).Write(greeting);
        await here.SendAsync(greeting);
        Assert.Equal(DisconnectReason.UnknownTorrent, (await answering).Failure);
        Assert.Equal(0, here.Pending);
        Assert.True(here.IsClosed);
    }

    // What a port with a member's torrent says to whoever is no member is what a port without any says.
    [Fact]
    public async Task To_strangers_the_port_is_one_that_knows_nothing()
    {
        var member = NewMember(2);
        var nobody = NewHandshake(Time, new SecureTorrents(Time));
        // Long enough ones are taken for a key of an encrypted handshake, and answered as such.
        (byte[] Call, bool IsAnswered)[] calls =
        [
            (await HelloAsync("example.org"), true),
            (await HelloAsync(new string('a', PublicationTag.Length)), true),
            (await HelloAsync(PublicationTag.Create(new byte[32], new byte[10], Time.GetUtcNow())), true),
            ([22, 3, 1, 0, 200, 1, .. new byte[199]], true),
            ([22, 3, 1, 64, 0, 1, 2, 3], false),
            ([22, 3, 1, 0, 5, 1, 0, 0, 1, 0], false),
            ([22, 3], false),
            ([22], false),
            (Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n"), false),
        ];
        foreach (var (call, isAnswered) in calls)
        {
            var one = await StrangerAsync(member.Handshake, call, isAnswered);
            Assert.Equal(await StrangerAsync(nobody, call, isAnswered), one);
            Assert.NotEqual(DisconnectReason.NotAMember, one);
        }
    }

    [Fact]
    public async Task Who_has_seen_a_tag_on_the_way_learns_nothing_by_it()
    {
        var (member, callee) = (NewMember(1), NewMember(2));
        var tag = member.Membership.CreateTag(Time.GetUtcNow());
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, there);
        var (tls, shown) = await CallByHandAsync(here, tag, null);
        Assert.Equal(DisconnectReason.NotAMember, (await answering).Failure);
        Assert.Equal(0, tls is null ? 0 : await ReceiveToTheEndAsync(tls));
        // The certificate that he was shown is of nobody.
        Assert.Equal("CN=localhost", shown!.Subject);
        Assert.Equal("CN=localhost", shown.Issuer);
        Assert.Empty(shown.Extensions);
        Assert.False(shown.RawData.AsSpan().IndexOf(callee.Identity.PublicKey.Span[^32..]) >= 0);
        // And a second time the tag is none.
        var (again, back) = MemoryTransport.CreatePair();
        var second = AnswerAsync(callee, back);
        var calling = CallByHandAsync(again, tag, null);
        Assert.Null((await calling).Tls);
        again.Close();
        Assert.Equal(DisconnectReason.BadHandshake, (await second).Failure);
    }

    [Fact]
    public async Task To_who_does_not_know_the_publication_a_caller_shows_no_certificate()
    {
        var caller = NewMember(1);
        var (here, there) = MemoryTransport.CreatePair();
        var calling = CallAsync(caller, here);
        using var other = new Authority(5, Time.GetUtcNow());
        using var identity = MemberIdentity.Create();
        var end = MemberEnd.Create(other.Key, identity, other.Issue(identity, other.Grant()), Time.GetUtcNow());
        X509Certificate? shown = null;
        var answering = TlsTransport.AnswerAsync(
            there,
            new System.Net.Security.SslServerAuthenticationOptions
            {
                ServerCertificateContext = end.Context,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = (_, theirs, _, _) =>
                {
                    shown = theirs;
                    return true;
                },
            }
        );
        Assert.Equal(DisconnectReason.NotAMember, (await calling).Failure);
        // Hung up on in the middle of it, perhaps.
        await answering.WaitAsync(FakePeer.Patience).ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.Null(shown);
    }

    [Fact]
    public async Task Who_is_revoked_is_refused_whoever_calls()
    {
        var revoked = NewMember(1);
        var list = Authority.Publication.Revoke(1, Time.GetUtcNow(), [revoked.Grant.Member], []);
        var member = NewMember(2);
        Assert.True(member.Membership.TryRevoke(list, out _));
        foreach (var (caller, callee) in new[] { (revoked, member), (member, revoked) })
        {
            var (here, there) = MemoryTransport.CreatePair();
            var answering = AnswerAsync(callee, there);
            var one = await CallAsync(caller, here);
            Assert.False(one.IsOk);
            Assert.False((await answering).IsOk);
            var seenByMember = caller == member ? one : await answering;
            Assert.Equal(DisconnectReason.Revoked, seenByMember.Failure);
        }
    }

    [Fact]
    public async Task A_member_finds_no_torrent_of_another_publication()
    {
        var (caller, callee) = (NewMember(1), NewMember(2));
        ((MemberSecurity)callee.Host.Security!).Remove(Name, callee.Host);
        ((MemberSecurity)callee.Host.Security!).TryAdd(new InfoHash(new byte[20]), callee.Host);
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, there);
        Assert.False((await CallAsync(caller, here)).IsOk);
        Assert.Equal(DisconnectReason.UnknownTorrent, (await answering).Failure);
    }

    [Fact]
    public async Task A_slow_beginning_of_tls_is_cut_off()
    {
        var callee = NewMember(2);
        var hello = await HelloAsync(NewMember(1).Membership.CreateTag(Time.GetUtcNow()));
        foreach (var part in new[] { 1, 6, hello.Length - 1, hello.Length })
        {
            var (here, there) = MemoryTransport.CreatePair();
            var answering = AnswerAsync(callee, there);
            await here.SendAsync(hello.AsMemory(0, part));
            Time.Advance(PeerLinkLimits.Default.HandshakeTimeout);
            Assert.Equal(DisconnectReason.HandshakeTimeout, (await answering).Failure);
            Assert.Equal(0, Time.ActiveTimers);
        }
    }

    [Fact]
    public async Task Spoilt_beginnings_of_tls_end_the_connection_and_nothing_else()
    {
        var (caller, callee) = (NewMember(1), NewMember(2));
        var random = new Random(3);
        for (var round = 0; round < 60; round++)
        {
            var hello = await HelloAsync(caller.Membership.CreateTag(Time.GetUtcNow()));
            var mutated = Fuzz.Mutate(random, hello);
            var (here, there) = MemoryTransport.CreatePair();
            var answering = AnswerAsync(callee, there);
            await here.SendAsync(mutated);
            here.Close();
            Assert.False((await answering).IsOk);
        }
    }

    /// <summary>The first message of a TLS client.</summary>
    private static async Task<byte[]> HelloAsync(string serverName)
    {
        var (here, there) = MemoryTransport.CreatePair();
        var calling = CallByHandAsync(here, serverName, null);
        var hello = new byte[ClientHello.MaxLength];
        var length = 0;
        while (ClientHello.Read(hello.AsSpan(0, length), out _) == ReadStatus.NeedMore)
        {
            length += await there.ReceiveAsync(hello.AsMemory(length)).AsTask().WaitAsync(FakePeer.Patience);
        }

        there.Close();
        await Assert.ThrowsAnyAsync<Exception>(() => calling);
        return hello[..length];
    }

    private async Task<DisconnectReason> StrangerAsync(PeerHandshake port, byte[] call, bool isAnswered)
    {
        var (here, there) = MemoryTransport.CreatePair();
        var answering = port.AcceptAsync(there, Stranger, _ => null, default);
        await here.SendAsync(call);
        if (isAnswered)
        {
            Assert.Equal(1, await here.ReceiveAsync(new byte[1]).AsTask().WaitAsync(FakePeer.Patience));
        }

        Time.Advance(PeerLinkLimits.Default.HandshakeTimeout);
        var outcome = await answering.WaitAsync(FakePeer.Patience);
        Assert.True(isAnswered || here.Pending == 0);
        return outcome.Failure;
    }

    private static async Task<int> ReceiveToTheEndAsync(TlsTransport tls)
    {
        try
        {
            return await tls.ReceiveAsync(new byte[1]).AsTask().WaitAsync(FakePeer.Patience);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
