using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class BadMetainfoTests
{
    private const string V1Rest = "4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa";
    private const string Root = "32:rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr";

    private static (Metainfo? Torrent, MetainfoFault Fault) Read(string text, MetainfoLimits? limits = null)
    {
        MetainfoReader.TryRead(
            Encoding.Latin1.GetBytes(text),
            limits ?? MetainfoLimits.Default,
            PathRules.Posix,
            out var torrent,
            out var error
        );
        Assert.True(error is null || error.Message.Length > 10);
        return (torrent, error?.Fault ?? MetainfoFault.None);
    }

    private static string V2(string tree, string pieceLength = "i16384e", string version = "i2e") =>
        $"d4:infod9:file treed{tree}e12:meta version{version}4:name1:n12:piece length{pieceLength}e12:piece layersdee";

    private static string Files(string files) => $"d4:infod5:filesl{files}e{V1Rest}ee";

    [Theory]
    [InlineData("", MetainfoFault.BadEncoding)]
    [InlineData("i1e", MetainfoFault.NotATorrent)]
    [InlineData("le", MetainfoFault.NotATorrent)]
    [InlineData("de", MetainfoFault.NotATorrent)]
    [InlineData("d4:infoi1ee", MetainfoFault.NotATorrent)]
    [InlineData("d4:infodee", MetainfoFault.BadName)]
    [InlineData("d4:infod6:lengthi1e" + V1Rest + "eex", MetainfoFault.BadEncoding)]
    [InlineData("d4:infod6:lengthi1e" + V1Rest, MetainfoFault.BadEncoding)]
    [InlineData("d4:infod" + V1Rest + "ee", MetainfoFault.BadLength)]
    [InlineData("d4:infod6:lengthi-1e" + V1Rest + "ee", MetainfoFault.BadLength)]
    [InlineData("d4:infod6:length1:1" + V1Rest + "ee", MetainfoFault.BadLength)]
    [InlineData("d4:infod6:lengthi16385e" + V1Rest + "ee", MetainfoFault.BadPieceHashes)]
    [InlineData("d4:infod6:lengthi0e" + V1Rest + "ee", MetainfoFault.BadPieceHashes)]
    [InlineData("d4:infod6:lengthi1e4:name1:a12:piece lengthi16384eee", MetainfoFault.BadPieceHashes)]
    [InlineData("d4:infod6:lengthi1e4:name1:a12:piece lengthi0e6:pieces0:ee", MetainfoFault.BadPieceLength)]
    [InlineData("d4:infod6:lengthi1e4:name1:a12:piece lengthi-1e6:pieces0:ee", MetainfoFault.BadPieceLength)]
    [InlineData("d4:infod6:lengthi1e4:name1:a12:piece lengthi536870913e6:pieces0:ee", MetainfoFault.BadPieceLength)]
    [InlineData("d4:infod6:lengthi9223372036854775807e" + V1Rest + "ee", MetainfoFault.TooManyPieces)]
    public void Bad_v1_torrents(string text, MetainfoFault fault) => Assert.Equal(fault, Read(text).Fault);

    [Theory]
    [InlineData("", MetainfoFault.NoFiles)]
    [InlineData("i1e", MetainfoFault.BadPath)]
    [InlineData("d6:lengthi1ee", MetainfoFault.BadPath)]
    [InlineData("d6:lengthi1e4:pathlee", MetainfoFault.BadPath)]
    [InlineData("d6:lengthi1e4:pathli1eee", MetainfoFault.BadPath)]
    [InlineData("d6:lengthi-5e4:pathl1:aee", MetainfoFault.BadLength)]
    [InlineData("d4:pathl1:aee", MetainfoFault.BadLength)]
    [InlineData(
        "d6:lengthi9223372036854775807e4:pathl1:aeed6:lengthi9223372036854775807e4:pathl1:bee",
        MetainfoFault.BadLength
    )]
    public void Bad_lists_of_files(string files, MetainfoFault fault) => Assert.Equal(fault, Read(Files(files)).Fault);

    [Theory]
    [InlineData("", MetainfoFault.NoFiles)]
    [InlineData("0:d6:lengthi1e11:pieces root" + Root + "e", MetainfoFault.BadFileTree)]
    [InlineData("1:ai1e", MetainfoFault.BadFileTree)]
    [InlineData("1:ad0:i1ee", MetainfoFault.BadLength)]
    [InlineData("1:ad0:dee", MetainfoFault.BadLength)]
    [InlineData("1:ad0:d6:lengthi-1eee", MetainfoFault.BadLength)]
    [InlineData("1:ad0:d6:lengthi1e11:pieces root" + Root + "e1:bd0:d6:lengthi0eeee", MetainfoFault.BadFileTree)]
    [InlineData("1:ad0:d6:lengthi1eee", MetainfoFault.BadPiecesRoot)]
    [InlineData("1:ad0:d6:lengthi1e11:pieces root3:abcee", MetainfoFault.BadPiecesRoot)]
    [InlineData("1:ad0:d4:attr1:p6:lengthi1e11:pieces root" + Root + "ee", MetainfoFault.BadFileTree)]
    [InlineData("1:ad0:d6:lengthi16385e11:pieces root" + Root + "ee", MetainfoFault.BadPieceLayers)]
    [InlineData("1:ad0:d6:lengthi9223372036854775807e11:pieces root" + Root + "ee", MetainfoFault.TooManyPieces)]
    [InlineData("1:bd0:d6:lengthi0eee1:ad0:d6:lengthi0eee", MetainfoFault.BadEncoding)]
    [InlineData("1:ad0:d6:lengthi00eee", MetainfoFault.BadEncoding)]
    public void Bad_file_trees(string tree, MetainfoFault fault) => Assert.Equal(fault, Read(V2(tree)).Fault);

    [Fact]
    public void A_good_file_tree_is_good()
    {
        Assert.NotNull(Read(V2("1:ad0:d6:lengthi1e11:pieces root" + Root + "ee")).Torrent);

        // Properties of a folder, and folders that hold nothing, are no files.
        var torrent = Read(V2("1:ad0:d1:xi1ee1:fd0:d6:lengthi0eeee1:bde")).Torrent;
        Assert.Equal("n/a/f", Assert.Single(torrent!.Files).Path);
    }

    [Theory]
    [InlineData("i16383e", "i2e", MetainfoFault.BadPieceLength)]
    [InlineData("i49152e", "i2e", MetainfoFault.BadPieceLength)]
    [InlineData("i8192e", "i2e", MetainfoFault.BadPieceLength)]
    [InlineData("i1073741824e", "i2e", MetainfoFault.BadPieceLength)]
    [InlineData("i5e", "i3e", MetainfoFault.UnknownVersion)]
    [InlineData("i16384e", "i0e", MetainfoFault.UnknownVersion)]
    [InlineData("i16384e", "1:2", MetainfoFault.UnknownVersion)]
    [InlineData("i16384e", "i1e", MetainfoFault.UnknownVersion)]
    public void The_version_is_checked_first(string pieceLength, string version, MetainfoFault fault) =>
        Assert.Equal(fault, Read(V2("1:ad0:d6:lengthi0eee", pieceLength, version)).Fault);

    [Fact]
    public void A_v2_torrent_needs_its_tree() =>
        Assert.Equal(
            MetainfoFault.BadFileTree,
            Read("d4:infod12:meta versioni2e4:name1:n12:piece lengthi16384eee").Fault
        );

    [Fact]
    public void Piece_layers_must_be_whole_and_lead_to_the_roots()
    {
        var bytes = new TorrentBuilder(TorrentFormat.V2).Single(100_000).Build().TorrentBytes;
        var text = Encoding.Latin1.GetString(bytes);
        var at = text.IndexOf("12:piece layers", StringComparison.Ordinal);
        Assert.Equal(MetainfoFault.BadPieceLayers, Read(text[..at] + "e").Fault);
        Assert.Equal(MetainfoFault.BadPieceLayers, Read(text[..at] + "12:piece layersdee").Fault);
        Assert.Equal(MetainfoFault.BadPieceLayers, Read(text[..at] + "12:piece layersi1ee").Fault);

        // Another key beside the right one.
        Assert.Equal(
            MetainfoFault.BadPieceLayers,
            Read(text[..^2] + "32:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz32:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzee").Fault
        );
        for (var i = at + 52; i < bytes.Length - 2; i += 13)
        {
            var changed = (byte[])bytes.Clone();
            changed[i] ^= 1;
            Assert.NotEqual(MetainfoFault.None, Read(Encoding.Latin1.GetString(changed)).Fault);
        }
    }

    [Fact]
    public void The_halves_of_a_hybrid_must_agree()
    {
        var text = Encoding.Latin1.GetString(
            new TorrentBuilder(TorrentFormat.Hybrid).File("a", 10).File("bb", 20_000).Build().TorrentBytes
        );
        Assert.Equal(TorrentFormat.Hybrid, Read(text).Torrent!.Format);
        foreach (
            var (old, changed) in new[]
            {
                ("6:lengthi10e4:path", "6:lengthi11e4:path"), // another length
                ("4:pathl1:ae", "4:pathl1:ce"), // another name
                ("4:pathl2:bbe", "4:pathl1:b1:be"), // another folder
                ("lengthi16374e", "lengthi16373e"), // the second file not at a piece
                ("d4:attr1:p6:lengthi12768e4:pathl4:.pad5:12768eee", "e"), // allowed: no padding at the end
                ("lengthi12768e", "lengthi12767e"), // padding that does not fill
                ("d4:attr1:p6:length", "d4:attr1:x6:length"), // padding that is a file
            }
        )
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            var fault = Read(text.Replace(old, changed, StringComparison.Ordinal)).Fault;
            Assert.True(
                fault is MetainfoFault.HybridMismatch
                    || (changed == "e" && fault is MetainfoFault.None or MetainfoFault.BadPieceHashes),
                $"{changed}: {fault}"
            );
        }
    }

    [Fact]
    public void Limits_hold()
    {
        var deep = (int depth) => Files($"d6:lengthi1e4:pathl{string.Concat(Enumerable.Repeat("1:a", depth))}ee");
        Assert.Equal(MetainfoFault.None, Read(deep(50)).Fault);
        Assert.Equal(MetainfoFault.None, Read(deep(100)).Fault);
        Assert.Equal(MetainfoFault.BadPath, Read(deep(200)).Fault);

        var small = "d4:infod6:lengthi1e" + V1Rest + "ee";
        Assert.Equal(MetainfoFault.TooLarge, Read(small, new MetainfoLimits { MaxBytes = 10 }).Fault);
        Assert.Equal(MetainfoFault.TooManyPieces, Read(small, new MetainfoLimits { MaxPieces = 0 }).Fault);
        Assert.Equal(
            MetainfoFault.BadEncoding,
            Read(small, new MetainfoLimits { Bencode = new BencodeLimits { MaxTokens = 5 } }).Fault
        );

        var same = string.Concat(Enumerable.Repeat("d6:lengthi0e4:pathl1:aee", 502));
        Assert.Equal(MetainfoFault.TooManyDuplicates, Read(Files(same)).Fault);
    }

    [Fact]
    public void A_small_file_tree_cannot_grow_into_gigabytes_of_paths()
    {
        // 90 folders of 250 letters within each other, with 20,000 files at the bottom: 500 KB that spell 450 MB.
        var folder = "250:" + new string('f', 250) + "d";
        var tree = new StringBuilder();
        tree.Insert(0, folder, 90);
        for (var i = 10_000; i < 30_000; i++)
        {
            tree.Append($"5:{i}d0:d6:lengthi0eee");
        }

        tree.Append('e', 90);
        var text = V2(tree.ToString());
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(MetainfoFault.BadPath, Read(text).Fault);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 150_000_000);
    }

    [Theory]
    [MemberData(nameof(MetainfoReaderTests.Formats), MemberType = typeof(MetainfoReaderTests))]
    public void Symlinks_lead_to_files_and_folders_of_the_torrent_or_nowhere(TorrentFormat format)
    {
        var torrent = new TorrentBuilder(format)
            .File("d/f", 10)
            .Symlink("to-file", "d/f")
            .Symlink("to-folder", "d")
            .Symlink("d/beside", "f")
            .Symlink("d/up", "../to-file")
            .Symlink("through", "to-folder/f")
            .Symlink("chain", "through")
            .Symlink("self", "self")
            .Symlink("circle-a", "circle-b")
            .Symlink("circle-b", "circle-a")
            .Symlink("below-itself", "below-itself/x")
            .Symlink("dangling", "nothing")
            .Symlink("out", "../../etc/passwd")
            .Symlink("to-dangling", "dangling")
            .Build()
            .Metainfo;
        var targets = torrent
            .Files.Where(f => !f.IsPad)
            .ToDictionary(f => f.Path["content/".Length..], f => f.SymlinkTarget);
        Assert.Equal("content/d/f", targets["to-file"]);
        Assert.Equal("content/d", targets["to-folder"]);
        Assert.Equal("content/d/f", targets["d/beside"]);
        Assert.Equal("content/d/f", targets["d/up"]);
        Assert.Equal("content/d/f", targets["through"]);
        Assert.Equal("content/d/f", targets["chain"]);
        foreach (var name in new[] { "self", "circle-a", "circle-b", "below-itself", "dangling", "out", "to-dangling" })
        {
            Assert.Null(targets[name]);
        }
    }

    [Fact]
    public void Attributes_and_old_padding_are_understood()
    {
        var torrent = Read(
            Files(
                "d4:attr3:?xh6:lengthi1e4:pathl1:aeed4:attr1:p6:lengthi5eed6:lengthi7e4:pathl22:_____padding_file_0_xxee"
            )
        ).Torrent!;
        Assert.True(torrent.Files[0] is { IsExecutable: true, IsHidden: true, IsPad: false });
        Assert.Equal([false, true, true], torrent.Files.Select(f => f.IsPad));
        Assert.Equal((1, 13), (torrent.Size, torrent.Layout.Extent));
    }

    [Fact]
    public void A_name_of_nothing_becomes_the_infohash()
    {
        var torrent = Read(
            "d4:infod6:lengthi1e" + V1Rest.Replace("1:a", "2:..", StringComparison.Ordinal) + "ee"
        ).Torrent!;
        Assert.Equal(torrent.InfoHashes.V1.ToString(), torrent.Name);
        Assert.Equal(torrent.Name, torrent.Files[0].Path);
    }

    [Fact]
    public void Mutations_never_throw_and_what_is_read_is_safe()
    {
        var corpus = TestVectors.Corpus("metainfo");
        Fuzz.Run(
            4000,
            random =>
            {
                var input = Fuzz.Mutate(random, corpus[random.Next(corpus.Count)]);
                if (!MetainfoReader.TryRead(input, MetainfoLimits.Default, PathRules.Posix, out var torrent, out _))
                {
                    return;
                }

                var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                foreach (var file in torrent.Files.Where(f => !f.IsPad))
                {
                    Assert.True(names.Add(file.Path), file.Path);
                    Assert.True(
                        file.Offset >= 0 && file.Size >= 0 && file.End <= Math.Max(torrent.Layout.Extent, file.Offset)
                    );
                    foreach (var element in file.Path.Split('/'))
                    {
                        Assert.True(element.Length is > 0 and <= 255 && element is not ("." or ".."), file.Path);
                        Assert.DoesNotContain('\0', element);
                    }
                }

                Assert.Equal(
                    torrent.Format == TorrentFormat.V2 ? 0 : torrent.Layout.PieceCount * 20,
                    torrent.V1PieceHashes.Length
                );
                PieceHashes.Of(torrent);
            }
        );
    }
}
