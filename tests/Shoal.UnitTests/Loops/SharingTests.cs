using System.Net;
using Shoal.Engine;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>How the torrents of one engine share calls, places and uploads.</summary>
public sealed class SharingTests
{
    private static readonly SharingLimits Limits = SharingLimits.Default;

    private static DialWish Wish(int i) =>
        new(new IPEndPoint(new IPAddress([60, (byte)(i >> 8), (byte)i, 1]), 6881), 0);

    private static DialWish Punch(int i) => Wish(i) with { Hints = DialHints.UtpOnly | DialHints.Punch };

    [Fact]
    public void The_torrent_that_is_worst_off_calls_next()
    {
        var queue = new DialQueue(100, Limits, _ => true);
        var rich = new TorrentShare(() => { }) { Taken = 40 };
        var poor = new TorrentShare(() => { }) { Taken = 2 };
        var seeding = new TorrentShare(() => { }) { Taken = 1, Kind = ShareKind.Seeding };
        foreach (var share in (TorrentShare[])[rich, seeding, poor])
        {
            queue.Add(share, Wish(1));
        }

        Assert.Equal([poor, seeding, rich], Drain(queue, TimeSpan.Zero));
    }

    [Fact]
    public void Torrents_that_are_as_well_off_take_turns()
    {
        var queue = new DialQueue(100, Limits, _ => true);
        TorrentShare[] shares = [.. Enumerable.Range(0, 5).Select(_ => new TorrentShare(() => { }))];
        foreach (var share in shares)
        {
            Enumerable.Range(0, 4).ToList().ForEach(i => queue.Add(share, Wish(i)));
        }

        var calls = Drain(queue, TimeSpan.Zero);
        Assert.Equal(20, calls.Count);
        for (var round = 0; round < 20; round += 5)
        {
            Assert.Equal(5, calls.GetRange(round, 5).Distinct().Count());
        }
    }

    [Fact]
    public void Calls_are_bounded_at_once_and_a_second()
    {
        var queue = new DialQueue(80, Limits, _ => true);
        var share = new TorrentShare(() => { });
        Enumerable.Range(0, 500).ToList().ForEach(i => queue.Add(share, Wish(i)));
        Assert.Equal(50, Drain(queue, TimeSpan.Zero).Count);
        Assert.Equal(25, Drain(queue, TimeSpan.FromSeconds(0.5)).Count);
        Assert.Equal(5, Drain(queue, TimeSpan.FromSeconds(9)).Count);
        queue.Ended();
        Assert.Single(Drain(queue, TimeSpan.FromSeconds(9)));
        queue.Drop(share);
        queue.Ended();
        Assert.Empty(Drain(queue, TimeSpan.FromSeconds(20)));
        Assert.True(queue.IsEmpty);
    }

    [Fact]
    public void Without_a_place_nobody_is_called()
    {
        var hasPlace = false;
        var queue = new DialQueue(100, Limits, _ => hasPlace);
        queue.Add(new TorrentShare(() => { }), Wish(1));
        Assert.Empty(Drain(queue, TimeSpan.Zero));
        hasPlace = true;
        Assert.Single(Drain(queue, TimeSpan.Zero));
    }

    /// <summary>The other side of a call that a relay arranged calls now, not when the queue is through (BEP 55).</summary>
    [Fact]
    public void A_hole_punch_goes_ahead_of_all_torrents_calls_even_when_all_places_for_calls_are_taken()
    {
        var queue = new DialQueue(20, Limits, _ => true);
        var others = Enumerable.Range(0, 100).Select(_ => new TorrentShare(() => { })).ToList();
        others.ForEach(share => Enumerable.Range(0, 20).ToList().ForEach(i => queue.Add(share, Wish(i))));
        Assert.Equal(20, Drain(queue, TimeSpan.Zero).Count);
        // The richest of all.
        var share = new TorrentShare(() => { }) { Taken = 400 };
        queue.Add(share, Wish(1));
        queue.Add(share, Punch(2));
        Assert.True(queue.TryNext(TimeSpan.Zero, out var next, out var wish));
        Assert.Equal((share, Punch(2) with { IsAhead = true }), (next, wish));
        Assert.Empty(Drain(queue, TimeSpan.FromSeconds(9)));
        queue.Ended(wish);
        Assert.Equal((20, 0), (queue.Running, queue.RunningAhead));
    }

    [Fact]
    public void Hole_punches_without_end_take_nothing_from_other_calls_nor_one_torrents_from_anothers()
    {
        var queue = new DialQueue(1000, Limits, _ => true);
        var (attacked, honest, ordinary) = (
            new TorrentShare(() => { }) { Taken = 3 },
            new TorrentShare(() => { }) { Taken = 400 },
            new TorrentShare(() => { }) { Taken = 3 }
        );
        Enumerable.Range(0, 1000).ToList().ForEach(i => queue.Add(attacked, Punch(i)));
        Enumerable.Range(0, 1000).ToList().ForEach(i => queue.Add(ordinary, Wish(i)));
        Assert.Equal(60, Drain(queue, TimeSpan.Zero).Count);
        queue.Add(honest, Punch(5000));
        var (ahead, calls) = (new List<TorrentShare>(), 0);
        for (var now = TimeSpan.Zero; now < TimeSpan.FromSeconds(10); now += TimeSpan.FromSeconds(0.1))
        {
            while (queue.TryNext(now, out var share, out var wish))
            {
                if (wish.IsAhead)
                {
                    ahead.Add(share);
                }

                calls += share == ordinary ? 1 : 0;
                queue.Ended(wish);
            }
        }

        // Those that were given out at first never ended: half of the places for hole punches.
        Assert.InRange(ahead.IndexOf(honest), 0, 1);
        Assert.InRange(ahead.Count, 45, 50);
        // Their torrent has its turns as any other has, and no more.
        Assert.InRange(calls, 230, 270);
    }

    [Fact]
    public void Hole_punches_that_hang_do_not_take_more_than_their_places()
    {
        var queue = new DialQueue(50, Limits, _ => true);
        var share = new TorrentShare(() => { });
        Enumerable.Range(0, 100).ToList().ForEach(i => queue.Add(share, Punch(i)));
        for (var second = 0; second < 60; second++)
        {
            Drain(queue, TimeSpan.FromSeconds(second));
        }

        Assert.Equal((50, Limits.PunchesAtOnce), (queue.Running, queue.RunningAhead));
        queue.Drop(share);
        Assert.True(queue.IsEmpty);
        Assert.Empty(share.Punches);
    }

    [Fact]
    public void A_call_that_comes_to_nothing_and_asks_for_another_does_not_nest()
    {
        var time = new VirtualTime();
        var dialling = new Dialling(new DialQueue(1, Limits, _ => true), time);
        var share = new TorrentShare(() => { });
        var (depth, deepest, calls) = (0, 0, 0);
        dialling.Join(
            share,
            wish =>
            {
                deepest = Math.Max(deepest, ++depth);
                if (++calls < 40)
                {
                    dialling.Ask(share, wish);
                }

                depth--;
                return false;
            }
        );
        dialling.Ask(share, Wish(1));
        Assert.Equal((40, 1), (calls, deepest));
        dialling.Leave(share);
        dialling.Ask(share, Wish(1));
        Assert.Equal(40, calls);
    }

    /// <summary>
    /// A thousand torrents, each with more candidates than it can use, 500 places, and one torrent that was there long
    /// before the others; then 20 that seed begin to download.
    /// </summary>
    [Fact]
    public void A_thousand_torrents_all_get_peers()
    {
        const int places = 500;
        var now = TimeSpan.Zero;
        var options = new EngineOptions { StateDirectory = "unused", MaxPeers = places };
        var slots = new ConnectionSlots(options, Limits, TimeProvider.System);
        var queue = new DialQueue(100, Limits, slots.HasPlaceFor);
        var held = new Dictionary<TorrentShare, Queue<IPAddress>>();
        var next = 0;
        TorrentShare Join(ShareKind kind)
        {
            TorrentShare? share = null;
            share = slots.Join(() => slots.Return(share!, held[share!].Dequeue()));
            held[share] = new Queue<IPAddress>();
            slots.SetKind(share, kind);
            return share;
        }

        void Run(int seconds, IReadOnlyList<TorrentShare> wanting)
        {
            for (var tick = 0; tick < seconds * 10; tick++)
            {
                now += TimeSpan.FromMilliseconds(100);
                foreach (var share in wanting)
                {
                    while (share.Wishes.Count < 20)
                    {
                        queue.Add(share, Wish(next++));
                    }
                }

                while (queue.TryNext(now, out var share, out var wish))
                {
                    var address = wish.EndPoint.Address;
                    if (slots.TryTake(share, address, out _))
                    {
                        held[share].Enqueue(address);
                    }

                    queue.Ended();
                }
            }
        }

        var old = Join(ShareKind.Downloading);
        Run(20, [old]);
        Assert.Equal(places, old.Taken);
        List<TorrentShare> all = [old];
        all.AddRange(Enumerable.Range(0, 99).Select(_ => Join(ShareKind.Downloading)));
        Run(60, all);
        Assert.All(all, share => Assert.InRange(share.Taken, 4, 6));

        all.AddRange(Enumerable.Range(0, 900).Select(_ => Join(ShareKind.Seeding)));
        Run(60, all);
        Assert.All(all.Take(100), share => Assert.InRange(share.Taken, 2, 5));
        Assert.InRange(all.Skip(100).Sum(share => share.Taken), 50, 200);

        all.GetRange(100, 20).ForEach(share => slots.SetKind(share, ShareKind.Downloading));
        Run(30, all);
        Assert.All(all.Take(120), share => Assert.InRange(share.Taken, 2, 5));
        Assert.Equal(places, slots.Taken);
    }

    [Theory]
    [InlineData("5", "8")] // Nobody is short of anything: each may have as many as one torrent ever has.
    [InlineData("0 0 3", "8 8 8")]
    [InlineData("100 100 100", "8 8 8")]
    public void Few_torrents_do_not_share_uploads(string wanted, string expected) =>
        Assert.Equal(expected, Draw(UploadShares.Divide(Parse(wanted), 8, Limits)));

    [Fact]
    public void Many_torrents_share_uploads_by_need()
    {
        var shares = UploadShares.Divide([.. Enumerable.Repeat(50, 40), .. Enumerable.Repeat(1, 40), 0], 8, Limits);
        // 200 places, 40 of which the modest take.
        Assert.Equal([4, 8, 8], [shares[0], shares[40], shares[80]]);
        Assert.All(UploadShares.Divide([.. Enumerable.Repeat(50, 1000)], 8, Limits), share => Assert.Equal(2, share));
    }

    private static int[] Parse(string text) => [.. text.Split(' ').Select(int.Parse)];

    private static string Draw(int[] shares) => string.Join(' ', shares);

    private static List<TorrentShare> Drain(DialQueue queue, TimeSpan now)
    {
        var calls = new List<TorrentShare>();
        while (queue.TryNext(now, out var share, out _))
        {
            calls.Add(share);
        }

        return calls;
    }
}
