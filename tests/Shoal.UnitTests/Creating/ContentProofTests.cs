using Shoal.Engine;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ContentProofTests : IDisposable
{
    private readonly CustodyFixture _world = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _world.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void Two_copies_answer_alike_and_a_changed_one_otherwise(TorrentFormat format)
    {
        var built = Build(format);
        var (mine, theirs) = (Write(built, "mine"), Write(built, "theirs"));
        var challenge = Challenge(CustodyLimits.MaxBlocks);
        Assert.True(ContentProof.IsProven(built.Metainfo, mine, challenge, default));
        var expected = ContentProof.Answer(built.Metainfo, mine, challenge, default);
        Assert.Equal(32, expected!.Length);
        Assert.Equal(expected, ContentProof.Answer(built.Metainfo, theirs, challenge, default));
        Assert.NotEqual(
            expected,
            ContentProof.Answer(built.Metainfo, theirs, Challenge(CustodyLimits.MaxBlocks), default)
        );

        // All blocks are asked for: one byte anywhere counts.
        foreach (var file in built.Metainfo.Files.Where(file => file is { IsPad: false, Size: > 0 }))
        {
            var path = Path.Combine(theirs, file.Path);
            var content = File.ReadAllBytes(path);
            content[^1] ^= 1;
            File.WriteAllBytes(path, content);
            Assert.NotEqual(expected, ContentProof.Answer(built.Metainfo, theirs, challenge, default));
            Assert.False(ContentProof.IsProven(built.Metainfo, theirs, challenge, default));
            content[^1] ^= 1;
            File.WriteAllBytes(path, content);
        }

        Assert.Equal(expected, ContentProof.Answer(built.Metainfo, theirs, challenge, default));
    }

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.Hybrid)]
    public void What_is_cut_short_or_gone_is_no_copy(TorrentFormat format)
    {
        var built = Build(format);
        var folder = Write(built, "mine");
        var file = built.Metainfo.Files.First(one => one is { IsPad: false, Size: > 0 });
        var path = Path.Combine(folder, file.Path);
        var challenge = Challenge(CustodyLimits.MaxBlocks);
        using (var stream = File.OpenWrite(path))
        {
            stream.SetLength(file.Size - 1);
        }

        Assert.Null(ContentProof.Answer(built.Metainfo, folder, challenge, default));
        Assert.False(ContentProof.IsProven(built.Metainfo, folder, challenge, default));
        File.Delete(path);
        Assert.Null(ContentProof.Answer(built.Metainfo, folder, challenge, default));
    }

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.Hybrid)]
    public void Files_that_have_another_name_here_are_a_copy_all_the_same(TorrentFormat format)
    {
        var built = Build(format);
        var (mine, theirs) = (Write(built, "mine"), Write(built, "theirs"));
        var challenge = Challenge(CustodyLimits.MaxBlocks);
        var index = built.Metainfo.Files.ToList().FindIndex(file => file is { IsPad: false, Size: 77 });
        var renamed = new Dictionary<int, string> { [index] = "d/other.bin" };
        Directory.CreateDirectory(Path.Combine(theirs, "d"));
        var path = Path.Combine(theirs, built.Metainfo.Files[index].Path);
        File.Move(path, Path.Combine(theirs, "d", "other.bin"));
        Assert.Null(ContentProof.Answer(built.Metainfo, theirs, challenge, default));
        Assert.Equal(
            ContentProof.Answer(built.Metainfo, mine, challenge, default)!,
            ContentProof.Answer(built.Metainfo, theirs, renamed, challenge, default)
        );
    }

    [Fact]
    public void Who_lost_a_block_is_found_when_the_salt_chooses_it()
    {
        var built = new TorrentBuilder(TorrentFormat.Hybrid).Single(100 * PieceLayout.BlockSize).Build();
        var (mine, theirs) = (Write(built, "mine"), Write(built, "theirs"));
        var path = Path.Combine(theirs, built.Metainfo.Files[0].Path);
        var content = File.ReadAllBytes(path);
        Array.Clear(content, 0, 10 * PieceLayout.BlockSize);
        File.WriteAllBytes(path, content);
        var found = 0;
        for (var i = 0; i < 40; i++)
        {
            var challenge = Challenge(32);
            var expected = ContentProof.Answer(built.Metainfo, mine, challenge, default);
            var isRight = expected!
                .AsSpan()
                .SequenceEqual(ContentProof.Answer(built.Metainfo, theirs, challenge, default));
            Assert.Equal(challenge.Choose(100).All(block => block >= 10), isRight);
            found += isRight ? 0 : 1;
        }

        // Each is found with 98.5 %.
        Assert.True(found > 30);
    }

    private CustodyChallenge Challenge(int blocks) => _world.Made(_world.Challenge() with { Blocks = blocks });

    private static BuiltTorrent Build(TorrentFormat format) =>
        new TorrentBuilder(format, 32 * 1024)
            .File("a/one.bin", 100_001, 1)
            .File("b/empty.bin", 0)
            .File("b/two.bin", 16 * 1024, 2)
            .File("c.bin", 77, 3)
            .Build();

    private string Write(BuiltTorrent built, string name)
    {
        var folder = _folder[name];
        foreach (var file in built.Metainfo.Files.Where(file => file is { IsPad: false, SymlinkTarget: null }))
        {
            var path = Path.Combine(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, built.Content(file).ToArray());
        }

        return folder;
    }
}
