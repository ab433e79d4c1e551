using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>
/// States are drawn: one column a piece. "have" marks what we have, "peer" what the peer has, "others" how many others
/// have it, "asked" how many of the piece's two blocks are asked of somebody else.
/// </summary>
public sealed class PickerTests
{
    private static readonly TimeSpan Now = TimeSpan.FromSeconds(100);

    [Theory]
    [InlineData("####....", "xxxxxxxx", "00003122", "........", "5 5")]
    [InlineData("####....", "xxxxx.xx", "00003122", "........", "6 6|7 7")]
    [InlineData("####....", "xxxx....", "00003122", "........", "")]
    [InlineData("####....", "xxxxxxxx", "00003122", "....1...", "4 5")]
    [InlineData("####....", "xxxxxxxx", "00003122", "....2...", "5 5")]
    [InlineData("####....", "xxxx.xxx", "00003122", "....1...", "5 5")]
    public void Begun_pieces_come_first_then_the_rarest(
        string have,
        string peer,
        string others,
        string asked,
        string expected
    )
    {
        var board = new Board(have, peer, others, asked);
        Assert.Contains(board.Pick(2), expected.Split('|'));
    }

    [Fact]
    public void Sequential_order_takes_the_first_that_the_peer_has()
    {
        var board = new Board("####....", "xxxx.xxx", "00003122", "........");
        board.Content.IsSequential = true;
        Assert.Equal("5 5 6 6 7", board.Pick(5));
    }

    [Fact]
    public void A_deadline_beats_rarity_and_what_is_begun()
    {
        var board = new Board("####....", "xxxxxxxx", "00003122", ".....1..");
        board.Content.SetDeadline(board.Content.Layout.Piece(4), Now);
        Assert.Equal("4 4 5", board.Pick(3));
    }

    [Fact]
    public void A_suggested_piece_is_taken_if_it_is_about_as_rare()
    {
        var board = new Board("####....", "xxxxxxxx", "00003122", "........");
        board.Peer.Suggested.Add(board.Content.Layout.Piece(4));
        board.Peer.Suggested.Add(board.Content.Layout.Piece(7));
        Assert.Equal("7 7", board.Pick(2));
    }

    [Fact]
    public void While_choked_only_allowed_pieces_are_asked_for()
    {
        var board = new Board("####....", "xxxxxxxx", "00003122", "........") { OnlyAllowed = true };
        Assert.Equal("", board.Pick(4));
        board.Peer.AllowedToUs.Add(board.Content.Layout.Piece(4));
        Assert.Equal("4 4", board.Pick(4));
    }

    [Fact]
    public void A_fast_peer_takes_a_piece_of_its_own_and_others_leave_it()
    {
        var board = new Board("####....", "xxxxxxxx", "00003122", "....1...");
        board.Peer.Down.Add(10_000_000);
        board.Peer.Down.Tick(TimeSpan.FromSeconds(1));
        Assert.Equal("5", board.Pick(1));
        Assert.Same(board.Peer, board.Content.Partials[5].Owner);
        Assert.Equal("4 6", board.Pick(2, board.Other));
    }

    [Fact]
    public void In_the_endgame_only_a_block_that_is_late_is_asked_for_twice()
    {
        var board = new Board("#######.", "xxxxxxxx", "00000001", ".......2");
        board.Other.LastBlockAt = Now;
        Assert.Equal("", board.Pick(2));
        board.Other.LastBlockAt = Now - TimeSpan.FromSeconds(3);
        Assert.Equal("7", board.Pick(2));
    }

    [Fact]
    public void Duplicates_wait_until_nothing_is_free_whoever_has_it()
    {
        var board = new Board("######..", "xxxxxxx.", "00000001", "......2.");
        board.Other.LastBlockAt = Now - TimeSpan.FromSeconds(30);
        Assert.Equal("", board.Pick(2));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Everything_the_peer_could_bring_is_picked_once(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            string Draw(string from) => new([.. Enumerable.Range(0, 8).Select(_ => from[random.Next(from.Length)])]);
            var board = new Board(Draw("#..."), Draw("xx."), Draw("0123"), Draw("...12"));
            var free = Enumerable.Range(0, 8).Where(board.IsOffered).Sum(board.FreeBlocks);
            var want = random.Next(1, 20);
            var picked = board.Pick(want).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToList();
            if (free > 0)
            {
                Assert.Equal(Math.Min(want, free), picked.Count);
            }

            Assert.All(picked, piece => Assert.True(board.IsOffered(piece)));
            Assert.All(picked.CountBy(piece => piece), entry => Assert.InRange(entry.Value, 1, 2));
            board.Content.CheckInvariants();
        }
    }

    private sealed class Board
    {
        private readonly string _asked;

        public Board(string have, string peer, string others, string asked)
        {
            _asked = asked;
            var torrent = new TorrentBuilder(TorrentFormat.V1, 32 * 1024).Single(have.Length * 32 * 1024).Build();
            Content = new ContentState(torrent.Metainfo, null, isSequential: false, new Random(1));
            Peer = Create(1, peer);
            Other = Create(2, new string('x', have.Length));
            Content.Availability.Add(Peer.Have!);
            for (var i = 0; i < have.Length; i++)
            {
                for (var count = others[i] - '0'; count > 0; count--)
                {
                    Content.Availability.Add(i);
                }

                if (have[i] == '#')
                {
                    Content.Prove(Content.Layout.Piece(i));
                }
                else if (asked[i] != '.')
                {
                    var partial = Content.Begin(Content.Layout.Piece(i));
                    for (var block = 0; block < asked[i] - '0'; block++)
                    {
                        partial.Ask(block, Other);
                        Other.ActiveAsks++;
                    }
                }
            }
        }

        public ContentState Content { get; }
        public PeerState Peer { get; }
        public PeerState Other { get; }
        public bool OnlyAllowed { get; init; }

        public bool IsOffered(int piece) => Peer.Have![piece] && !Content.Have[piece];

        public int FreeBlocks(int piece) => _asked[piece] == '.' ? 2 : 2 - (_asked[piece] - '0');

        public string Pick(int count, PeerState? peer = null)
        {
            var blocks = new BlockRef[count];
            var context = new PickContext
            {
                Content = Content,
                Peer = peer ?? Peer,
                Now = Now,
                Random = new Random(1),
                OnlyAllowed = OnlyAllowed,
            };
            var found = Picker.Pick(context, blocks);
            return string.Join(' ', blocks[..found].Select(block => block.Piece.Value));
        }

        private PeerState Create(int handle, string pieces)
        {
            var peer = new PeerState(
                new PeerHandle(handle),
                new PeerIntroduction
                {
                    EndPoint = new IPEndPoint(IPAddress.Loopback, handle),
                    PeerId = default,
                    Capabilities = PeerCapabilities.Fast,
                    IsOutgoing = true,
                    InfoHash = default,
                },
                TimeSpan.Zero
            )
            {
                Have = new Bitfield(pieces.Length),
            };
            for (var i = 0; i < pieces.Length; i++)
            {
                _ = pieces[i] == 'x' && peer.Have.Set(i);
            }

            return peer;
        }
    }
}
