using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class TickRotaTests
{
    private readonly TickRota _rota = new();
    private TimeSpan _now;

    private sealed class Sleeper : ITicked
    {
        public bool IsAwake { get; set; }

        // Time means nothing to it while it is not awake.
        public bool Sleeps { get; set; }

        // When it wants to be ticked while it sleeps; null: never.
        public TimeSpan? Due { get; set; }
        public Func<TimeSpan> Now { get; init; } = () => TimeSpan.Zero;
        public TimeSpan Ticked { get; private set; }
        public int Ticks { get; private set; }

        public TickWish Tick()
        {
            Ticks++;
            Ticked = Now();
            return IsAwake ? TickWish.Next
                : Sleeps ? TickWish.After(Due - Now())
                : TickWish.Seldom;
        }
    }

    [Fact]
    public void Whoever_is_awake_is_ticked_each_time()
    {
        var one = Join(isAwake: true);
        for (var i = 1; i <= 5; i++)
        {
            Pass();
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
        Pass();
        Assert.Empty(_rota.Awake);
        Assert.All(all, one => Assert.Equal(1, one.Ticks));
        for (var i = 0; i < TickRota.RestTicks; i++)
        {
            Pass();
        }

        Assert.All(all, one => Assert.InRange(one.Ticks, 2, 3 + TickRota.RestTicks / count));
        // The work is spread over the ticks.
        var before = all.Sum(one => one.Ticks);
        Pass();
        Assert.InRange(all.Sum(one => one.Ticks) - before, 1, count / TickRota.RestTicks + 1);
    }

    [Fact]
    public void Who_is_woken_is_ticked_with_the_next_and_who_finds_work_in_its_turn_stays_awake()
    {
        var all = Enumerable.Range(0, 200).Select(_ => Join(isAwake: false)).ToList();
        Pass();
        all[77].IsAwake = true;
        _rota.Wake(all[77]);
        _rota.Wake(all[77]);
        Pass();
        Assert.Equal([all[77]], _rota.Awake);
        all[5].IsAwake = true;
        for (var i = 0; i < TickRota.RestTicks; i++)
        {
            Pass();
        }

        Assert.Contains(all[5], _rota.Awake);
        all[77].IsAwake = false;
        Pass();
        Assert.Equal([all[5]], _rota.Awake);
    }

    [Fact]
    public void Who_left_is_not_ticked_whatever_was_said_of_it()
    {
        var resting = Join(isAwake: false);
        var awake = Join(isAwake: true);
        Pass();
        _rota.Wake(resting);
        _rota.Remove(resting);
        _rota.Remove(awake);
        _rota.Wake(awake);
        _rota.Remove(awake);
        for (var i = 0; i < 2 * TickRota.RestTicks; i++)
        {
            Pass();
        }

        Assert.Equal((1, 1), (resting.Ticks, awake.Ticks));
        Assert.Empty(_rota.Awake);
    }

    [Fact]
    public void Who_sleeps_is_not_ticked_until_it_is_woken()
    {
        var all = Enumerable.Range(0, 10_000).Select(_ => Join(isAwake: false)).ToList();
        all.ForEach(one => one.Sleeps = true);
        Pass();
        for (var i = 0; i < 10 * TickRota.RestTicks; i++)
        {
            Pass();
        }

        Assert.All(all, one => Assert.Equal(1, one.Ticks));

        // Woken without anything to do it sleeps on; with something it stays awake, and comes to rest as others do.
        _rota.Wake(all[3]);
        all[4].IsAwake = true;
        _rota.Wake(all[4]);
        Pass();
        Pass();
        Assert.Equal((2, 3), (all[3].Ticks, all[4].Ticks));
        Assert.Equal([all[4]], _rota.Awake);

        (all[4].IsAwake, all[4].Sleeps) = (false, false);
        for (var i = 0; i <= TickRota.RestTicks; i++)
        {
            Pass();
        }

        Assert.Empty(_rota.Awake);
        Assert.InRange(all[4].Ticks, 5, 4 + TickRota.RestTicks + 1);
        _rota.Remove(all[3]);
        _rota.Wake(all[3]);
        Pass();
        Assert.Equal(2, all[3].Ticks);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.05, 0)]
    [InlineData(1, 0)]
    [InlineData(899.95, 0)]
    [InlineData(2045, 0)]
    [InlineData(2049, 1)]
    [InlineData(7200, 3)]
    public void Who_sleeps_until_a_time_is_ticked_then_and_not_before(double wait, int between)
    {
        var early = Enumerable.Range(0, 100).Select(_ => Join(isAwake: true)).ToList();
        Pass();
        foreach (var one in early)
        {
            (one.IsAwake, one.Sleeps, one.Due) = (false, true, _now + TimeSpan.FromSeconds(wait));
        }

        Pass();
        var ticks = early[0].Ticks;
        var due = early[0].Due!.Value;
        while (_now < due)
        {
            Pass();
        }

        Assert.All(early, one => Assert.InRange(one.Ticks - ticks, 0, between));
        early.ForEach(one => one.Due = null);
        for (var i = 0; i < 12; i++)
        {
            Pass();
        }

        Assert.All(early, one => Assert.InRange(one.Ticked, due, due + TimeSpan.FromSeconds(1.2)));
        Assert.Empty(_rota.Awake);
        var done = early[0].Ticks;
        Pass(30_000);
        Assert.All(early, one => Assert.Equal(done, one.Ticks));
    }

    [Fact]
    public void A_pause_of_the_machine_makes_nobody_miss_his_time_or_be_ticked_twice()
    {
        var all = Enumerable.Range(1, 3000).Select(_ => Join(isAwake: false)).ToList();
        for (var i = 0; i < all.Count; i++)
        {
            (all[i].Sleeps, all[i].Due) = (true, TimeSpan.FromSeconds(i / 2 + 1));
        }

        Pass();
        all.ForEach(one => one.Due = null);
        _now = TimeSpan.FromDays(3);
        Pass();
        Assert.All(all, one => Assert.Equal(2, one.Ticks));
    }

    [Fact]
    public void All_can_be_woken_and_whoever_leaves_or_is_woken_is_not_ticked_when_his_time_comes()
    {
        var all = Enumerable.Range(0, 10).Select(_ => Join(isAwake: false)).ToList();
        all.ForEach(one => (one.Sleeps, one.Due) = (true, TimeSpan.FromSeconds(60)));
        all[9].Due = null;
        Pass();
        _rota.WakeAll();
        _rota.Remove(all[0]);
        all[1].Due = null;
        _rota.Wake(all[2]);
        Pass();
        Assert.Equal(1, all[0].Ticks);
        Assert.All(all.Skip(1), one => Assert.Equal(2, one.Ticks));
        all[5].Due = TimeSpan.FromSeconds(10);
        _rota.Wake(all[5]);
        Pass(620);
        Assert.Equal((2, 2), (all[1].Ticks, all[9].Ticks));
        Assert.InRange(all[2].Ticks, 3, 6);
        Assert.InRange(all[5].Ticks, 4, 700);
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
                    tired.Due = random.Next(2) == 0 ? null : _now + TimeSpan.FromSeconds(random.Next(100));
                    break;
            }

            var before = members.ToDictionary(one => one, one => one.Ticks);
            Pass();
            Assert.All(members, one => Assert.InRange(one.Ticks - before[one], 0, 1));
            Assert.Equal(_rota.Awake.Count, _rota.Awake.Distinct().Count());
            Assert.All(_rota.Awake, one => Assert.Contains((Sleeper)one, members));
        }
    }

    private Sleeper Join(bool isAwake)
    {
        var one = new Sleeper { IsAwake = isAwake, Now = () => _now };
        _rota.Add(one);
        return one;
    }

    private void Pass(int count = 1)
    {
        for (; count > 0; count--)
        {
            _now += TimeSpan.FromMilliseconds(100);
            _rota.Tick(_now);
        }
    }
}
