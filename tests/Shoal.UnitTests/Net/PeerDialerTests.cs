using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class PeerDialerTests : IDisposable
{
    private static readonly IPEndPoint V6 = IPEndPoint.Parse("[2001:db8::1]:6881");
    private static readonly IPEndPoint V4 = IPEndPoint.Parse("192.0.2.1:6881");
    private static readonly TimeSpan HeadStart = DialLimits.Default.HeadStart;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    private readonly VirtualTime _time = new();
    private readonly FakeConnector _tcp = new(TransportKind.Tcp);
    private readonly FakeConnector _utp = new(TransportKind.Utp);
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeLinkHost _host;
    private readonly PeerDialer _dialer;

    public PeerDialerTests()
    {
        _host = new FakeLinkHost(_time, poolLimit: 4);
        _dialer = Dialer(_tcp, _utp);
    }

    public void Dispose()
    {
        _stop.Dispose();
        Assert.Equal(0, _time.ActiveTimers);
    }

    private PeerDialer Dialer(FakeConnector one, FakeConnector two) =>
        new(
            [one, two],
            new PeerHandshake(PeerLinkLimits.Default, _time),
            EncryptionPolicy.Off,
            DialLimits.Default,
            _time
        );

    private Task<DialOutcome> DialAsync(params IPEndPoint[] addresses) =>
        _dialer.DialAsync(addresses, _host, DialHints.None, _stop.Token);

    /// <summary>The peer's side of the handshake.</summary>
    private async Task AnswerAsync(MemoryTransport? theirs)
    {
        using var peer = new FakePeer(theirs!);
        await peer.ReadHandshakeAsync();
        await peer.SendHandshakeAsync(_host.InfoHashes.Primary);
    }

    /// <summary>The clock goes on once somebody waits for it.</summary>
    private async Task PassAsync(TimeSpan by)
    {
        while (_time.ActiveTimers == 0)
        {
            await Task.Yield();
        }

        _time.Advance(by);
    }

    private void AssertNothingLeft(int kept)
    {
        Assert.Equal(
            _tcp.MadeTransports + _utp.MadeTransports - kept,
            _tcp.DisposedTransports + _utp.DisposedTransports
        );
    }

    [Fact]
    public async Task The_second_way_starts_after_the_head_start_and_not_before()
    {
        var dialling = DialAsync(V4);
        await _tcp.BegunAsync(0);
        await PassAsync(HeadStart - Tick);
        Assert.Equal(0, _utp.Started);
        await PassAsync(Tick);
        await _utp.BegunAsync(0);

        await AnswerAsync(_utp.Connect(0));
        var outcome = await dialling;
        Assert.Equal(TransportKind.Utp, outcome.Peer!.Transport);
        // The slower one was told to stop, so it cannot connect any more.
        Assert.Null(_tcp.Connect(0));
        AssertNothingLeft(kept: 1);
        outcome.Transport!.Dispose();
        AssertNothingLeft(kept: 0);
    }

    [Fact]
    public async Task The_second_way_starts_at_once_where_the_first_failed()
    {
        var dialling = DialAsync(V4);
        await _tcp.BegunAsync(0);
        _tcp.Fail(0);
        await _utp.BegunAsync(0);
        Assert.Equal(TimeSpan.Zero, _time.Elapsed);
        await AnswerAsync(_utp.Connect(0));
        (await dialling).Transport!.Dispose();

        // It is remembered, so the next time nobody waits for the first.
        dialling = DialAsync(V4);
        await _utp.BegunAsync(1);
        Assert.Equal(1, _tcp.Started);
        _utp.Fail(1);
        await _tcp.BegunAsync(1);
        _tcp.Fail(1, DisconnectReason.ConnectTimeout);
        Assert.Equal(DisconnectReason.ConnectFailed, (await dialling).Failure);

        // It was wrong, so it is forgotten.
        dialling = DialAsync(V4);
        await _tcp.BegunAsync(2);
        await _stop.CancelAsync();
        Assert.Equal(DisconnectReason.ShuttingDown, (await dialling).Failure);
        AssertNothingLeft(kept: 0);
    }

    [Fact]
    public async Task Who_connects_while_being_given_up_is_closed_without_a_word()
    {
        var deaf = new FakeConnector(TransportKind.Tcp) { IsDeaf = true };
        var dialer = Dialer(deaf, _utp);
        var dialling = dialer.DialAsync([V4], _host, DialHints.None, _stop.Token);
        await deaf.BegunAsync(0);
        await PassAsync(HeadStart);
        await _utp.BegunAsync(0);
        var winner = _utp.Connect(0);
        while (deaf.GivenUp == 0)
        {
            await Task.Yield();
        }

        var late = deaf.Connect(0);
        await AnswerAsync(winner);
        (await dialling).Transport!.Dispose();
        Assert.Equal((1, 1), (deaf.MadeTransports, deaf.DisposedTransports));
        Assert.True(late!.IsClosed);
        Assert.Equal(0, late.Pending);
    }

    [Fact]
    public async Task Families_are_raced_too_and_the_candidate_stays_what_it_was()
    {
        var dialling = DialAsync(V6, V4);
        Assert.Equal(V6, await _tcp.BegunAsync(0));
        _tcp.Fail(0);
        Assert.Equal(V4, await _tcp.BegunAsync(1));
        await AnswerAsync(_tcp.Connect(1));
        var outcome = await dialling;
        Assert.Equal((V4, V6), (outcome.Peer!.EndPoint, outcome.Peer.DialledAs));
        outcome.Transport!.Dispose();
        Assert.Equal(0, _utp.Started);
    }

    [Fact]
    public async Task All_ways_fail_and_the_best_one_says_why()
    {
        var dialling = DialAsync(V4);
        await _tcp.BegunAsync(0);
        await PassAsync(HeadStart);
        await _utp.BegunAsync(0);
        _utp.Fail(0, DisconnectReason.ConnectTimeout);
        _tcp.Fail(0, DisconnectReason.ConnectFailed);
        Assert.Equal(DisconnectReason.ConnectFailed, (await dialling).Failure);
    }

    [Fact]
    public async Task A_way_that_swallows_our_handshake_is_left_for_the_other()
    {
        var dialling = DialAsync(V4);
        await _tcp.BegunAsync(0);
        using var silent = new FakePeer(_tcp.Connect(0)!);
        await silent.ReadHandshakeAsync();
        await PassAsync(PeerLinkLimits.Default.HandshakeTimeout);
        await _utp.BegunAsync(0);
        await AnswerAsync(_utp.Connect(0));
        var outcome = await dialling;
        Assert.Equal(TransportKind.Utp, outcome.Peer!.Transport);
        outcome.Transport!.Dispose();
        AssertNothingLeft(kept: 0);
    }

    [Fact]
    public async Task Stopping_ends_every_attempt_at_any_time()
    {
        for (var stage = 0; stage < 4; stage++)
        {
            var (tcp, utp) = (new FakeConnector(TransportKind.Tcp), new FakeConnector(TransportKind.Utp));
            var dialer = Dialer(tcp, utp);
            using var stop = new CancellationTokenSource();
            var dialling = dialer.DialAsync([V4], _host, DialHints.None, stop.Token);
            await tcp.BegunAsync(0);
            if (stage >= 1)
            {
                await PassAsync(HeadStart);
                await utp.BegunAsync(0);
            }

            var theirs = stage >= 2 ? utp.Connect(0) : null;
            if (stage == 3)
            {
                using var peer = new FakePeer(theirs!);
                await peer.ReadHandshakeAsync();
                await stop.CancelAsync();
                Assert.Equal(DisconnectReason.ShuttingDown, (await dialling).Failure);
            }

            await stop.CancelAsync();
            Assert.Equal(DisconnectReason.ShuttingDown, (await dialling).Failure);
            Assert.Equal(tcp.MadeTransports + utp.MadeTransports, tcp.DisposedTransports + utp.DisposedTransports);
        }
    }
}
