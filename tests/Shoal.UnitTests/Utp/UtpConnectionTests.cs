using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>What a connection does with what comes, packet by packet.</summary>
public sealed class UtpConnectionTests
{
    [Fact]
    public void A_call_is_repeated_ever_more_slowly_and_then_given_up()
    {
        var bench = new UtpBench();
        bench.Connection.Flush(bench.Now);
        var syn = Assert.Single(bench.TakeHeaders());
        Assert.Equal((UtpPacketType.Syn, 1000, 2000), (syn.Type, syn.ConnectionId, syn.Sequence));
        bench.Advance(999);
        Assert.Empty(bench.TakeSent());
        bench.Advance(1);
        Assert.Single(bench.TakeSent());
        bench.Advance(60_000);
        Assert.Equal(bench.Limits.MaxSyns - 2, bench.TakeSent().Count);
        Assert.Equal(UtpEnd.TimedOut, bench.Connection.End);
    }

    [Fact]
    public void A_call_to_open_a_hole_is_repeated_quickly()
    {
        var bench = new UtpBench(isPunch: true);
        bench.Connection.Flush(bench.Now);
        bench.Advance(1000);
        Assert.Equal(5, bench.TakeSent().Count);
    }

    [Fact]
    public void Data_follows_the_answer_and_carries_the_other_id()
    {
        var bench = UtpBench.Connected();
        bench.Write(100);
        var data = Assert.Single(bench.TakeHeaders());
        Assert.Equal((UtpPacketType.Data, 1001, 2001), (data.Type, data.ConnectionId, data.Sequence));
        Assert.Equal(UtpBench.PeerSequence - 1, data.Acknowledged);
    }

    // The side that answered sends nothing before it has heard of us again.
    [Fact]
    public void A_caller_with_nothing_to_say_says_that_it_is_there()
    {
        var bench = UtpBench.Connected();
        bench.Advance(25);
        Assert.Equal(UtpPacketType.State, Assert.Single(bench.TakeHeaders()).Type);
    }

    [Fact]
    public void Data_out_of_order_is_read_in_order_and_told_of_at_once()
    {
        var bench = UtpBench.Connected();
        bench.Feed(UtpPacketType.Data, 2000, "c", sequence: 502);
        bench.Feed(UtpPacketType.Data, 2000, "d", sequence: 503);
        bench.Feed(UtpPacketType.Data, 2000, "f", sequence: 505);
        bench.Connection.Flush(bench.Now);
        Assert.True(UtpPacket.TryRead(Assert.Single(bench.TakeSent()), out var told));
        Assert.Equal(499, told.Header.Acknowledged);
        // 501 is the first bit: ack_nr + 2.
        Assert.True(told.SelectiveAck.SequenceEqual<byte>([0b10110, 0, 0, 0]));
        Assert.Equal("", bench.Read());
        bench.Feed(UtpPacketType.Data, 2000, "b", sequence: 501);
        bench.Feed(UtpPacketType.Data, 2000, "a", sequence: 500);
        Assert.Equal("abcd", bench.Read());
        bench.Feed(UtpPacketType.Data, 2000, "e", sequence: 504);
        Assert.Equal("ef", bench.Read());
    }

    [Fact]
    public void One_packet_is_acknowledged_late_and_two_at_once()
    {
        var bench = UtpBench.Connected();
        bench.Advance(100);
        bench.TakeSent();
        bench.Feed(UtpPacketType.Data, 2000, "a");
        bench.Connection.Flush(bench.Now);
        Assert.Empty(bench.TakeSent());
        bench.Advance(bench.Limits.AckDelay.TotalMilliseconds);
        Assert.Equal(500, Assert.Single(bench.TakeHeaders()).Acknowledged);
        bench.Feed(UtpPacketType.Data, 2000, "b");
        bench.Feed(UtpPacketType.Data, 2000, "c");
        bench.Connection.Flush(bench.Now);
        Assert.Equal(502, Assert.Single(bench.TakeHeaders()).Acknowledged);
    }

    [Fact]
    public void Three_packets_that_came_later_mean_loss_and_only_the_lost_one_goes_again()
    {
        var bench = UtpBench.Connected();
        bench.Write(4 * 528);
        Assert.Equal([2001, 2002, 2003, 2004], bench.TakeHeaders().Select(header => (int)header.Sequence));
        var window = bench.Connection.CongestionWindow;
        bench.Advance(20);
        bench.Feed(UtpPacketType.State, 2000, mask: [0b11, 0, 0, 0]);
        bench.Connection.Flush(bench.Now);
        Assert.Empty(bench.TakeSent());
        bench.Feed(UtpPacketType.State, 2000, mask: [0b111, 0, 0, 0]);
        bench.Connection.Flush(bench.Now);
        Assert.Equal(2001, Assert.Single(bench.TakeHeaders()).Sequence);
        Assert.True(bench.Connection.CongestionWindow < window);
    }

    [Fact]
    public void Packets_that_only_overtook_each_other_cost_nothing()
    {
        var bench = UtpBench.Connected();
        bench.Write(4 * 528);
        var window = bench.Connection.CongestionWindow;
        bench.Advance(20);
        bench.Feed(UtpPacketType.State, 2000, mask: [0b111, 0, 0, 0]);
        bench.Connection.Flush(bench.Now);
        Assert.True(bench.Connection.CongestionWindow < window);
        bench.Advance(2);
        // Sooner than an answer to the second sending can be.
        bench.Feed(UtpPacketType.State, 2004);
        Assert.True(bench.Connection.CongestionWindow >= window);
    }

    [Fact]
    public void The_last_packet_goes_again_long_before_the_timeout()
    {
        var bench = UtpBench.Connected();
        bench.Write(4 * 528);
        bench.TakeSent();
        bench.Advance(50);
        Assert.Equal(2004, Assert.Single(bench.TakeHeaders()).Sequence);
    }

    [Fact]
    public void A_peer_that_is_gone_ends_the_connection_after_some_timeouts_each_twice_as_long()
    {
        var bench = UtpBench.Connected();
        bench.Write(528);
        bench.Advance(600);
        var early = bench.TakeSent().Count;
        bench.Advance(90_000);
        Assert.Equal(UtpEnd.TimedOut, bench.Connection.End);
        Assert.InRange(early + bench.TakeSent().Count, 5, 3 + bench.Limits.MaxTimeouts);
    }

    [Fact]
    public void Short_packets_wait_for_each_other_but_not_for_long()
    {
        var bench = UtpBench.Connected();
        bench.Write(10);
        bench.Write(10);
        bench.Write(10);
        Assert.Single(bench.TakeSent());
        bench.Advance(bench.Limits.CoalesceDelay.TotalMilliseconds);
        Assert.Equal(UtpHeader.Size + 20, Assert.Single(bench.TakeSent()).Length);
    }

    [Fact]
    public void What_the_system_has_no_room_for_is_not_lost_and_goes_a_moment_later()
    {
        var bench = UtpBench.Connected();
        bench.Room = 2;
        bench.Write(6 * 528);
        Assert.Equal(2, bench.TakeSent().Count);
        bench.Room = int.MaxValue;
        bench.Advance(2);
        Assert.Equal([2003, 2004, 2005, 2006], bench.TakeHeaders().Select(header => (int)header.Sequence));
        Assert.Equal(0, bench.Connection.Retransmitted);
    }

    [Fact]
    public void Longer_packets_are_tried_with_padding_and_used_when_they_arrive()
    {
        var bench = UtpBench.Connected();
        bench.Write(20 * 528);
        var sent = bench.TakeSent();
        // Jumbo frames are beyond the interface, which the system says at once.
        Assert.Equal(1472, sent.Max(bytes => bytes.Length));
        var probe = sent.FindIndex(bytes => bytes.Length == 1472);
        Assert.True(UtpPacket.TryRead(sent[probe], out var packet));
        Assert.Equal(528, packet.Payload.Length);
        Assert.Equal(548, bench.Connection.PacketSize);
        bench.Advance(20);
        bench.Feed(UtpPacketType.State, 2020);
        Assert.Equal(1472, bench.Connection.PacketSize);
    }

    [Fact]
    public void A_probe_that_is_lost_goes_again_without_padding_and_is_no_sign_of_congestion()
    {
        var bench = UtpBench.Connected();
        bench.Write(20 * 528);
        Assert.Equal(1472, bench.TakeSent()[0].Length);
        bench.Advance(20);
        var window = bench.Connection.CongestionWindow;
        bench.Feed(UtpPacketType.State, 2000, mask: [0xff, 0xff, 0x07, 0]);
        bench.Connection.Flush(bench.Now);
        Assert.Equal(548, bench.TakeSent()[0].Length);
        Assert.True(bench.Connection.CongestionWindow >= window);
    }

    [Fact]
    public void Both_sides_end_and_the_last_word_is_repeated_when_it_was_lost()
    {
        var bench = UtpBench.Connected();
        bench.Write(3);
        bench.Connection.EndWriting();
        bench.Connection.Flush(bench.Now);
        Assert.Equal(UtpPacketType.Fin, bench.TakeHeaders()[^1].Type);
        bench.Feed(UtpPacketType.Data, 2002, "bye");
        bench.Feed(UtpPacketType.Fin, 2002);
        Assert.Equal("bye", bench.Read());
        Assert.True(bench.Connection.IsAtEnd);
        Assert.Equal(UtpEnd.Finished, bench.Connection.End);
        bench.TakeSent();
        bench.Feed(UtpPacketType.Fin, 2002, sequence: 501);
        Assert.Equal(501, Assert.Single(bench.TakeHeaders()).Acknowledged);
    }

    [Fact]
    public void One_side_may_end_and_go_on_reading()
    {
        var bench = UtpBench.Connected();
        bench.Connection.EndWriting();
        bench.Connection.Flush(bench.Now);
        bench.Feed(UtpPacketType.State, 2001);
        Assert.Equal(0, bench.Connection.Write("more"u8));
        for (var i = 0; i < 100; i++)
        {
            bench.Feed(UtpPacketType.Data, 2001, "x");
            Assert.Equal("x", bench.Read());
        }

        Assert.Equal(UtpEnd.None, bench.Connection.End);
    }

    [Fact]
    public void The_end_of_the_stream_waits_for_what_is_missing()
    {
        var bench = UtpBench.Connected();
        bench.Feed(UtpPacketType.Fin, 2000, sequence: 502);
        bench.Feed(UtpPacketType.Data, 2000, "b", sequence: 501);
        // Beyond the end there is nothing.
        bench.Feed(UtpPacketType.Data, 2000, "z", sequence: 503);
        Assert.False(bench.Connection.IsAtEnd);
        bench.Feed(UtpPacketType.Data, 2000, "a", sequence: 500);
        Assert.Equal("ab", bench.Read());
        Assert.True(bench.Connection.IsAtEnd);
    }

    [Fact]
    public void Who_sends_to_a_closed_connection_that_has_said_all_is_reset()
    {
        var bench = UtpBench.Connected();
        bench.Connection.Close(bench.Now);
        bench.Connection.Flush(bench.Now);
        bench.Feed(UtpPacketType.Data, 2000, "a");
        Assert.Equal(UtpEnd.None, bench.Connection.End);
        bench.Feed(UtpPacketType.Data, 2001, "b");
        Assert.Equal(UtpEnd.Reset, bench.Connection.End);
        Assert.Equal(UtpPacketType.Reset, bench.TakeHeaders()[^1].Type);
    }

    [Fact]
    public void A_closed_connection_does_not_linger_for_ever()
    {
        var bench = UtpBench.Connected();
        bench.Window = 0;
        bench.Feed(UtpPacketType.State, 2000);
        bench.Write(1000);
        bench.Connection.Close(bench.Now);
        bench.Advance(bench.Limits.LingerTime.TotalMilliseconds + 1);
        Assert.Equal(UtpEnd.Reset, bench.Connection.End);
    }

    [Fact]
    public void A_quiet_connection_says_now_and_then_that_it_is_there()
    {
        var bench = UtpBench.Connected();
        bench.Advance(100);
        bench.TakeSent();
        bench.Advance(120_000);
        Assert.Equal(4, bench.TakeSent().Count);
    }

    [Fact]
    public void Room_that_the_reader_makes_is_told()
    {
        var bench = UtpBench.Connected(UtpLimits.Default with { MinReceiveWindow = 4000 });
        var kilobyte = new string('x', 1000);
        for (var i = 0; i < 4; i++)
        {
            bench.Feed(UtpPacketType.Data, 2000, kilobyte);
        }

        bench.Connection.Flush(bench.Now);
        Assert.Equal(0u, bench.TakeHeaders()[^1].Window);
        bench.Read();
        bench.Read();
        bench.Connection.Flush(bench.Now);
        Assert.True(Assert.Single(bench.TakeHeaders()).Window >= 2000);
    }
}
