using System.Net;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>Whose addresses are tried first, and whose are forgotten.</summary>
public sealed class CandidateQueueTests
{
    private readonly CandidateQueue _queue = new();
    private long _number;

    private Candidate Named(
        string teller,
        int failures = 0,
        uint priority = 0,
        PeerSource source = PeerSource.Tracker
    ) =>
        new()
        {
            EndPoint = new IPEndPoint(new IPAddress([20, 0, (byte)(_number >> 8), (byte)_number]), 6881),
            Number = _number++,
            Priority = priority,
            Teller = new CandidateTeller(source, teller),
            Source = source,
            Failures = failures,
        };

    private Candidate Added(Candidate candidate)
    {
        _queue.Add(candidate);
        return candidate;
    }

    private Candidate? Take() => _queue.Take(TimeSpan.Zero, withHearsay: true, withSeeds: true);

    [Fact]
    public void Thousands_of_invented_addresses_delay_nobody_elses()
    {
        for (var i = 0; i < 5000; i++)
        {
            Added(Named("liar"));
        }

        var honest = Enumerable.Range(0, 20).Select(_ => Added(Named("honest"))).ToHashSet();
        var answered = 0;
        for (var attempt = 0; attempt < 25; attempt++)
        {
            var taken = Take()!;
            if (honest.Contains(taken))
            {
                answered++;
                _queue.Reward(taken);
            }
        }

        // Those of the liar cost it its turns; those that answer cost nothing.
        Assert.InRange(answered, 19, 20);
    }

    [Fact]
    public void Tellers_whose_addresses_do_not_answer_get_equal_parts()
    {
        for (var i = 0; i < 300; i++)
        {
            Added(Named(i % 30 == 0 ? "small" : "large"));
        }

        Assert.Equal(10, Enumerable.Range(0, 20).Count(_ => Take()!.Teller.Name == "small"));
    }

    [Fact]
    public void What_the_user_named_goes_first_whatever_else_is_there()
    {
        Added(Named("tracker", priority: 9));
        var user = Added(Named("", failures: 3, source: PeerSource.User));
        var local = Added(Named("", failures: 1, source: PeerSource.LocalDiscovery));
        Assert.Equal([user, local], [Take()!, Take()!]);
    }

    [Fact]
    public void A_new_teller_is_not_ahead_of_those_that_have_been_tried_for_long()
    {
        for (var i = 0; i < 100; i++)
        {
            Added(Named("old"));
        }

        for (var i = 0; i < 50; i++)
        {
            Take();
        }

        for (var i = 0; i < 50; i++)
        {
            Added(Named("new"));
        }

        Assert.InRange(Enumerable.Range(0, 20).Count(_ => Take()!.Teller.Name == "new"), 9, 11);
    }

    [Fact]
    public void A_full_list_is_shared_out_among_tellers()
    {
        for (var i = 0; i < 100; i++)
        {
            Added(Named("liar", priority: (uint)i));
        }

        for (var i = 0; i < 60; i++)
        {
            var newcomer = Named("honest");
            if (_queue.Worst(newcomer, TimeSpan.Zero) is { } worst)
            {
                Assert.Equal("liar", worst.Teller.Name);
                _queue.Remove(worst);
                Added(newcomer);
            }
        }

        var left = new List<Candidate>();
        while (Take() is { } taken)
        {
            left.Add(taken);
        }

        Assert.Equal(100, left.Count);
        Assert.Equal(50, left.Count(candidate => candidate.Teller.Name == "honest"));
        // And the liar does not get its places back, since nothing of the others failed.
        Assert.Null(_queue.Worst(Named("liar"), TimeSpan.Zero));
    }

    [Fact]
    public void It_decides_as_looking_at_everybody_would()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            Compare(seed);
        }
    }

    private void Compare(int seed)
    {
        var random = new Random(seed);
        var queue = new CandidateQueue();
        var oracle = new Oracle();
        Hearsay.Sponsor[] sponsors = [.. Enumerable.Range(1, 3).Select(i => new Hearsay.Sponsor(new IPAddress(i)))];
        var taken = new List<Candidate>();
        var now = TimeSpan.Zero;
        for (var step = 0; step < 300; step++)
        {
            now += TimeSpan.FromSeconds(random.Next(3));
            switch (random.Next(10))
            {
                case < 4:
                    var candidate = Named($"{random.Next(3)}", random.Next(3), (uint)random.Next(4));
                    candidate.NotBefore = now + TimeSpan.FromSeconds(random.Next(-5, 10));
                    candidate.Sponsor = random.Next(2) == 0 ? sponsors[random.Next(3)] : null;
                    candidate.Flags = random.Next(2) == 0 ? PexFlags.UploadOnly : PexFlags.None;
                    queue.Add(candidate);
                    oracle.Add(candidate);
                    break;
                case < 7:
                    var (withHearsay, withSeeds) = (random.Next(3) > 0, random.Next(3) > 0);
                    var expected = oracle.Take(now, withHearsay, withSeeds);
                    var actual = queue.Take(now, withHearsay, withSeeds);
                    Assert.True(expected == actual, $"seed {seed}, step {step}");
                    if (actual is not null)
                    {
                        taken.Add(actual);
                    }

                    break;
                case 7 when taken.Count > 0:
                    var one = taken[random.Next(taken.Count)];
                    taken.Remove(one);
                    if (one.Sponsor is { } sponsor && random.Next(2) == 0)
                    {
                        sponsor.Missed++;
                    }
                    else
                    {
                        queue.Reward(one);
                        oracle.Reward(one);
                    }

                    break;
                case 8 when oracle.All.Count > 0:
                    var any = oracle.All[random.Next(oracle.All.Count)];
                    queue.Remove(any);
                    oracle.Remove(any);
                    break;
            }

            var newcomer = Named($"{random.Next(3)}");
            Assert.True(oracle.Worst(newcomer, now) == queue.Worst(newcomer, now), $"worst: seed {seed}, step {step}");
            Assert.Equal(oracle.All.Count, queue.Count);
        }
    }

    /// <summary>The same rules, by looking at every candidate each time.</summary>
    private sealed class Oracle
    {
        private sealed record Key(CandidateTeller Teller, Hearsay.Sponsor? Sponsor, bool AreSeeds);

        private readonly Dictionary<Key, (double Cost, int Number)> _lanes = [];
        private double _hearsay;
        private double _floor;
        private int _lanesMade;

        public List<Candidate> All { get; } = [];

        private static Key KeyOf(Candidate one) =>
            one.Sponsor is null
                ? new Key(one.Teller, null, false)
                : new Key(default, one.Sponsor, one.Flags.HasFlag(PexFlags.UploadOnly));

        private double CostOf(Key key) => key.Sponsor is null ? _lanes[key].Cost : _hearsay;

        public void Add(Candidate one)
        {
            if (one.Sponsor is not null && !_lanes.Keys.Any(key => key.Sponsor is not null))
            {
                _hearsay = Math.Max(_hearsay, _floor);
            }

            if (!_lanes.ContainsKey(KeyOf(one)))
            {
                _lanes[KeyOf(one)] = (_floor, _lanesMade++);
            }

            All.Add(one);
        }

        public void Remove(Candidate one)
        {
            All.Remove(one);
            if (!All.Exists(other => KeyOf(other) == KeyOf(one)))
            {
                _lanes.Remove(KeyOf(one));
            }
        }

        public Candidate? Take(TimeSpan now, bool withHearsay, bool withSeeds)
        {
            var best = All.Where(one => one.NotBefore <= now)
                .Where(one => one.Sponsor is null || (withHearsay && (withSeeds || !KeyOf(one).AreSeeds)))
                .ToList();
            if (best.Count == 0)
            {
                return null;
            }

            var keys = best.Select(KeyOf).Distinct().OrderBy(key => _lanes[key].Number).ToList();
            var lane = keys[0];
            foreach (var key in keys.Skip(1))
            {
                lane = IsBefore(key, lane) ? key : lane;
            }

            var taken = best.Where(one => KeyOf(one) == lane)
                .OrderBy(one => one.Failures)
                .ThenByDescending(one => one.Priority)
                .ThenBy(one => one.Number)
                .First();
            _floor = Math.Max(_floor, CostOf(lane));
            Charge(lane, 1);
            Remove(taken);
            return taken;
        }

        private bool IsBefore(Key a, Key b)
        {
            if (CostOf(a) != CostOf(b))
            {
                return CostOf(a) < CostOf(b);
            }

            if (a.Sponsor is { } one && b.Sponsor is { } other && one.Missed != other.Missed)
            {
                return one.Missed < other.Missed;
            }

            return (_lanes[a].Cost, _lanes[a].Number).CompareTo((_lanes[b].Cost, _lanes[b].Number)) < 0;
        }

        public void Reward(Candidate one)
        {
            if (_lanes.ContainsKey(KeyOf(one)))
            {
                Charge(KeyOf(one), -1);
            }
            else if (one.Sponsor is not null)
            {
                _hearsay--;
            }
        }

        private void Charge(Key key, int attempts)
        {
            _lanes[key] = (_lanes[key].Cost + attempts, _lanes[key].Number);
            _hearsay += key.Sponsor is null ? 0 : attempts;
        }

        public Candidate? Worst(Candidate newcomer, TimeSpan now)
        {
            var lanes = All.GroupBy(KeyOf).OrderBy(lane => _lanes[lane.Key].Number).ToList();
            var own = lanes.Find(lane => lane.Key == KeyOf(newcomer));
            var longest = lanes.MaxBy(lane => lane.Count());
            static Candidate? WorstFailed(IEnumerable<Candidate> lane) =>
                lane.Where(one => one.Failures > 0)
                    .OrderByDescending(one => one.Failures)
                    .ThenBy(one => one.Number)
                    .FirstOrDefault();
            if (longest is null || longest.Count() <= (own?.Count() ?? 0) + 1)
            {
                return own is null ? null : WorstFailed(own);
            }

            return WorstFailed(longest)
                ?? longest
                    .Where(one => one.NotBefore <= now)
                    .OrderBy(one => one.Failures)
                    .ThenByDescending(one => one.Priority)
                    .ThenBy(one => one.Number)
                    .LastOrDefault()
                ?? longest.OrderBy(one => one.NotBefore).ThenBy(one => one.Number).LastOrDefault();
        }
    }
}
