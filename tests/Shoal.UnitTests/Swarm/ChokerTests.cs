using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ChokerTests
{
    [Fact]
    public void While_leeching_the_best_givers_keep_their_places()
    {
        // Kilobytes each peer gave us since the last round.
        var table = new Table(isSeed: false, 10, 90, 20, 80, 30, 70, 40, 60);
        table.Round();
        Assert.Superset(new HashSet<int> { 1, 3, 5 }, table.Unchoked);
        Assert.Equal(4, table.Unchoked.Count);
    }

    [Fact]
    public void A_snubbing_peer_is_only_tried_out()
    {
        var table = new Table(isSeed: false, 90, 80, 70, 60, 50, 40);
        table.Peers[0].IsSnubbed = true;
        table.Round();
        Assert.Superset(new HashSet<int> { 1, 2, 3 }, table.Unchoked);
    }

    [Fact]
    public void With_few_peers_nobody_waits()
    {
        var table = new Table(isSeed: false, 0, 0, 0, 0);
        table.Round();
        Assert.Equal([0, 1, 2, 3], table.Unchoked.Order());
    }

    [Fact]
    public void Those_who_want_nothing_get_no_place()
    {
        var table = new Table(isSeed: false, 90, 80, 70, 60, 50);
        table.Peers[0].IsInterested = false;
        table.Round();
        Assert.DoesNotContain(0, table.Unchoked);
    }

    [Fact]
    public void The_optimistic_place_changes_hands()
    {
        var table = new Table(isSeed: false, 900, 800, 700, 0, 0, 0, 0, 0);
        var tried = new HashSet<int>();
        for (var round = 0; round < 60; round++)
        {
            table.Round();
            tried.UnionWith(table.Unchoked);
            for (var i = 0; i < 3; i++)
            {
                table.Peers[i].Down.Add((9 - i) * 100_000);
            }
        }

        Assert.Equal(8, tried.Count);
    }

    [Fact]
    public void A_seed_serves_everybody_in_turn()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0, 0, 0);
        var served = new HashSet<int>();
        for (var round = 0; round < 40; round++)
        {
            table.Round();
            Assert.Equal(4, table.Unchoked.Count);
            served.UnionWith(table.Unchoked);
        }

        Assert.Equal(8, served.Count);
    }

    [Fact]
    public void A_seed_may_prefer_the_fastest()
    {
        var table = new Table(isSeed: true, SeedChoking.Fastest, 10, 90, 20, 80, 30, 70, 40, 60);
        table.Round();
        Assert.Superset(new HashSet<int> { 1, 3, 5 }, table.Unchoked);
    }

    [Fact]
    public void A_seed_may_prefer_beginners_and_those_nearly_done()
    {
        var table = new Table(isSeed: true, SeedChoking.AntiLeech, 0, 0, 0, 0, 0, 0);
        int[] pieces = [0, 4, 8, 4, 3, 4];
        for (var i = 0; i < pieces.Length; i++)
        {
            for (var piece = 0; piece < pieces[i]; piece++)
            {
                table.Peers[i].Have!.Set(piece);
            }
        }

        table.Round();
        Assert.Superset(new HashSet<int> { 0, 2, 4 }, table.Unchoked);
    }

    [Fact]
    public void One_neighbourhood_of_the_internet_has_half_of_four_places_while_others_wait()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        table.MoveTo("20.0.1", 0..8);
        table.MoveTo("30.0.1", 8..10);
        for (var round = 0; round < 30; round++)
        {
            table.Round();
            Assert.Equal(4, table.Unchoked.Count);
            Assert.Superset(new HashSet<int> { 8, 9 }, table.Unchoked);
        }

        // Nobody else wants them any more.
        table.Peers[8].IsInterested = table.Peers[9].IsInterested = false;
        table.Round();
        Assert.Equal(4, table.Unchoked.Count(i => i < 8));
    }

    [Fact]
    public void Colleagues_and_those_who_give_are_no_crowd()
    {
        var local = new Table(isSeed: true, SeedChoking.Fastest, 90, 80, 70, 10, 10, 10);
        local.MoveTo("10.0.1", 0..3);
        local.MoveTo("30.0.1", 3..6);
        local.Round();
        Assert.Superset(new HashSet<int> { 0, 1, 2 }, local.Unchoked);

        var giving = new Table(isSeed: false, 90, 80, 70, 0, 0, 0);
        giving.MoveTo("20.0.1", 0..3);
        giving.MoveTo("30.0.1", 3..6);
        giving.Round();
        Assert.Superset(new HashSet<int> { 0, 1, 2 }, giving.Unchoked);
    }

    [Fact]
    public void A_place_that_falls_free_goes_to_another_neighbourhood()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0);
        table.MoveTo("20.0.1", 0..4);
        table.MoveTo("30.0.1", 4..5);
        table.Peers[4].IsInterested = false;
        table.Fill();
        Assert.Equal([0, 1, 2, 3], table.Unchoked.Order());
        table.Peers[4].IsInterested = true;
        table.Peers[1].IsInterested = false;
        table.Fill();
        Assert.Contains(4, table.Unchoked);
    }

    [Fact]
    public void While_nothing_is_asked_more_are_let_ask_and_a_round_takes_places_back()
    {
        var table = new Table(isSeed: false, 90, 80, 70, 60, 50, 40, 30, 20, 10, 5);
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
        table.Tick();
        Assert.Equal(6, table.Unchoked.Count);
        table.Peers[table.Unchoked.First()].SendAhead = 1;
        table.Tick();
        Assert.Equal(6, table.Unchoked.Count);
        table.Round();
        Assert.Equal(5, table.Unchoked.Count);
        Assert.Superset(new HashSet<int> { 0, 1, 2, 3 }, table.Unchoked);
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
    }

    [Fact]
    public void Places_that_nobody_uses_are_not_for_those_who_give_nothing()
    {
        var table = new Table(isSeed: false, 90, 80, 70, 60, 50, 0, 0, 0, 0, 0);
        table.Round();
        table.Tick();
        table.Tick();
        Assert.Equal(1, table.Unchoked.Count(i => i > 4));
        Assert.Superset(new HashSet<int> { 0, 1, 2, 3, 4 }, table.Unchoked);
        Assert.Equal(6, table.Unchoked.Count);
    }

    [Fact]
    public void Places_that_nobody_uses_are_not_for_a_crowd()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0, 0, 0);
        table.MoveTo("20.0.1", 0..8);
        table.Round();
        table.Tick();
        table.Tick();
        Assert.Equal(4, table.Unchoked.Count);
    }

    [Fact]
    public void A_seed_that_spreads_gives_to_as_many_as_its_rate_allows()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) { IsSpreading = true };
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
        table.SendAtRate(3 * 16 * 1024 + 1);
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
        table.Peers.ForEach(peer => peer.HasPassedOn = true);
        // Three pieces of 16 KiB a second: six peers have one each in two seconds, if they pass it on.
        table.Round();
        Assert.Equal(6, table.Unchoked.Count);
        table.IsSpreading = false;
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
    }

    [Fact]
    public void A_super_seed_lets_so_many_ask_that_each_soon_has_a_piece_and_a_round_takes_no_place_away()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        table.SuperSeed();
        table.Round();
        Assert.Equal(4, table.Unchoked.Count);
        // Ten pieces of 16 KiB a second.
        table.SendAtRate(10 * 16 * 1024 + 1);
        table.Round();
        Assert.Equal(7, table.Unchoked.Count);
        table.Round();
        Assert.Equal(7, table.Unchoked.Count);
    }

    [Fact]
    public void A_seed_gives_nothing_but_a_try_to_who_keeps_it_while_others_want_it()
    {
        var table = new Table(isSeed: true, 0, 0, 0, 0, 0, 0);
        for (var i = 0; i < 3; i++)
        {
            table.Peers[i].IsKeeping = true;
        }

        var tried = new HashSet<int>();
        for (var round = 0; round < 40; round++)
        {
            table.Round();
            table.Fill();
            Assert.Superset(new HashSet<int> { 3, 4, 5 }, table.Unchoked);
            Assert.InRange(table.Unchoked.Count, 3, 4);
            tried.UnionWith(table.Unchoked);
        }

        Assert.Equal(6, tried.Count);

        // What nobody else asks for is theirs; and when nobody else wants anything, all is.
        table.Tick();
        Assert.Equal(6, table.Unchoked.Count);
        table.Round();
        table.Peers.GetRange(3, 3).ForEach(peer => peer.IsInterested = false);
        table.Fill();
        Assert.Superset(new HashSet<int> { 0, 1, 2 }, table.Unchoked);
    }

    /// <summary>Four places, one of them optimistic; peers are numbered as they are given.</summary>
    private sealed class Table
    {
        private readonly SwarmState _state;
        private readonly Choker _choker;

        public Table(bool isSeed, params int[] kilobytes)
            : this(isSeed, SeedChoking.RoundRobin, kilobytes) { }

        public Table(bool isSeed, SeedChoking mode, params int[] kilobytes)
        {
            var torrent = new TorrentBuilder(TorrentFormat.V1).Single(8 * 16 * 1024).Build();
            _state = new SwarmState(
                new SwarmOptions
                {
                    Random = new Random(4),
                    PeerId = default,
                    SeedChoking = mode,
                    Limits = new SwarmLimits { UploadSlots = 4 },
                },
                torrent.Metainfo.InfoHashes
            )
            {
                Content = new ContentState(torrent.Metainfo, null, isSequential: false, new Random(1)),
                IsChecked = true,
                Now = TimeSpan.FromSeconds(100),
            };
            for (var i = 0; isSeed && i < 8; i++)
            {
                _state.Content.Prove(_state.Content.Layout.Piece(i));
            }

            _choker = new Choker(_state, new Uploader(_state)) { IsSpreading = () => IsSpreading };
            foreach (var amount in kilobytes)
            {
                var peer = new PeerState(
                    new PeerHandle(Peers.Count + 1),
                    new PeerIntroduction
                    {
                        EndPoint = new IPEndPoint(IPAddress.Loopback, 1000 + Peers.Count),
                        PeerId = default,
                        Capabilities = PeerCapabilities.Fast,
                        IsOutgoing = false,
                        InfoHash = default,
                    },
                    TimeSpan.Zero
                )
                {
                    Have = new Bitfield(8),
                    IsInterested = true,
                    // It has something for us.
                    AreWeInterested = !isSeed,
                };
                peer.Down.Add(isSeed ? 0 : amount * 1000);
                peer.Up.Add(isSeed ? amount * 1000 : 0);
                _state.Add(peer);
                Peers.Add(peer);
            }
        }

        /// <summary>Gives peers addresses of one /24.</summary>
        public void MoveTo(string network, Range range)
        {
            var (start, count) = range.GetOffsetAndLength(Peers.Count);
            for (var i = start; i < start + count; i++)
            {
                Peers[i].Introduction.EndPoint.Address = IPAddress.Parse($"{network}.{i + 1}");
            }
        }

        public bool IsSpreading { get; set; }

        public void SuperSeed() => _state.IsSuperSeeding = true;

        /// <summary>For as long as it takes to measure it.</summary>
        public void SendAtRate(int bytesPerSecond)
        {
            for (var i = 0; i < 20; i++)
            {
                _state.Up.Add(bytesPerSecond);
                _state.Up.Tick(TimeSpan.FromSeconds(1));
            }
        }

        /// <summary>No round is due.</summary>
        public void Tick()
        {
            _choker.OnTick();
            _state.Now += TimeSpan.FromMilliseconds(100);
        }

        public void Fill() => _choker.FillFreeSlots();

        public List<PeerState> Peers { get; } = [];

        public HashSet<int> Unchoked => [.. Enumerable.Range(0, Peers.Count).Where(i => !Peers[i].AreWeChoking)];

        public void Round()
        {
            _choker.Round();
            _state.Now += Choker.RoundInterval;
        }
    }
}
