using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class LookRotaTests
{
    private const int Turns = 300;

    private readonly LookRota<string> _rota = new(Turns);
    private readonly List<string> _looks = [];

    [Fact]
    public void Those_that_rest_are_looked_at_by_turns_and_the_work_is_spread()
    {
        const int Count = 10_000;
        for (var i = 0; i < Count; i++)
        {
            _rota.Join($"{i}", i);
        }

        Assert.Equal(Count, Pass().Count);
        var times = new Dictionary<string, int>();
        for (var pass = 0; pass < 2 * Turns; pass++)
        {
            var looks = Pass();
            Assert.InRange(looks.Count, Count / Turns, Count / Turns + 1);
            foreach (var one in looks)
            {
                times[one] = times.GetValueOrDefault(one) + 1;
            }
        }

        Assert.Equal(Count, times.Count);
        Assert.All(times.Values, looks => Assert.Equal(2, looks));
    }

    [Fact]
    public void Who_has_news_is_looked_at_until_it_rests()
    {
        _rota.Join("a", 1);
        _rota.Join("b", 2);
        Pass();
        Skip(10);
        _rota.HasNews("b");
        _rota.HasNews("b");
        for (var i = 0; i < 20; i++)
        {
            _rota.Next(_looks);
            Assert.Equal(["b"], _looks);
        }

        _rota.Rests("b");
        Assert.Empty(Pass());
    }

    [Fact]
    public void All_can_have_news_and_who_left_has_none()
    {
        _rota.Join("a", 1);
        _rota.Join("b", 1);
        _rota.Join("c", 7);
        Pass();
        _rota.Leave("b", 1);
        _rota.AllHaveNews();
        Assert.Equal(["a", "c"], Pass().Order());
        var seen = new HashSet<string>();
        for (var i = 0; i < Turns; i++)
        {
            seen.UnionWith(Pass());
        }

        Assert.Equal(["a", "c"], seen.Order());
    }

    private List<string> Pass()
    {
        _rota.Next(_looks);
        _looks.ForEach(_rota.Rests);
        return _looks;
    }

    private void Skip(int passes)
    {
        for (var i = 0; i < passes; i++)
        {
            Pass();
        }
    }
}
