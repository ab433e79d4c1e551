using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The DHT's side of torrents, some ticked all the time and some only when they say that something is due.</summary>
public sealed class TorrentDhtTests
{
    private static readonly InfoHash V1 = new("11111111111111111111"u8);
    private static readonly InfoHash V2 = new("22222222222222222222"u8);
    private readonly VirtualTime _time = new();

    /// <summary>A DHT that answers after three seconds.</summary>
    private sealed class Search(VirtualTime time) : IPeerSearch
    {
        private readonly long _epoch = time.GetTimestamp();
        private readonly List<(TimeSpan When, bool Scrape, Action<DhtResult.PeersDone> Done)> _running = [];

        public int Joins { get; set; }
        public int Answering { get; set; } = 8;
        public List<string> Begun { get; } = [];
        public TimeSpan Now => time.GetElapsedTime(_epoch);

        public void FindPeers(
            PeerQuery query,
            Action<IReadOnlyList<IPEndPoint>> found,
            Action<DhtResult.PeersDone> done
        )
        {
            Begun.Add(
                $"{Now.TotalSeconds:0} {(query.InfoHash == NodeId.From(V1) ? "v1" : "v2")}{(query.Scrape ? " scrape" : "")}"
            );
            _running.Add((Now + TimeSpan.FromSeconds(3), query.Scrape, done));
        }

        public void Pass()
        {
            foreach (var (when, scrape, done) in _running.Where(one => one.When <= Now).ToList())
            {
                _running.Remove((when, scrape, done));
                done(new DhtResult.PeersDone(0, 8, Answering, 0, 8, scrape ? new ScrapeResult(1, 1) : null));
            }
        }
    }

    /// <summary>A torrent that is ticked as its wishes say, and counts.</summary>
    private sealed class Sleeper : ITicked
    {
        private readonly bool _sleeps;

        public Sleeper(VirtualTime time, Search search, TickRota rota, bool sleeps)
        {
            _sleeps = sleeps;
            Dht = new TorrentDht(
                search,
                () => 6881,
                () => false,
                () => new DhtFacts(IsComplete: true, WantsPeers: false),
                _ => { },
                () => rota.Wake(this),
                () => 0.5,
                time
            );
            Dht.AddNames([V1, V2]);
            rota.Add(this);
        }

        public TorrentDht Dht { get; }
        public int Ticks { get; private set; }

        public TickWish Tick()
        {
            Ticks++;
            Dht.Tick();
            return _sleeps ? TickWish.After(Dht.NextWait) : TickWish.Next;
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Who_sleeps_until_something_is_due_does_what_who_is_awake_does(int seed)
    {
        // Both hear the same; answers come, do not, the way in is lost and found, the port changes, it is paused.
        var random = new Random(seed);
        var rota = new TickRota();
        Search[] searches = [new(_time), new(_time)];
        Sleeper[] both = [new(_time, searches[0], rota, sleeps: false), new(_time, searches[1], rota, sleeps: true)];
        const int Hours = 12;
        for (var i = 0; i < Hours * 3600 * 10; i++)
        {
            _time.Advance(SwarmEvent.TickInterval);
            if (random.Next(6000) == 0)
            {
                var what = random.Next(6);
                var answering = random.Next(2) * 8;
                for (var n = 0; n < 2; n++)
                {
                    switch (what)
                    {
                        case 0:
                            both[n].Dht.NeedPeers();
                            break;
                        case 1:
                            both[n].Dht.Changed();
                            break;
                        case 2:
                            both[n].Dht.SetPaused(true);
                            break;
                        case 3:
                            both[n].Dht.SetPaused(false);
                            break;
                        case 4:
                            searches[n].Answering = answering;
                            break;
                        default:
                            searches[n].Joins++;
                            rota.WakeAll();
                            break;
                    }
                }
            }

            searches[0].Pass();
            searches[1].Pass();
            rota.Tick(searches[0].Now);
        }

        // A second later each time, at most: over the hours that adds up to less than one search more or less.
        var count = searches[0].Begun.Count;
        Assert.InRange(count, 20, 2000);
        Assert.InRange(searches[1].Begun.Count, count * 9 / 10 - 2, count + 2);
        Assert.InRange(both[1].Ticks, count / 4, count * 4 + 300);
    }

    [Fact]
    public void A_torrent_that_nothing_happens_to_is_ticked_some_times_an_hour_and_announces_as_ever()
    {
        var rota = new TickRota();
        var search = new Search(_time);
        var torrent = new Sleeper(_time, search, rota, sleeps: true);
        for (var i = 0; i < 2 * 3600 * 10; i++)
        {
            _time.Advance(SwarmEvent.TickInterval);
            search.Pass();
            rota.Tick(search.Now);
        }

        Assert.Equal(["0 v1", "0 v2"], search.Begun[..2]);
        Assert.EndsWith(" v1 scrape", search.Begun[2], StringComparison.Ordinal);
        // Each 22.5 minutes under both names, and the swarm is counted each hour.
        Assert.InRange(search.Begun.Count(one => !one.EndsWith("scrape", StringComparison.Ordinal)), 10, 12);
        Assert.Equal(2, search.Begun.Count(one => one.EndsWith("scrape", StringComparison.Ordinal)));
        Assert.InRange(torrent.Ticks, 10, 40);
    }

    [Fact]
    public void Who_is_stopped_or_paused_waits_for_nothing()
    {
        var rota = new TickRota();
        var search = new Search(_time);
        var torrent = new Sleeper(_time, search, rota, sleeps: true);
        torrent.Dht.SetPaused(true);
        Assert.Null(torrent.Dht.NextWait);
        torrent.Dht.SetPaused(false);
        Assert.Equal(TimeSpan.Zero, torrent.Dht.NextWait);
        rota.Tick(search.Now);
        Assert.Equal(2, search.Begun.Count);
        // What runs is waited for.
        Assert.Null(torrent.Dht.NextWait);
        torrent.Dht.Stop();
        _time.Advance(TimeSpan.FromSeconds(3));
        search.Pass();
        Assert.Null(torrent.Dht.NextWait);
    }
}
