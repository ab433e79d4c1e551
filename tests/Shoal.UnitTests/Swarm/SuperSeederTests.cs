using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>BEP 16, piece by piece: <see cref="SuperSeeder"/>.</summary>
public sealed class SuperSeederTests
{
    private const int Pieces = 4;
    private const int PieceLength = 16 * 1024;

    [Fact]
    public void Who_may_not_ask_is_shown_one_piece_and_who_may_two()
    {
        var seed = new Seed(peers: 2);
        Assert.Single(seed.Peers[0].Shown);
        seed.Unchoke(0);
        Assert.Equal(2, seed.Peers[0].Shown.Count);
        Assert.Single(seed.Peers[1].Shown);
        Assert.Equal(3, seed.Haves);
    }

    [Fact]
    public void A_piece_is_that_of_the_first_who_asks_and_the_others_are_refused_until_it_may_ask_no_more()
    {
        var seed = new Seed(peers: Pieces + 1);
        // More peers than pieces: one of them was shown what another was.
        var (one, other, piece) = seed.SharedPiece();
        seed.Unchoke(one);
        seed.Unchoke(other);
        seed.Ask(one, piece);
        Assert.True(seed.Serves(one, piece));
        seed.Ask(other, piece);
        Assert.False(seed.Serves(other, piece));
        seed.Peers[one].AreWeChoking = true;
        seed.Ask(other, piece);
        Assert.True(seed.Serves(other, piece));
    }

    [Fact]
    public void What_the_taker_did_not_fetch_is_free_when_it_leaves_or_takes_too_long()
    {
        var seed = new Seed(peers: Pieces + 1);
        var (one, other, piece) = seed.SharedPiece();
        seed.Unchoke(one);
        seed.Unchoke(other);
        seed.Ask(one, piece);
        seed.Wait(59);
        seed.Ask(other, piece);
        Assert.False(seed.Serves(other, piece));
        seed.Wait(2);
        seed.Ask(other, piece);
        Assert.True(seed.Serves(other, piece));
        Assert.False(seed.Serves(one, piece));
        seed.Leave(other);
        seed.Ask(one, piece);
        Assert.True(seed.Serves(one, piece));
    }

    /// <summary>BEP 6 has the only way to say no; without it a peer would wait for ever.</summary>
    [Fact]
    public void Whoever_cannot_be_refused_gets_what_it_was_shown()
    {
        var seed = new Seed(peers: Pieces + 1, PeerCapabilities.None);
        var (one, other, piece) = seed.SharedPiece();
        seed.Unchoke(one);
        seed.Unchoke(other);
        seed.Ask(one, piece);
        seed.Ask(other, piece);
        Assert.True(seed.Serves(one, piece));
        Assert.True(seed.Serves(other, piece));
    }

    [Fact]
    public void The_next_piece_comes_when_the_former_is_seen_at_another_or_nothing_else_is_to_be_sent()
    {
        var seed = new Seed(peers: 2);
        seed.Unchoke(0);
        var shown = seed.Peers[0].Shown.Order().ToArray();
        seed.Gets(0, shown[0]);
        seed.Gets(0, shown[1]);
        Assert.Equal(2, seed.Peers[0].Shown.Count);
        seed.Gets(1, shown[0]);
        Assert.Equal(2, seed.Peers[0].Shown.Count);
        Assert.DoesNotContain(shown[0], seed.Peers[0].Shown);
        var fresh = seed.Peers[0].Shown.Except(shown).Single();
        seed.Gets(0, fresh);
        seed.Peers[1].SendAhead = 1;
        seed.Tick();
        Assert.Equal(2, seed.Peers[0].Shown.Count);
        seed.Peers[1].SendAhead = 0;
        seed.Tick();
        Assert.Equal(3, seed.Peers[0].Shown.Count);
    }

    [Fact]
    public void What_others_have_is_shown_to_nobody_but_those_who_get_nothing_from_them()
    {
        var seed = new Seed(peers: 2);
        seed.Unchoke(0);
        seed.Unchoke(1);
        for (var piece = 0; piece < Pieces; piece++)
        {
            seed.Gets(0, piece);
        }

        var haves = seed.Haves;
        for (var second = 0; second < 9; second++)
        {
            seed.Tick();
            seed.Second();
            seed.Wait(1);
        }

        Assert.Equal(haves, seed.Haves);
        Assert.All(Enumerable.Range(0, Pieces), piece => Assert.False(seed.Serves(1, piece)));
        seed.Wait(2);
        seed.Second();
        var shown = Enumerable.Range(0, Pieces).Single(piece => seed.Serves(1, piece));
        seed.Gets(1, shown);
        // The next time it need not wait as long: perhaps the other lies.
        seed.Wait(6);
        seed.Second();
        Assert.Equal(2, Enumerable.Range(0, Pieces).Count(piece => seed.Serves(1, piece)));
    }

    [Fact]
    public void Switched_off_it_shows_everything()
    {
        var seed = new Seed(peers: 1);
        seed.SwitchOff();
        Assert.Equal(Pieces, seed.Haves);
        Assert.True(seed.Serves(0, 0));
    }

    private sealed class Seed
    {
        private readonly SwarmState _state;
        private readonly SuperSeeder _seeder;

        public Seed(int peers, PeerCapabilities capabilities = PeerCapabilities.Fast)
        {
            var torrent = new TorrentBuilder(TorrentFormat.V1).Single(Pieces * PieceLength).Build();
            var options = new SwarmOptions
            {
                Random = new Random(4),
                PeerId = default,
                SuperSeeding = true,
            };
            _state = new SwarmState(options, torrent.Metainfo.InfoHashes)
            {
                Content = new ContentState(torrent.Metainfo, null, isSequential: false, new Random(1)),
                IsChecked = true,
                Now = TimeSpan.FromSeconds(100),
                Effects = new SwarmEffects(),
            };
            for (var i = 0; i < Pieces; i++)
            {
                _state.Content.Prove(_state.Content.Layout.Piece(i));
            }

            _seeder = new SuperSeeder(_state);
            for (var i = 0; i < peers; i++)
            {
                var introduction = new PeerIntroduction
                {
                    EndPoint = new IPEndPoint(IPAddress.Loopback, 1000 + i),
                    PeerId = default,
                    Capabilities = capabilities,
                    IsOutgoing = false,
                    InfoHash = default,
                };
                var peer = new PeerState(new PeerHandle(i + 1), introduction, _state.Now)
                {
                    Have = new Bitfield(Pieces),
                    IsInterested = true,
                };
                _state.Add(peer);
                Peers.Add(peer);
                _seeder.Join(peer);
            }
        }

        public List<PeerState> Peers { get; } = [];

        /// <summary>Pieces shown to anybody.</summary>
        public int Haves
        {
            get
            {
                var count = 0;
                for (var i = 0; i < _state.Effects.Count; i++)
                {
                    count += _state.Effects[i].MessageId == MessageId.Have ? 1 : 0;
                }

                return count;
            }
        }

        /// <summary>Two peers that were shown the same piece.</summary>
        public (int One, int Other, int Piece) SharedPiece()
        {
            for (var piece = 0; piece < Pieces; piece++)
            {
                var shown = Enumerable.Range(0, Peers.Count).Where(i => Peers[i].Shown.Contains(piece)).ToArray();
                if (shown.Length > 1)
                {
                    return (shown[0], shown[1], piece);
                }
            }

            throw new InvalidOperationException("no piece was shown to two");
        }

        public void Unchoke(int peer)
        {
            Peers[peer].AreWeChoking = false;
            _seeder.OnUnchoked(Peers[peer]);
        }

        public void Ask(int peer, int piece) => _seeder.OnRequest(Peers[peer], (uint)piece);

        public bool Serves(int peer, int piece) => !_seeder.IsHidden(Peers[peer], _state.Content!.Layout.Piece(piece));

        public void Gets(int peer, int piece)
        {
            Ask(peer, piece);
            Peers[peer].Have!.Set(piece);
            _state.Content!.Availability.Add(piece);
            _seeder.OnHave(Peers[peer], (uint)piece);
        }

        public void Leave(int peer)
        {
            _state.Remove(Peers[peer]);
            _seeder.Leave(Peers[peer]);
        }

        public void Tick() => _seeder.OnTick();

        public void Second() => _seeder.OnSecond();

        public void Wait(double seconds) => _state.Now += TimeSpan.FromSeconds(seconds);

        public void SwitchOff()
        {
            _state.IsSuperSeeding = false;
            _seeder.OnSwitched();
        }
    }
}
