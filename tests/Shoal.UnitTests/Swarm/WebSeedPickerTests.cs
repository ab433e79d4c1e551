using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>
/// States are drawn, one column a piece: '#' is here, 'o' begun by somebody, '.' missing; below it how many leeches have it.
/// The web seed has all.
/// </summary>
public sealed class WebSeedPickerTests
{
    [Theory]
    // The largest gap, from its beginning; then on from there.
    [InlineData("##..#...##.#", "000000000000", -1, "5 6 7")]
    [InlineData("##..#...##.#", "000000000000", 1, "2 3 5 6 7")]
    [InlineData("##..#o..##.#", "000000000000", 9, "10 2 3")]
    [InlineData("###o#o####o#", "000000000000", -1, "")]
    // What no leech has comes first, also where the gap is smaller.
    [InlineData("##..#...##.#", "000011100000", -1, "2 3 7 10 5 6")]
    [InlineData("##......##.#", "000100000000", 1, "2 4 5 6 7 10 3")]
    [InlineData("##......##.#", "001111110020", -1, "2 3 4 5 6 7 10")]
    public void It_fills_gaps(string pieces, string leeches, int last, string expected)
    {
        var board = new Board(pieces, leeches, seed: 1);
        board.WebSeed.LastBegun = last;
        var count = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        Assert.Equal(expected, string.Join(' ', board.Begin(count)));
    }

    [Fact]
    public void Two_receivers_do_not_begin_at_the_same_place()
    {
        var starts = Enumerable
            .Range(0, 50)
            .Select(seed => new Board(new string('.', 1000), new string('0', 1000), seed).Begin(1)[0])
            .ToList();
        Assert.InRange(starts.Distinct().Count(), 40, 50);
    }

    /// <summary>Alone with it, a receiver gets everything once, in few runs.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Everything_is_begun_once_and_mostly_in_order(int seed)
    {
        const int Count = 2000;
        var random = new Random(seed);
        var pieces = string.Concat(Enumerable.Range(0, Count).Select(_ => random.Next(100) == 0 ? '#' : '.'));
        var board = new Board(pieces, new string('0', Count), seed);
        var missing = pieces.Count(piece => piece == '.');
        var begun = board.Begin(missing + 10);
        Assert.Equal(missing, begun.Count);
        Assert.Equal(missing, begun.Distinct().Count());
        var jumps = begun.Zip(begun.Skip(1)).Count(pair => pair.Second != pair.First + 1);
        // The gaps that are there, and those that beginning in their midst makes.
        Assert.InRange(jumps, 1, 3 * pieces.Count(piece => piece == '#') + 20);
    }

    private sealed class Board
    {
        private readonly ContentState _content;
        private readonly Random _random;

        public Board(string pieces, string leeches, int seed)
        {
            const int PieceLength = 16;
            _random = new Random(seed);
            // Only the layout matters: the bytes are zeros.
            var torrent = new TorrentBuilder(TorrentFormat.V1, PieceLength)
                .Single(new byte[pieces.Length * PieceLength])
                .Build();
            _content = new ContentState(torrent.Metainfo, null, isSequential: false, _random);
            Assert.True(WebSeedUrl.TryParse("http://h/", out var url));
            WebSeed = new PeerState(
                new PeerHandle(-1),
                new PeerIntroduction
                {
                    EndPoint = PeerIntroduction.NoEndPoint,
                    PeerId = default,
                    Capabilities = PeerCapabilities.None,
                    IsOutgoing = true,
                    InfoHash = default,
                    WebSeed = url,
                },
                TimeSpan.Zero
            )
            {
                Have = new Bitfield(pieces.Length),
            };
            WebSeed.Have.SetAll();
            _content.Availability.AddSeed();
            for (var i = 0; i < pieces.Length; i++)
            {
                for (var count = leeches[i] - '0'; count > 0; count--)
                {
                    _content.Availability.Add(i);
                }

                if (pieces[i] == '#')
                {
                    _content.Prove(_content.Layout.Piece(i));
                }
                else if (pieces[i] == 'o')
                {
                    _content.Begin(_content.Layout.Piece(i));
                }
            }
        }

        public PeerState WebSeed { get; }

        /// <summary>The pieces it begins, one after the other.</summary>
        public List<int> Begin(int count)
        {
            var begun = new List<int>();
            while (begun.Count < count)
            {
                var context = new PickContext
                {
                    Content = _content,
                    Peer = WebSeed,
                    Now = TimeSpan.Zero,
                    Random = _random,
                };
                if (
                    _content.Availability.Listed((int)FilePriority.Normal).IsEmpty
                    || WebSeedPicker.Choose(context, (int)FilePriority.Normal) is not (>= 0 and var piece)
                )
                {
                    break;
                }

                begun.Add(piece);
                _content.Begin(_content.Layout.Piece(piece));
            }

            return begun;
        }
    }
}
