using System.Net;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class DialPlanTests
{
    private static readonly IPEndPoint V6 = IPEndPoint.Parse("[2001:db8::1]:6881");
    private static readonly IPEndPoint V4 = IPEndPoint.Parse("192.0.2.1:6881");

    private static DialPlan Plan(
        IPEndPoint[]? addresses = null,
        TransportKind[]? transports = null,
        EncryptionPolicy encryption = EncryptionPolicy.Allow,
        DialHints hints = DialHints.None,
        DialMemory? memory = null
    ) => new(addresses ?? [V4], transports ?? [TransportKind.Tcp, TransportKind.Utp], encryption, hints, memory);

    private static string Draw(DialPlan plan) =>
        string.Join(
            ' ',
            plan.Routes.Select(route =>
                $"{route.Transport}{(route.Remote.Address.AddressFamily == V6.AddressFamily ? 6 : 4)}"
            )
        );

    [Fact]
    public void The_preferred_transport_goes_first_over_all_addresses()
    {
        Assert.Equal("Tcp6 Tcp4 Utp6 Utp4", Draw(Plan([V6, V4])));
        Assert.Equal("Utp4 Tcp4", Draw(Plan(transports: [TransportKind.Utp, TransportKind.Tcp])));
        Assert.Equal("Utp4", Draw(Plan(transports: [TransportKind.Utp])));
    }

    [Fact]
    public void What_is_proven_goes_before_what_is_usual()
    {
        Assert.Equal("Utp4 Tcp4", Draw(Plan(hints: DialHints.UtpProven)));
        Assert.Equal("Utp4 Tcp4", Draw(Plan(memory: new DialMemory(TransportKind.Utp, false))));
        // Our own experience counts more than what others say.
        Assert.Equal("Tcp4 Utp4", Draw(Plan(hints: DialHints.UtpProven, memory: new(TransportKind.Tcp, true))));
        Assert.Equal("Tcp4", Draw(Plan(transports: [TransportKind.Tcp], hints: DialHints.UtpProven)));
    }

    [Fact]
    public void Through_a_hole_in_a_router_nothing_goes_but_utp()
    {
        Assert.Equal("Utp4", Draw(Plan(hints: DialHints.UtpOnly, memory: new DialMemory(TransportKind.Tcp, false))));
        Assert.Empty(Plan(transports: [TransportKind.Tcp], hints: DialHints.UtpOnly).Routes);
        // Where the other end calls in that moment; the next time it does not.
        Assert.True(Assert.Single(Plan(hints: DialHints.UtpOnly | DialHints.Punch).Routes).IsPunch);
        Assert.False(Assert.Single(Plan(hints: DialHints.UtpOnly).Routes).IsPunch);
    }

    [Theory]
    [InlineData(EncryptionPolicy.Off, null, "plain")]
    [InlineData(EncryptionPolicy.Allow, null, "plain encrypted")]
    [InlineData(EncryptionPolicy.Prefer, null, "encrypted plain")]
    [InlineData(EncryptionPolicy.Require, null, "encrypted")]
    [InlineData(EncryptionPolicy.Allow, true, "encrypted plain")]
    [InlineData(EncryptionPolicy.Prefer, false, "plain encrypted")]
    // What was remembered under another policy does not weaken this one.
    [InlineData(EncryptionPolicy.Require, false, "encrypted")]
    [InlineData(EncryptionPolicy.Off, true, "plain")]
    public void Encryption_follows_the_policy_and_what_worked(EncryptionPolicy policy, bool? known, string expected)
    {
        var memory = known is { } encrypted ? new DialMemory(TransportKind.Tcp, encrypted) : (DialMemory?)null;
        var plan = Plan([V6, V4], encryption: policy, memory: memory);
        var seen = new List<string>();
        var route = plan.Routes[1];
        do
        {
            seen.Add(plan.IsEncrypted ? "encrypted" : "plain");
        } while (plan.TryNext(route, DisconnectReason.BadHandshake));

        Assert.Equal(expected, string.Join(' ', seen));
    }

    [Fact]
    public void The_second_encryption_is_tried_where_the_first_one_got_through()
    {
        var plan = Plan([V6, V4]);
        var route = plan.Routes[1];
        Assert.True(plan.TryNext(route, DisconnectReason.ConnectionLost));
        Assert.Equal("Tcp4", Draw(plan));
    }

    [Fact]
    public void Silence_is_answered_by_the_other_transport_and_a_hang_up_is_not()
    {
        var silent = Plan();
        var route = silent.Routes[0];
        Assert.True(silent.TryNext(route, DisconnectReason.HandshakeTimeout));
        Assert.True(silent.IsEncrypted);
        Assert.True(silent.TryNext(route, DisconnectReason.HandshakeTimeout));
        Assert.Equal(("Utp4", false), (Draw(silent), silent.IsEncrypted));
        Assert.False(silent.TryNext(silent.Routes[0], DisconnectReason.HandshakeTimeout));

        var full = Plan();
        Assert.True(full.TryNext(route, DisconnectReason.BadHandshake));
        Assert.False(full.TryNext(route, DisconnectReason.BadHandshake));
    }

    [Theory]
    [InlineData(DisconnectReason.UnknownTorrent)]
    [InlineData(DisconnectReason.Self)]
    [InlineData(DisconnectReason.ShuttingDown)]
    public void A_clear_answer_is_final(DisconnectReason answer)
    {
        var plan = Plan();
        Assert.False(plan.TryNext(plan.Routes[0], answer));
    }

    [Fact]
    public void A_name_with_both_families_is_one_peer()
    {
        static string Draw(params string[] addresses) =>
            string.Join(
                " | ",
                PeerConnections
                    .Pair([.. addresses.Select(IPAddress.Parse)], 1)
                    .Select(peer => string.Join(' ', peer.Select(endPoint => endPoint.Address)))
            );

        Assert.Equal("2001:db8::1 192.0.2.1", Draw("2001:db8::1", "192.0.2.1"));
        Assert.Equal("192.0.2.1 2001:db8::1 | 192.0.2.2", Draw("192.0.2.1", "192.0.2.2", "2001:db8::1"));
        Assert.Equal("192.0.2.1", Draw("192.0.2.1", "192.0.2.1"));
        Assert.Equal("", Draw());
    }

    [Fact]
    public void What_worked_is_remembered_within_bounds()
    {
        var usual = new DialMemory(TransportKind.Tcp, false);
        var other = new DialMemory(TransportKind.Utp, true);
        var memory = new RouteMemory(usual, capacity: 2);
        static IPEndPoint Peer(int i) => new(IPAddress.Parse("192.0.2.1"), i);

        memory.Worked(Peer(1), usual);
        Assert.Equal(0, memory.Count);
        memory.Worked(Peer(1), other);
        memory.Worked(Peer(2), other);
        memory.Worked(Peer(1), other);
        memory.Worked(Peer(3), other);
        Assert.Equal([other, null, other], [memory.Recall(Peer(1)), memory.Recall(Peer(2)), memory.Recall(Peer(3))]);

        memory.Worked(Peer(1), usual);
        memory.Failed(Peer(3));
        memory.Failed(Peer(9));
        Assert.Equal(0, memory.Count);
    }
}
