using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class TickRotaTests
{
    private readonly TickRota _rota = new();

    private sealed class Sleeper : ITicked
    {
        public bool IsAwake { get; set; }

        // Time means nothing to it while it is not awake.
        public bool Sleeps { get; set; }
        public int Ticks { get; private set; }

        public TickWish Tick()
        {
            Ticks++;
            return IsAwake ? TickWish.Next
                : Sleeps ? TickWish.Never
                : TickWish.Seldom;
        }
    }

    [Fact]
    public void Whoever_is_awake_is_ticked_each_time()
    {
        var one = Join(isAwake: true);
        for (var i = 1; i <= 5; i++)
        {
            _rota.Tick();
            Assert.Equal(i, one.Ticks);
        }

        Assert.Equal([one], _rota.Awake);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(49)]
    [InlineData(50)]
    [InlineData(51)]
    [InlineData(1234)]
    public void Each_of_the_resting_has_a_turn_every_few_seconds(int count)
    {
        var all = Enumerable.Range(0, count).Select(_ => Join(isAwake: false)).ToList();
        _rota.Tick();
        Assert.Empty(_rota.Awake);
        Assert.All(all, one => Assert.Equal(1, one.Ticks));
        for (var i = 0; i < TickRota.RestTicks; i++)
        {
            _rota.Tick();
        }

        Assert.All(all, one => Assert.InRange(one.Ticks, 2, 3 + TickRota.RestTicks / count));
        // The work is spread over the ticks.
        var before = all.Sum(one => one.Ticks);
        _rota.Tick();
        Assert.InRange(all.Sum(one => one.Ticks) - before, 1, count / TickRota.RestTicks + 1);
    }

    [Fact]
    public void Who_is_woken_is_ticked_with_the_next_and_who_finds_work_in_its_turn_stays_awake()
    {
        var all = Enumerable.Range(0, 200).Select(_ => Join(isAwake: false)).ToList();
        _rota.Tick();
        all[77].IsAwake = true;
        _rota.Wake(all[77]);
        _rota.Wake(all[77]);
        _rota.Tick();
        Assert.Equal([all[77]], _rota.Awake);
        all[5].IsAwake = true;
        for (var i = 0; i < TickRota.RestTicks; i++)
        {
            _rota.Tick();
        }

        Assert.Contains(all[5], _rota.Awake);
        all[77].IsAwake = false;
        _rota.Tick();
        Assert.Equal([all[5]], _rota.Awake);
    }

    [Fact]
    public void Who_left_is_not_ticked_whatever_was_said_of_it()
    {
        var resting = Join(isAwake: false);
        var awake = Join(isAwake: true);
        _rota.Tick();
        _rota.Wake(resting);
        _rota.Remove(resting);
        _rota.Remove(awake);
        _rota.Wake(awake);
        _rota.Remove(awake);
        for (var i = 0; i < 2 * TickRota.RestTicks; i++)
        {
            _rota.Tick();
        }

        Assert.Equal((1, 1), (resting.Ticks, awake.Ticks));
        Assert.Empty(_rota.Awake);
    }

    [Fact]
    public void Who_sleeps_is_not_ticked_until_it_is_woken()
    {
        var all = Enumerable.Range(0, 10_000).Select(_ => Join(isAwake: false)).ToList();
        all.ForEach(one => one.Sleeps = true);
        _rota.Tick();
        for (var i = 0; i < 10 * TickRota.RestTicks; i++)
        {
            _rota.Tick();
        }

        Assert.All(all, one => Assert.Equal(1, one.Ticks));

        // Woken without anything to do it sleeps on; with something it stays awake, and comes to rest as others do.
        _rota.Wake(all[3]);
        all[4].IsAwake = true;
        _rota.Wake(all[4]);
        _rota.Tick();
        _rota.Tick();
        Assert.Equal((2, 3), (all[3].Ticks, all[4].Ticks));
        Assert.Equal([all[4]], _rota.Awake);

        (all[4].IsAwake, all[4].Sleeps) = (false, false);
        for (var i = 0; i <= TickRota.RestTicks; i++)
        {
            _rota.Tick();
        }

        Assert.Empty(_rota.Awake);
        Assert.InRange(all[4].Ticks, 5, 4 + TickRota.RestTicks + 1);
        _rota.Remove(all[3]);
        _rota.Wake(all[3]);
        _rota.Tick();
        Assert.Equal(2, all[3].Ticks);
    }

    /// <summary>A naive list beside it, and random changes.</summary>
    [Fact]
    public void Nobody_is_lost_or_listed_twice()
    {
        var random = new Random(1);
        var members = new List<Sleeper>();
        for (var round = 0; round < 3000; round++)
        {
            switch (random.Next(5))
            {
                case 0:
                    members.Add(Join(random.Next(2) == 0));
                    break;
                case 1 when members.Count > 0:
                    var leaver = members[random.Next(members.Count)];
                    members.Remove(leaver);
                    _rota.Remove(leaver);
                    break;
                case 2 when members.Count > 0:
                    var woken = members[random.Next(members.Count)];
                    woken.IsAwake = true;
                    _rota.Wake(woken);
                    break;
                case 3 when members.Count > 0:
                    var tired = members[random.Next(members.Count)];
                    (tired.IsAwake, tired.Sleeps) = (false, random.Next(2) == 0);
                    break;
            }

            var before = members.ToDictionary(one => one, one => one.Ticks);
            _rota.Tick();
            Assert.All(members, one => Assert.InRange(one.Ticks - before[one], 0, 1));
            Assert.Equal(_rota.Awake.Count, _rota.Awake.Distinct().Count());
            Assert.All(_rota.Awake, one => Assert.Contains((Sleeper)one, members));
        }
    }

    private Sleeper Join(bool isAwake)
    {
        var one = new Sleeper { IsAwake = isAwake };
        _rota.Add(one);
        return one;
    }
}
