using System.Collections.Concurrent;

namespace Shoal.Engine;

/// <summary>When to be ticked again. Whoever has itself woken (<see cref="TickRota.Wake"/>) is ticked next time, whatever it said.</summary>
internal readonly record struct TickWish
{
    /// <summary>Next time.</summary>
    public static TickWish Next { get; } = new() { IsAwake = true };

    /// <summary>It rests: when its turn among the resting comes.</summary>
    public static TickWish Seldom { get; } = new() { IsResting = true };

    /// <summary>It sleeps: time means nothing to it.</summary>
    public static TickWish Never => default;

    public bool IsAwake { get; private init; }
    public bool IsResting { get; private init; }

    /// <summary>Of who sleeps: how long; null: until it is woken.</summary>
    public TimeSpan? Wait { get; private init; }

    /// <summary>It sleeps until then: not a tick sooner, up to a second later.</summary>
    /// <param name="wait">From now on; null: <see cref="Never"/>.</param>
    public static TickWish After(TimeSpan? wait) => new() { Wait = wait };
}

/// <summary>Something that wants to know that time passes.</summary>
internal interface ITicked
{
    /// <summary>Called by <see cref="TickRota.Tick"/>, one call at a time.</summary>
    TickWish Tick();
}

/// <summary>
/// Who is ticked when: those with something to do each time, the resting by turns, those that sleep when their time has come, or
/// not at all. So thousands of torrents without peers cost nothing, and those of them to which time may bring something at any moment
/// are still looked at every five seconds.
/// </summary>
/// <remarks>Everything but <see cref="Tick"/> is safe from any thread.</remarks>
internal sealed class TickRota
{
    /// <summary>Ticks in which each of the resting has one turn: five seconds.</summary>
    public const int RestTicks = 50;

    /// <summary>
    /// Seconds that somebody may sleep, 34 minutes: a little more than the longest time between two announces of the DHT. Who wants to
    /// sleep longer is ticked once in between.
    /// </summary>
    public const int MaxSleep = 2048;

    private readonly ConcurrentQueue<(ITicked? Who, Change Change)> _changes = new();
    private readonly List<ITicked> _awake = [];
    private readonly List<ITicked> _resting = [];

    // A wheel: whose time comes in the second with that number, modulo the length. Made when first needed.
    private readonly List<ITicked>?[] _sleeping = new List<ITicked>?[MaxSleep];

    // Without a list: it sleeps until it is woken.
    private readonly Dictionary<ITicked, (List<ITicked>? List, int Index)> _places = [];
    private int _cursor;
    private TimeSpan _now;
    private long _second;

    private enum Change
    {
        Joined,
        Woken,
        Left,
        AllWoken,
    }

    /// <summary>Those that were not resting after the last tick. For the caller of <see cref="Tick"/> only.</summary>
    public IReadOnlyList<ITicked> Awake => _awake;

    public void Add(ITicked who) => _changes.Enqueue((who, Change.Joined));

    /// <summary>It is not called any more after the next tick has begun.</summary>
    public void Remove(ITicked who) => _changes.Enqueue((who, Change.Left));

    /// <summary>It has something to do again.</summary>
    public void Wake(ITicked who) => _changes.Enqueue((who, Change.Woken));

    /// <summary>All have something to do again.</summary>
    public void WakeAll() => _changes.Enqueue((null, Change.AllWoken));

    /// <summary>Ticks all that are awake, some of the resting, and those that have slept long enough.</summary>
    /// <param name="now">Of any clock that does not go back.</param>
    public void Tick(TimeSpan now)
    {
        _now = now;
        while (_changes.TryDequeue(out var change))
        {
            if (change.Who is { } who)
            {
                Apply(who, change.Change);
            }
            else
            {
                _places.Keys.ToList().ForEach(each => Apply(each, Change.Woken));
            }
        }

        var last = _awake.Count - 1;
        for (var turns = (_resting.Count + RestTicks - 1) / RestTicks; turns > 0; turns--)
        {
            _cursor = _cursor > 0 ? Math.Min(_cursor, _resting.Count) - 1 : _resting.Count - 1;
            Put(_resting[_cursor], _resting, _resting[_cursor].Tick());
        }

        TickSleepers();

        // Whoever moves is replaced by the last of its list, so the list is walked from its end; those that were ticked
        // above stand behind.
        for (var i = last; i >= 0; i--)
        {
            Put(_awake[i], _awake, _awake[i].Tick());
        }
    }

    private void TickSleepers()
    {
        var before = _second;
        _second = _now.Ticks / TimeSpan.TicksPerSecond;
        for (var passed = Math.Min(_second - before, MaxSleep); passed > 0; passed--)
        {
            // Whoever moves is replaced by the last of its list here too.
            var list = _sleeping[(_second - passed + 1) % MaxSleep];
            for (var i = (list?.Count ?? 0) - 1; i >= 0; i--)
            {
                Put(list![i], list, list[i].Tick());
            }
        }
    }

    /// <summary>Those whose time comes when his does.</summary>
    private List<ITicked> SleepersFor(TimeSpan wait)
    {
        var due = (_now + wait).Ticks / TimeSpan.TicksPerSecond + 1;
        return _sleeping[Math.Clamp(due, _second + 1, _second + MaxSleep - 1) % MaxSleep] ??= [];
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
        var to =
            wish.IsAwake ? _awake
            : wish.IsResting ? _resting
            : wish.Wait is { } wait ? SleepersFor(wait)
            : null;
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
