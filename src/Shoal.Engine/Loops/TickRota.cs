using System.Collections.Concurrent;

namespace Shoal.Engine;

/// <summary>When to be ticked again. Whoever has itself woken (<see cref="TickRota.Wake"/>) is ticked next time, whatever it said.</summary>
internal enum TickWish
{
    /// <summary>Next time.</summary>
    Next,

    /// <summary>It rests: when its turn among the resting comes.</summary>
    Seldom,

    /// <summary>It sleeps: time means nothing to it.</summary>
    Never,
}

/// <summary>Something that wants to know that time passes.</summary>
internal interface ITicked
{
    /// <summary>Called by <see cref="TickRota.Tick"/>, one call at a time.</summary>
    TickWish Tick();
}

/// <summary>
/// Who is ticked when: those with something to do each time, the resting by turns, those that sleep not at all. So thousands of
/// torrents without peers cost nothing, and those of them to which time may bring something are still looked at every five seconds.
/// </summary>
/// <remarks>Everything but <see cref="Tick"/> is safe from any thread.</remarks>
internal sealed class TickRota
{
    /// <summary>Ticks in which each of the resting has one turn: five seconds.</summary>
    public const int RestTicks = 50;

    private readonly ConcurrentQueue<(ITicked Who, Change Change)> _changes = new();
    private readonly List<ITicked> _awake = [];
    private readonly List<ITicked> _resting = [];

    // Without a list: it sleeps.
    private readonly Dictionary<ITicked, (List<ITicked>? List, int Index)> _places = [];
    private int _cursor;

    private enum Change
    {
        Joined,
        Woken,
        Left,
    }

    /// <summary>Those that were not resting after the last tick. For the caller of <see cref="Tick"/> only.</summary>
    public IReadOnlyList<ITicked> Awake => _awake;

    public void Add(ITicked who) => _changes.Enqueue((who, Change.Joined));

    /// <summary>It is not called any more after the next tick has begun.</summary>
    public void Remove(ITicked who) => _changes.Enqueue((who, Change.Left));

    /// <summary>It has something to do again.</summary>
    public void Wake(ITicked who) => _changes.Enqueue((who, Change.Woken));

    /// <summary>Ticks all that are awake, and some of the resting.</summary>
    public void Tick()
    {
        while (_changes.TryDequeue(out var change))
        {
            Apply(change.Who, change.Change);
        }

        var last = _awake.Count - 1;
        for (var turns = (_resting.Count + RestTicks - 1) / RestTicks; turns > 0; turns--)
        {
            _cursor = _cursor > 0 ? Math.Min(_cursor, _resting.Count) - 1 : _resting.Count - 1;
            Put(_resting[_cursor], _resting, _resting[_cursor].Tick());
        }

        // Whoever moves is replaced by the last of its list, so the list is walked from its end; those that were ticked
        // above stand behind.
        for (var i = last; i >= 0; i--)
        {
            Put(_awake[i], _awake, _awake[i].Tick());
        }
    }

    private void Apply(ITicked who, Change change)
    {
        var isKnown = _places.TryGetValue(who, out var place);
        switch (change)
        {
            case Change.Joined when !isKnown:
                Put(who, _awake);
                break;
            case Change.Woken when isKnown && place.List != _awake:
                Take(who);
                Put(who, _awake);
                break;
            case Change.Left when isKnown:
                Take(who);
                break;
        }
    }

    /// <summary>Where it belongs by what it wished after a tick.</summary>
    private void Put(ITicked who, List<ITicked> from, TickWish wish)
    {
        var to = wish switch
        {
            TickWish.Next => _awake,
            TickWish.Seldom => _resting,
            _ => null,
        };
        if (to != from)
        {
            Take(who);
            Put(who, to);
        }
    }

    private void Put(ITicked who, List<ITicked>? list)
    {
        _places[who] = (list, list?.Count ?? 0);
        list?.Add(who);
    }

    private void Take(ITicked who)
    {
        _places.Remove(who, out var place);
        if (place.List is not { } list)
        {
            return;
        }

        var last = list[^1];
        list.RemoveAt(list.Count - 1);
        if (last != who)
        {
            list[place.Index] = last;
            _places[last] = place;
        }
    }
}
