using Shoal.Daemon;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class AvailabilityTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Stays_sorted_whatever_happens(int seed)
    {
        const int Pieces = 60;
        var random = new Random(seed);
        var availability = new Availability(Pieces, new Random(seed));
        var counts = new int[Pieces];
        var listed = new int[Pieces];
        for (var round = 0; round < 3000; round++)
        {
            var piece = random.Next(Pieces);
            switch (random.Next(5))
            {
                case 0:
                case 1:
                    availability.Add(piece);
                    counts[piece]++;
                    break;
                case 2 when counts[piece] > 0:
                    availability.Remove(piece);
                    counts[piece]--;
                    break;
                case 3:
                    listed[piece] = random.Next(1, 8);
                    availability.List(piece, listed[piece]);
                    break;
                case 4:
                    listed[piece] = 0;
                    availability.Unlist(piece);
                    break;
            }

            availability.CheckInvariants(i => counts[i]);
            for (var level = 1; level < 8; level++)
            {
                var order = availability.Listed(level).ToArray();
                Assert.Equal(Enumerable.Range(0, Pieces).Where(i => listed[i] == level), order.Order());
                Assert.Equal(order.Select(i => counts[i]).Order(), order.Select(i => counts[i]));
            }
        }
    }

    [Fact]
    public void Seeds_count_for_every_piece_at_once()
    {
        var availability = new Availability(4, new Random(1));
        availability.AddSeed();
        availability.Add(2);
        Assert.Equal([1, 1, 2, 1], Enumerable.Range(0, 4).Select(i => availability[i]));
        Assert.Equal(1.25, availability.DistributedCopies());
        availability.RemoveSeed();
        Assert.Equal(0.25, availability.DistributedCopies());
    }

    [Fact]
    public void Snapshots_say_how_many_have_each_piece_while_somebody_looks()
    {
        var fixture = new SwarmFixture(new TorrentBuilder(TorrentFormat.V1).Single(60_000, 5).Build());
        byte[]? Copies() => fixture.Swarm.CreateStatus(fixture.Now).Copies;
        fixture.JoinOthersWithEverything();
        Assert.Null(Copies());
        fixture.Do(new SwarmEvent(SwarmEventKind.Command, Payload: new SwarmCommand.ShowCopies()));
        Assert.Equal([1, 2, 2, 1], Copies());
        fixture.JoinSeed(out _);
        Assert.Equal([2, 3, 3, 2], Copies());
        fixture.Now += SwarmLimits.Default.CopiesShown;
        fixture.Do(new SwarmEvent(SwarmEventKind.Tick));
        Assert.Null(Copies());
    }

    [Fact]
    public void More_peers_than_a_byte_can_count_are_many()
    {
        var availability = new Availability(2, new Random(1));
        for (var i = 0; i < 300; i++)
        {
            availability.AddSeed();
        }

        Assert.Equal([255, 255], availability.Copies());
        Assert.Equal(255, TorrentItems.AvailabilityOf(availability.Copies()));
        Assert.Equal(1.5, TorrentItems.AvailabilityOf([1, 2, 1, 2]));
        Assert.Equal(0.67, TorrentItems.AvailabilityOf([1, 0, 1]));
    }

    [Fact]
    public void Bit_questions_agree_with_the_slow_way()
    {
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            var length = random.Next(1, 200);
            var a = new Bitfield(length);
            var b = new Bitfield(length);
            for (var i = 0; i < length; i++)
            {
                _ = random.Next(2) == 0 && a.Set(i);
                _ = random.Next(4) == 0 && b.Set(i);
            }

            var both = Enumerable.Range(0, length).Where(i => a[i] && b[i]).ToList();
            Assert.Equal(both.Count, BitScan.CountCommon(a, b));
            for (var from = 0; from <= length; from++)
            {
                var expected = both.Where(i => i >= from).DefaultIfEmpty(-1).First();
                Assert.Equal(expected, BitScan.FirstCommon(a, b, from));
            }
        }
    }
}
