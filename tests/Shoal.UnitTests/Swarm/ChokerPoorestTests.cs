using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The place for those who have nothing for us, and for those who have fallen behind: <see cref="Choker"/>.</summary>
public sealed class ChokerPoorestTests
{
    private const int Piece = 16 * 1024;

    [Fact]
    public void Who_has_nothing_for_us_gets_a_piece_beside_the_others_those_with_fewest_first()
    {
        var table = new Table(places: 2, pieces: [5, 5, 5, 3, 1, 2]);
        table.Poor(3..6);
        table.Tick();
        Assert.Contains(4, table.Unchoked);
        Assert.Equal(3, table.Unchoked.Count);
        table.Send(4, Piece - 1);
        table.Tick();
        Assert.Contains(4, table.Unchoked);
        table.Send(4, 1);
        table.Peers[4].Have!.Set(6);
        table.Peers[4].Have!.Set(7);
        table.Tick();
        Assert.Equal(3, table.Unchoked.Count);
        Assert.Contains(5, table.Unchoked);
        Assert.DoesNotContain(4, table.Unchoked);
    }

    [Fact]
    public void It_keeps_its_place_in_a_round_and_loses_it_when_it_takes_nothing_for_as_long()
    {
        var table = new Table(places: 2, pieces: [5, 5, 5, 1, 2]);
        table.Poor(3..5);
        table.Tick();
        Assert.Contains(3, table.Unchoked);
        table.Round();
        Assert.Contains(3, table.Unchoked);
        table.Wait(Choker.RoundInterval - TimeSpan.FromSeconds(1));
        table.Tick();
        // It is the poorest still, and has it anew.
        Assert.Contains(3, table.Unchoked);
        table.Peers[3].IsInterested = false;
        table.Tick();
        Assert.Contains(4, table.Unchoked);
    }

    [Fact]
    public void Who_hides_what_it_has_got_of_us_is_not_the_poorest_for_ever()
    {
        var table = new Table(places: 2, pieces: [5, 5, 5, 0, 1]);
        table.Poor(3..5);
        var served = new List<int>();
        for (var turn = 0; turn < 6; turn++)
        {
            table.Tick();
            var poorest = table.Unchoked.Single(i => i >= 3);
            served.Add(poorest);
            table.Send(poorest, Piece);
        }

        Assert.Equal(3, served.Count(i => i == 3));
    }

    [Fact]
    public void Who_gives_and_lacks_what_we_have_gets_a_piece_beside_the_others_until_it_has_caught_up()
    {
        var table = new Table(places: 2, pieces: [5, 5, 5, 3, 2], own: 4);
        table.LetAsk(0, 1);
        table.Tick();
        Assert.Equal([0, 1, 4], table.Unchoked.Order());
        table.Send(4, Piece - 1);
        table.Tick();
        Assert.Equal([0, 1, 4], table.Unchoked.Order());
        table.Send(4, 1);
        table.Peers[4].Have!.Set(2);
        table.Peers[4].Have!.Set(3);
        // It gives: it keeps its place until the round.
        table.Tick();
        Assert.Equal([0, 1, 3, 4], table.Unchoked.Order());
        table.Send(3, Piece);
        table.Peers[3].Have!.Set(3);
        table.Tick();
        Assert.Equal([0, 1, 3, 4], table.Unchoked.Order());
        table.Round();
        Assert.Equal(2, table.Unchoked.Count);
    }

    [Fact]
    public void However_many_have_fallen_behind_there_is_one_place_more_than_the_most()
    {
        var table = new Table(places: 2, pieces: [5, 5, 1, 1, 1, 1, 1, 1], own: 4, most: 3);
        table.LetAsk(0, 1);
        var helped = new HashSet<int>();
        for (var turn = 1; turn <= 6; turn++)
        {
            table.Tick();
            Assert.Equal(Math.Min(2 + turn, 4), table.Unchoked.Count);
            var next = table.Unchoked.Except(helped).Single(i => i > 1);
            helped.Add(next);
            table.Send(next, Piece);
            table.Peers[next].Have!.Set(1);
            table.Peers[next].Have!.Set(2);
        }
    }

    [Fact]
    public void Who_never_gave_anything_and_has_something_for_us_is_not_helped_to_catch_up()
    {
        var table = new Table(places: 2, pieces: [5, 5, 5, 1], own: 4);
        table.Peers[3].Down = default;
        table.LetAsk(0, 1);
        table.Tick();
        Assert.Equal([0, 1], table.Unchoked.Order());
    }

    [Fact]
    public void There_is_none_at_a_seed_nor_where_nothing_is_given_nor_for_a_crowd()
    {
        var seed = new Table(places: 2, pieces: [5, 5, 5, 0, 0], own: 8);
        seed.Poor(0..5);
        seed.Tick();
        Assert.Equal(2, seed.Unchoked.Count);

        var nothing = new Table(places: 0, pieces: [5, 5, 5, 0, 0]);
        nothing.Poor(3..5);
        nothing.Tick();
        Assert.Empty(nothing.Unchoked);

        var crowd = new Table(places: 2, pieces: [0, 0, 0, 0, 0], network: "20.0.1");
        crowd.Poor(0..5);
        crowd.Tick();
        Assert.Equal(2, crowd.Unchoked.Count);
    }

    [Fact]
    public void Where_places_are_free_nobody_is_choked_after_a_piece()
    {
        var table = new Table(places: 4, pieces: [5, 1]);
        table.Poor(1..2);
        for (var i = 0; i < 5; i++)
        {
            table.Tick();
            Assert.Equal([0, 1], table.Unchoked.Order());
            table.Send(1, Piece);
        }
    }

    /// <summary>Peers have the first so many of eight pieces, we too, and they give us something as long as they are not poor.</summary>
    private sealed class Table
    {
        private readonly SwarmState _state;
        private readonly Choker _choker;

        public Table(int places, int[] pieces, int own = 0, int most = 100, string network = "127.0.0")
        {
            var torrent = new TorrentBuilder(TorrentFormat.V1).Single(8 * Piece).Build();
            var options = new SwarmOptions
            {
                Random = new Random(4),
                PeerId = default,
                Limits = new SwarmLimits { UploadSlots = places, MaxUploadSlots = most },
            };
            _state = new SwarmState(options, torrent.Metainfo.InfoHashes)
            {
                Content = new ContentState(torrent.Metainfo, null, isSequential: false, new Random(1)),
                IsChecked = true,
                Now = TimeSpan.FromSeconds(100),
            };
            for (var i = 0; i < own; i++)
            {
                _state.Content.Prove(_state.Content.Layout.Piece(i));
            }

            _choker = new Choker(_state, new Uploader(_state));
            foreach (var count in pieces)
            {
                var peer = new PeerState(
                    new PeerHandle(Peers.Count + 1),
                    new PeerIntroduction
                    {
                        EndPoint = new IPEndPoint(IPAddress.Parse($"{network}.{Peers.Count + 1}"), 1000),
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
                    AreWeInterested = own < 8,
                };
                for (var i = 0; i < count; i++)
                {
                    peer.Have.Set(i);
                }

                peer.Down.Add(own < 8 ? 1000 : 0);
                // Nothing is idle: no places are opened for that.
                peer.SendAhead = 1;
                _state.Add(peer);
                Peers.Add(peer);
            }

            _choker.OnTick();
        }

        public List<PeerState> Peers { get; } = [];

        public HashSet<int> Unchoked => [.. Enumerable.Range(0, Peers.Count).Where(i => !Peers[i].AreWeChoking)];

        /// <summary>From now on they have nothing for us, and never gave anything.</summary>
        public void Poor(Range range)
        {
            foreach (var peer in Peers[range])
            {
                peer.AreWeInterested = false;
                peer.Down = default;
                peer.IsInterested = true;
            }

            // Whom the first round let ask by chance.
            Peers.ForEach(peer => peer.AreWeChoking = true);
            _choker.FillFreeSlots();
        }

        /// <summary>These and nobody else.</summary>
        public void LetAsk(params int[] chosen)
        {
            for (var i = 0; i < Peers.Count; i++)
            {
                Peers[i].AreWeChoking = !chosen.Contains(i);
            }
        }

        public void Send(int peer, int bytes) => Peers[peer].Up.Add(bytes);

        public void Wait(TimeSpan time) => _state.Now += time;

        public void Tick()
        {
            _choker.OnTick();
            _state.Now += TimeSpan.FromMilliseconds(1);
        }

        public void Round() => _choker.Round();
    }
}
