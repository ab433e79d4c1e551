namespace Shoal.Daemon;

/// <summary>
/// Whom to look at in a pass over many of which few do anything: those that have news, until they rest, and of the others each when
/// its turn comes, since for them too time passes.
/// </summary>
/// <param name="turns">Passes in which each has one turn.</param>
internal sealed class LookRota<T>(int turns)
    where T : notnull
{
    private readonly HashSet<T> _news = [];
    private readonly List<T>?[] _turns = new List<T>?[turns];
    private int _turn;

    /// <param name="number">Says when its turn is: consecutive ones spread evenly.</param>
    public void Join(T who, int number)
    {
        (_turns[number % turns] ??= []).Add(who);
        _news.Add(who);
    }

    /// <param name="number">The same as when it joined.</param>
    public void Leave(T who, int number)
    {
        _turns[number % turns]?.Remove(who);
        _news.Remove(who);
    }

    /// <summary>It is looked at in the next pass, and in those after it.</summary>
    public void HasNews(T who) => _news.Add(who);

    public void AllHaveNews()
    {
        foreach (var turn in _turns)
        {
            _news.UnionWith(turn ?? []);
        }
    }

    /// <summary>Until it has news again it is looked at by turns.</summary>
    public void Rests(T who) => _news.Remove(who);

    /// <summary>Begins a pass.</summary>
    /// <param name="all">Emptied, then those to be looked at.</param>
    public void Next(List<T> all)
    {
        _turn = (_turn + 1) % turns;
        _news.UnionWith(_turns[_turn] ?? []);
        all.Clear();
        all.AddRange(_news);
    }
}
