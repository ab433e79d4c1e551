using System.Security.Cryptography;
using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class MerkleTests
{
    [Fact]
    public void Vectors_of_padding()
    {
        using var vectors = TestVectors.Load("bep52_merkle.json");
        var layer = 0;
        foreach (var hash in vectors.RootElement.GetProperty("pad_hash_by_layer").EnumerateArray())
        {
            Assert.Equal(hash.GetString(), MerkleTree.PadHash(layer++).ToString());
        }

        Assert.True(layer > 20);
    }

    [Fact]
    public void Vectors_of_roots_and_layers()
    {
        using var vectors = TestVectors.Load("bep52_merkle.json");
        var cases = vectors.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var item in cases)
        {
            var size = item.GetProperty("size").GetInt32();
            var pieceLength = item.GetProperty("piece_length").GetInt32();
            var content = new byte[size];
            for (var i = 0; i < size; i++)
            {
                content[i] = (byte)(i * 7 + (i >> 8) * 13 + (i >> 16) * 31 + 3);
            }

            Assert.Equal(
                item.GetProperty("sha1_of_content").GetString(),
                Convert.ToHexStringLower(SHA1.HashData(content))
            );
            var root = item.GetProperty("pieces_root").GetString();
            var leaves = Leaves(content);
            if (size == 0)
            {
                continue;
            }

            Assert.Equal(root, MerkleTree.Root(leaves, 0, MerkleTree.Height(size)).ToString());
            var pieces = content
                .Chunk(pieceLength)
                .Select(p => MerkleTree.PieceHash(Leaves(p), size, pieceLength))
                .ToArray();
            var layer = item.GetProperty("piece_layer");
            if (layer.ValueKind == JsonValueKind.Null)
            {
                Assert.Equal(root, Assert.Single(pieces).ToString());
            }
            else
            {
                Assert.Equal(layer.GetString(), string.Concat(pieces));
                var tree = new FileMerkle(new Sha256Digest(Convert.FromHexString(root!)), size, pieceLength);
                Assert.True(tree.TrySetPieceLayer(Convert.FromHexString(layer.GetString()!)));
                Assert.True(tree.IsComplete);
            }
        }
    }

    private static byte[] Leaves(byte[] content) =>
        [.. content.Chunk(PieceLayout.BlockSize).SelectMany(SHA256.HashData)];

    /// <summary>A file of random hashes: trees care about nothing below their leaves.</summary>
    private static (FileMerkle Full, FileMerkle Empty) Trees(int blocks, int pieceLength, Random random)
    {
        var leaves = new byte[blocks * 32];
        random.NextBytes(leaves);
        var size = (long)blocks * PieceLayout.BlockSize - random.Next(PieceLayout.BlockSize);
        var root = MerkleTree.Root(leaves, 0, MerkleTree.Height(size));
        var full = new FileMerkle(root, size, pieceLength);
        var perPiece = pieceLength / PieceLayout.BlockSize;
        var pieces = leaves.Chunk(perPiece * 32).ToList();
        if (pieces.Count > 1)
        {
            Assert.True(
                full.TrySetPieceLayer(
                    pieces.SelectMany(p => MerkleTree.PieceHash(p, size, pieceLength).ToArray()).ToArray()
                )
            );
        }

        for (var i = 0; i < pieces.Count; i++)
        {
            var hashes = pieces[i].Chunk(32).Select(h => new Sha256Digest(h)).ToArray();
            Assert.Equal(MerkleVerdict.Good, full.Check(i, hashes));
            full.KeepBlocks(i, hashes);
        }

        return (full, new FileMerkle(root, size, pieceLength));
    }

    [Theory]
    [InlineData(1, 16384)]
    [InlineData(2, 16384)]
    [InlineData(3, 16384)]
    [InlineData(3, 65536)]
    [InlineData(5, 65536)]
    [InlineData(16, 65536)]
    [InlineData(17, 65536)]
    [InlineData(1024, 16384)]
    [InlineData(1025, 16384)]
    [InlineData(1100, 32768)]
    [InlineData(5000, 65536)]
    public void A_tree_is_learnt_from_another_by_proofs(int blocks, int pieceLength)
    {
        var (full, empty) = Trees(blocks, pieceLength, new Random(blocks));
        for (var piece = 0; piece < empty.PieceCount; piece++)
        {
            if (!empty.TryGetPieceHash(piece, out _))
            {
                var request = empty.RequestPieces(piece);
                Assert.True(full.TryAnswer(request, out var answer));
                Assert.Equal(FileMerkle.AnswerLength(request) * 32, answer.Length);
                Assert.Equal(MerkleVerdict.Good, empty.AddHashes(request, answer));
                Assert.True(empty.TryGetPieceHash(piece, out _));
            }

            if (empty.TryRequestBlocks(piece, out var blockRequest))
            {
                Assert.True(full.TryAnswer(blockRequest, out var answer));
                Assert.Equal(MerkleVerdict.Good, empty.AddHashes(blockRequest, answer));
                for (var block = 0; block < empty.BlockCount(piece); block++)
                {
                    Assert.True(empty.TryGetBlockHash(piece, block, out var hash));
                    Assert.True(full.TryGetBlockHash(piece, block, out var expected));
                    Assert.Equal(expected, hash);
                }
            }
        }

        Assert.True(empty.IsComplete);
        Assert.True(empty.TryGetPieceLayer(out var learnt));
        Assert.True(full.TryGetPieceLayer(out var original));
        Assert.Equal(original.Span, learnt.Span);
    }

    [Fact]
    public void Every_changed_answer_is_found_out()
    {
        var random = new Random(7);
        for (var round = 0; round < 60; round++)
        {
            var (full, empty) = Trees(random.Next(9, 3000), 16384 << random.Next(3), random);
            var request = empty.RequestPieces(random.Next(empty.PieceCount));
            Assert.True(full.TryAnswer(request, out var answer));
            var changed = (byte[])answer.Clone();
            changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Equal(MerkleVerdict.Bad, empty.AddHashes(request, changed));
            Assert.Equal(MerkleVerdict.Bad, empty.AddHashes(request, answer.AsSpan(32)));
            Assert.Equal(MerkleVerdict.Bad, empty.AddHashes(request, [.. answer, .. new byte[32]]));
            Assert.Equal(MerkleVerdict.Bad, empty.AddHashes(request with { Index = request.Index + 1 }, answer));
            Assert.False(empty.TryAnswer(request, out _));
            Assert.Equal(MerkleVerdict.Good, empty.AddHashes(request, answer));
        }
    }

    [Fact]
    public void Any_request_is_answered_provably_or_rejected()
    {
        var (full, _) = Trees(600, 65536, new Random(3));
        Fuzz.Run(
            300,
            random =>
            {
                var length = 1u << random.Next(12);
                var request = new HashRequest(
                    full.Root,
                    (uint)random.Next(4),
                    (uint)random.Next(12) * (random.Next(4) == 0 ? 1u : length),
                    length,
                    (uint)random.Next(14)
                );
                var answered = full.TryAnswer(request, out var answer);
                Assert.Equal(full.IsPossible(request), answered);
                if (answered)
                {
                    var other = Trees(600, 65536, new Random(3)).Full;
                    Assert.Equal(MerkleVerdict.Good, other.AddHashes(request, answer));
                }
            }
        );
    }

    [Fact]
    public void Requests_beyond_the_tree_are_rejected()
    {
        var (full, _) = Trees(600, 65536, new Random(3));
        var good = full.RequestPieces(0);
        Assert.True(full.TryAnswer(good, out _));
        HashRequest[] bad =
        [
            good with
            {
                PiecesRoot = default,
            },
            good with
            {
                BaseLayer = 1,
            },
            good with
            {
                BaseLayer = uint.MaxValue,
            },
            good with
            {
                Index = 2,
            },
            good with
            {
                Index = uint.MaxValue - 511,
            },
            good with
            {
                Length = 1,
            },
            good with
            {
                Length = 3,
            },
            good with
            {
                Length = 1u << 31,
            },
            good with
            {
                ProofLayers = 20,
            },
            good with
            {
                ProofLayers = uint.MaxValue,
            },
        ];
        Assert.All(bad, request => Assert.False(full.TryAnswer(request, out _), request.ToString()));
    }

    [Fact]
    public void Pieces_of_a_torrent_find_their_trees()
    {
        var same = new byte[40_000];
        var built = new TorrentBuilder(TorrentFormat.Hybrid)
            .File("a", 50_000)
            .File("b", 0)
            .File("c", same)
            .File("d", same)
            .File("e", 5)
            .Build();
        var hashes = PieceHashes.Of(built.Metainfo)!;
        Assert.True(hashes.IsComplete);
        for (var i = 0; i < built.Metainfo.Layout.PieceCount; i++)
        {
            var piece = built.Metainfo.Layout.Piece(i);
            var data = built.Piece(piece)[..built.Metainfo.Layout.DataSizeOf(piece)].ToArray();
            var blocks = data.Chunk(PieceLayout.BlockSize).Select(b => new Sha256Digest(SHA256.HashData(b))).ToArray();
            Assert.Equal(MerkleVerdict.Good, hashes.Check(piece, blocks));
            blocks[0] = default;
            Assert.Equal(MerkleVerdict.Bad, hashes.Check(piece, blocks));
        }

        Assert.Same(
            hashes.FileOf(built.Metainfo.Layout.Piece(4), out var third),
            hashes.FileOf(built.Metainfo.Layout.Piece(7), out var other)
        );
        Assert.Equal((0, 0), (third, other));
        Assert.Null(PieceHashes.Of(new TorrentBuilder(TorrentFormat.V1).Single(5).Build().Metainfo));
    }

    [Fact]
    public void Without_piece_layers_nothing_is_known_but_small_files()
    {
        var original = new TorrentBuilder(TorrentFormat.V2).File("a", 50_000).File("b", 5).Build().Metainfo;
        Assert.True(
            MetainfoReader.TryReadInfo(original.InfoBytes, null, MetainfoLimits.Default, [], [], out var bare, out _)
        );
        var hashes = PieceHashes.Of(bare)!;
        Assert.False(hashes.IsComplete);
        Assert.Equal(MerkleVerdict.Unknown, hashes.Check(bare.Layout.Piece(0), [default]));
        Assert.True(hashes.TryGetPieceHash(bare.Layout.Piece(4), out _));
        var request = hashes.RequestFor(bare.Layout.Piece(2));
        Assert.True(PieceHashes.Of(original)!.Find(request.PiecesRoot)!.TryAnswer(request, out var answer));
        Assert.Equal(MerkleVerdict.Good, hashes.Find(request.PiecesRoot)!.AddHashes(request, answer));
        Assert.True(hashes.IsComplete);
    }
}
