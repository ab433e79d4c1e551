using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Peers and strangers that mean us harm, or others through us.</summary>
public sealed class UtpHostilePeerTests
{
    private static readonly UtpSecrets Secrets = new(0, 0x4242, 9);

    [Fact]
    public void Acknowledgements_of_what_was_never_sent_are_ignored()
    {
        var bench = UtpBench.Connected();
        bench.Write(528);
        var window = bench.Connection.CongestionWindow;
        bench.Feed(UtpPacketType.State, 2002);
        bench.Feed(UtpPacketType.State, 40_000);
        bench.Feed(UtpPacketType.Data, 2002, "forged");
        bench.Feed(UtpPacketType.State, 2000, mask: [0xff, 0xff, 0xff, 0xff]);
        Assert.Equal(528, bench.Connection.Outstanding);
        Assert.Equal(window, bench.Connection.CongestionWindow);
        Assert.Equal("", bench.Read());
        Assert.Equal(UtpEnd.None, bench.Connection.End);
    }

    [Fact]
    public void Acknowledging_before_it_can_have_arrived_buys_no_more_than_the_window()
    {
        var bench = UtpBench.Connected();
        for (var i = 0; i < 20; i++)
        {
            bench.Write(100_000);
            var last = bench.TakeHeaders().Where(header => header.Type == UtpPacketType.Data).Max(h => (int)h.Sequence);
            var before = bench.Connection.CongestionWindow;
            bench.Feed(UtpPacketType.State, last);
            // As a slow start has it: never more than what was really under way.
            Assert.True(bench.Connection.CongestionWindow <= before * 2);
        }

        Assert.True(bench.Connection.CongestionWindow <= bench.Window + 3 * 16_384);
    }

    [Fact]
    public void A_window_of_zero_for_ever_costs_one_packet_now_and_then()
    {
        var bench = UtpBench.Connected();
        bench.Window = 0;
        bench.Feed(UtpPacketType.State, 2000);
        bench.Write(500_000);
        Assert.True(bench.Connection.Outstanding <= bench.Limits.MinReceiveWindow);
        bench.TakeSent();
        for (var minute = 0; minute < 10; minute++)
        {
            bench.Advance(60_000);
            bench.Feed(UtpPacketType.State, 2000);
            bench.Connection.Flush(bench.Now);
        }

        Assert.InRange(bench.TakeHeaders().Count(header => header.Type == UtpPacketType.Data), 10, 100);
        Assert.Equal(UtpEnd.None, bench.Connection.End);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(0x7fff_ffffu)]
    [InlineData(0x8000_0000u)]
    [InlineData(0xffff_ffffu)]
    public void Silly_timestamps_neither_stop_nor_unleash_us(uint difference)
    {
        var bench = UtpBench.Connected();
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            bench.Write(50_000);
            var data = bench.TakeHeaders().Where(header => header.Type == UtpPacketType.Data).ToList();
            bench.Advance(20);
            var last = data.Count == 0 ? 2000 : data.Max(header => (int)header.Sequence);
            var value = i % 2 == 0 ? difference : (uint)random.NextInt64(uint.MaxValue);
            bench.Feed(UtpPacketType.State, last, difference: value, timestamp: value);
            bench.Connection.Flush(bench.Now);
        }

        Assert.InRange(bench.Connection.CongestionWindow, 2 * 548, 17 * 1024 * 1024);
        Assert.True(bench.Connection.Outstanding < 17 * 1024 * 1024);
    }

    [Fact]
    public void A_reset_is_believed_only_with_a_number_that_we_sent()
    {
        var bench = UtpBench.Connected();
        bench.Write(528);
        for (var number = 0; number < 65536; number++)
        {
            if (number is < 2000 or > 2003)
            {
                bench.Feed(UtpPacketType.Reset, number);
            }
        }

        Assert.Equal(UtpEnd.None, bench.Connection.End);
        bench.Feed(UtpPacketType.Reset, 2001);
        Assert.Equal(UtpEnd.Reset, bench.Connection.End);
    }

    [Fact]
    public void A_reset_of_a_call_names_the_call()
    {
        var bench = new UtpBench();
        bench.Connection.Flush(bench.Now);
        bench.Feed(UtpPacketType.Reset, 1999);
        Assert.Equal(UtpEnd.None, bench.Connection.End);
        bench.Feed(UtpPacketType.Reset, 2000);
        Assert.Equal(UtpEnd.Reset, bench.Connection.End);
    }

    [Fact]
    public void What_comes_beyond_the_window_is_not_kept()
    {
        var bench = UtpBench.Connected(UtpLimits.Default with { MinReceiveWindow = 10_000 });
        var kilobyte = new string('x', 1000);
        for (var i = 1; i < 2000; i++)
        {
            bench.Feed(UtpPacketType.Data, 2000, kilobyte, sequence: UtpBench.PeerSequence + i);
        }

        bench.Feed(UtpPacketType.Data, 2000, "first", sequence: UtpBench.PeerSequence);
        Assert.True(bench.Connection.Readable <= 11_000);
    }

    [Fact]
    public void What_is_too_far_ahead_is_not_kept()
    {
        var bench = UtpBench.Connected();
        bench.Feed(UtpPacketType.Data, 2000, "x", sequence: UtpBench.PeerSequence + bench.Limits.MaxPacketsAhead);
        bench.Connection.Flush(bench.Now);
        Assert.DoesNotContain(bench.TakeSent(), bytes => bytes[1] != 0);
    }

    [Fact]
    public void Windows_together_promise_no_more_than_there_is()
    {
        var bench = UtpBench.Connected();
        Assert.True(bench.Budget.TryTake(bench.Budget.Left));
        bench.Write(10_000_000);
        Assert.True(bench.Connection.Outstanding <= bench.Limits.MinReceiveWindow);
        bench.Connection.Dispose();
        Assert.Equal(0, bench.Budget.Left);
    }

    [Fact]
    public void Who_has_not_proven_its_address_gets_an_answer_and_no_data()
    {
        var table = new UtpSynTable(UtpSynLimits.Default);
        var syn = Syn(7, 100);
        Assert.True(table.TryAnswer(UtpBench.Peer, syn, Secrets, TimeSpan.Zero, out var pending));
        var answer = new byte[UtpHeader.Size];
        pending.WriteAnswer(answer, syn, 1000, TimeSpan.Zero);
        Assert.True(UtpPacket.TryRead(answer, out var read));
        Assert.Equal(
            (UtpPacketType.State, 7, 100),
            (read.Header.Type, read.Header.ConnectionId, read.Header.Acknowledged)
        );

        // Not having seen our number, it can only guess.
        Assert.False(table.TryProve(UtpBench.Peer, Data(8, 101, 0x4242), out _));
        Assert.False(table.TryProve(UtpBench.Peer, Data(8, 101, 0x4240), out _));
        var elsewhere = new IPEndPoint(UtpBench.Peer.Address, 1);
        Assert.False(table.TryProve(elsewhere, Data(8, 101, 0x4241), out _));
        Assert.True(table.TryProve(UtpBench.Peer, Data(8, 101, 0x4241), out var proven));
        Assert.Equal(pending, proven);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Guessing_the_proof_ends_after_a_few_tries()
    {
        var table = new UtpSynTable(UtpSynLimits.Default);
        table.TryAnswer(UtpBench.Peer, Syn(7, 100), Secrets, TimeSpan.Zero, out _);
        for (var guess = 0; guess < UtpSynLimits.Default.MaxWrong; guess++)
        {
            Assert.False(table.TryProve(UtpBench.Peer, Data(8, 101, guess), out _));
        }

        Assert.False(table.TryProve(UtpBench.Peer, Data(8, 101, 0x4241), out _));
    }

    [Fact]
    public void A_flood_of_calls_fills_nothing_and_one_network_gets_few_answers()
    {
        var table = new UtpSynTable(UtpSynLimits.Default);
        var answers = 0;
        for (var i = 0; i < 1000; i++)
        {
            var from = new IPEndPoint(IPAddress.Parse("2001:db8::" + (i + 1).ToString("x")), 1000 + i);
            answers += table.TryAnswer(from, Syn((ushort)i, 1), Secrets, TimeSpan.Zero, out _) ? 1 : 0;
        }

        Assert.Equal(UtpSynLimits.Default.MaxPerNetwork, answers);
        for (var i = 0; i < 10_000; i++)
        {
            var from = new IPEndPoint(new IPAddress([20, (byte)(i >> 8), (byte)i, 1]), 5);
            Assert.True(table.TryAnswer(from, Syn(1, 1), Secrets, TimeSpan.Zero, out _));
        }

        Assert.Equal(UtpSynLimits.Default.MaxPending, table.Count);
        table.TryAnswer(UtpBench.Peer, Syn(1, 1), Secrets, UtpSynLimits.Default.Patience, out _);
        Assert.Equal(1, table.Count);
    }

    [Fact]
    public void Repeating_one_call_gets_the_same_answer_a_few_times()
    {
        var table = new UtpSynTable(UtpSynLimits.Default);
        for (var i = 0; i < 100; i++)
        {
            var isAnswered = table.TryAnswer(
                UtpBench.Peer,
                Syn(7, 100),
                Secrets with
                {
                    Sequence = (ushort)i,
                },
                TimeSpan.Zero,
                out var pending
            );
            Assert.Equal(i < UtpSynLimits.Default.MaxAnswers, isAnswered);
            Assert.True(!isAnswered || pending.OurSequence == 0);
        }

        Assert.False(table.TryAnswer(UtpBench.Peer, Syn(7, 101), Secrets, TimeSpan.Zero, out _));
    }

    [Fact]
    public void Whatever_comes_in_whatever_order_the_state_stays_sound()
    {
        Fuzz.Run(
            150,
            random =>
            {
                var bench = UtpBench.Connected(UtpLimits.Default with { MinReceiveWindow = 20_000 });
                for (var step = 0; step < 300; step++)
                {
                    Step(bench, random);
                    Assert.True(bench.Connection.Readable <= 60_000);
                    Assert.True(bench.Connection.CongestionWindow >= 2 * 548);
                    Assert.True(bench.Connection.Outstanding >= 0);
                    Assert.True(bench.Connection.End != UtpEnd.None || bench.Connection.NextDue >= bench.Now);
                }

                bench.Connection.Dispose();
                Assert.Equal(64 * 1024 * 1024, bench.Budget.Left);
            }
        );
    }

    private static void Step(UtpBench bench, Random random)
    {
        switch (random.Next(10))
        {
            case 0:
                bench.Write(random.Next(5000));
                break;
            case 1:
                bench.Read();
                break;
            case 2:
                bench.Advance(random.Next(random.Next(10) == 0 ? 3000 : 30));
                break;
            case 3 when random.Next(30) == 0:
                bench.Connection.EndWriting();
                break;
            case 4 when random.Next(60) == 0:
                bench.Connection.Close(bench.Now);
                break;
            case 5:
                bench.Room = random.Next(4) == 0 ? random.Next(5) : int.MaxValue;
                bench.InterfaceSize = random.Next(3) == 0 ? 576 : 9000;
                break;
            default:
                Feed(bench, random);
                break;
        }

        bench.Connection.Flush(bench.Now);
    }

    private static void Feed(UtpBench bench, Random random)
    {
        bench.Window = (uint)(random.Next(4) == 0 ? random.Next(3000) : 1_000_000);
        var mask = random.Next(3) == 0 ? new byte[4 * random.Next(1, 20)] : null;
        if (mask is not null)
        {
            random.NextBytes(mask);
        }

        var sent = bench.TakeHeaders().Where(header => header.Type == UtpPacketType.Data).Select(h => (int)h.Sequence);
        var acknowledged = random.Next(8) switch
        {
            0 => random.Next(65536),
            1 => 2000,
            _ => sent.DefaultIfEmpty(2000).ElementAt(0) + random.Next(-3, 6),
        };
        bench.Feed(
            (UtpPacketType)random.Next(random.Next(20) == 0 ? 5 : 3),
            acknowledged,
            new string('x', random.Next(1500)),
            mask,
            random.Next(4) == 0 ? bench.NextPeerSequence + random.Next(-100, random.Next(20_000)) : null,
            (uint)random.Next(2_000_000),
            (uint)random.NextInt64(uint.MaxValue)
        );
    }

    private static UtpHeader Syn(ushort id, ushort sequence) => new(UtpPacketType.Syn, id, 0, 0, 1000, sequence, 0);

    private static UtpHeader Data(ushort id, int sequence, int acknowledged) =>
        new(UtpPacketType.Data, id, 0, 0, 1000, (ushort)sequence, (ushort)acknowledged);
}
