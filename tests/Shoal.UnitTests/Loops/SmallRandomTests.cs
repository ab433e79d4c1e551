using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class SmallRandomTests
{
    [Fact]
    public void The_same_seed_gives_the_same_numbers()
    {
        var (one, other) = (new SmallRandom(7), new SmallRandom(7));
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(one.NextInt64(), other.NextInt64());
        }

        Assert.NotEqual(new SmallRandom(7).NextInt64(), new SmallRandom(8).NextInt64());
    }

    [Fact]
    public void Everything_stays_in_its_bounds_and_reaches_all_of_them()
    {
        var random = new SmallRandom(1);
        var counts = new int[6];
        for (var i = 0; i < 6000; i++)
        {
            counts[random.Next(6)]++;
            Assert.InRange(random.Next(-5, 5), -5, 4);
            Assert.InRange(random.NextDouble(), 0, 1 - double.Epsilon);
            Assert.InRange(random.NextInt64(long.MinValue, long.MaxValue), long.MinValue, long.MaxValue - 1);
            Assert.InRange(random.NextSingle(), 0, 0.99999994f);
        }

        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
        Assert.Equal((0, 0, 3), (random.Next(0), random.Next(1), random.Next(3, 3)));
        Assert.Throws<ArgumentOutOfRangeException>(() => random.Next(-1));
    }

    [Fact]
    public void Bytes_are_filled_to_the_end()
    {
        var seen = new int[13];
        var bytes = new byte[13];
        var random = new SmallRandom(3);
        for (var i = 0; i < 50; i++)
        {
            random.NextBytes(bytes);
            for (var j = 0; j < bytes.Length; j++)
            {
                seen[j] |= bytes[j];
            }
        }

        Assert.All(seen, bits => Assert.Equal(255, bits));
        int[] order = [.. Enumerable.Range(0, 20)];
        random.Shuffle(order);
        Assert.NotEqual(Enumerable.Range(0, 20), order);
        Assert.Equal(Enumerable.Range(0, 20), order.Order());
    }
}
