using System.Text;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class WebSeedPathsTests
{
    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void Names_are_those_of_the_author_and_encoded(TorrentFormat format)
    {
        var torrent = new TorrentBuilder(format, 16 * 1024, "my films")
            .File("a b/ü?#%.txt", 20_000)
            .File("empty", 0)
            .File("z+1", 5)
            .Build();
        var paths = WebSeedPaths.Of(torrent.Metainfo);
        Assert.Equal(torrent.Metainfo.Files.Count, paths.Count);
        var found = torrent.Metainfo.Files.Zip(paths).Where(pair => pair.Second is not null);
        Assert.Equal(
            [("my films/a b/ü?#%.txt", "my%20films/a%20b/%C3%BC%3F%23%25.txt"), ("my films/z+1", "my%20films/z%2B1")],
            found.Select(pair => (pair.First.Path, pair.Second!))
        );
    }

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public void A_torrent_of_one_file_has_its_name_only(TorrentFormat format)
    {
        var torrent = new TorrentBuilder(format, 16 * 1024, "film.mkv").Single(40_000).Build();
        Assert.Equal(["film.mkv"], WebSeedPaths.Of(torrent.Metainfo).OfType<string>());
    }

    [Fact]
    public void Pad_files_links_and_empty_files_are_not_asked_for()
    {
        var torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024)
            .File("a", 100)
            .File("b", 200)
            .File("c", 0)
            .Symlink("d", "a")
            .Build();
        Assert.Equal(["content/a", "content/b"], WebSeedPaths.Of(torrent.Metainfo).OfType<string>());
    }

    /// <summary>Each of these is a name that our disk takes in another form, and that no server is asked for.</summary>
    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a/b")]
    [InlineData("..\\b")]
    [InlineData("a\0b")]
    public void Names_that_could_lead_elsewhere_are_not_asked_for(string name)
    {
        Assert.Equal(
            [null, "t/good"],
            Paths([
                ["x", name],
                ["good"],
            ])
        );
        Assert.Equal(
            [null, "t/good"],
            Paths([
                [name, "x"],
                ["good"],
            ])
        );
        Assert.Equal(
            [null, null],
            Paths(
                [
                    ["x"],
                    ["good"],
                ],
                torrentName: name
            )
        );
    }

    [Fact]
    public void Names_that_only_our_disk_cannot_have_are_asked_for_as_they_are()
    {
        // A character that turns the direction of writing, and a device of Windows.
        Assert.Equal(
            ["t/%E2%80%AEgpj.exe", "t/CON%20"],
            Paths([
                ["\u202egpj.exe"],
                ["CON "],
            ])
        );
        // 'é' in Latin-1: no UTF-8, and a file on many a server.
        Assert.Equal(
            ["t/caf%E9"],
            Paths(
                [
                    ["caf\u00e9"],
                ],
                encoding: Encoding.Latin1
            )
        );
    }

    [Fact]
    public void Endless_names_are_not_asked_for()
    {
        var longest = new string('n', 255);
        Assert.Equal(
            [$"t/{longest}", null],
            Paths([
                [longest],
                [longest + "n"],
            ])
        );
        Assert.Equal(
            [null],
            Paths([
                [.. Enumerable.Repeat(longest, 30)],
            ])
        );
    }

    [Fact]
    public void The_name_in_utf8_counts_where_there_are_two()
    {
        var file = "d6:lengthi5e4:pathl3:olde10:path.utf-8l3:newee";
        Assert.Equal(
            ["t/new"],
            PathsOf($"d5:filesl{file}e4:name1:t12:piece lengthi16384e6:pieces20:{new string('h', 20)}e")
        );
    }

    private static IReadOnlyList<string?> Paths(string[][] files, string torrentName = "t", Encoding? encoding = null)
    {
        var bytes = encoding ?? Encoding.UTF8;
        string String(string text) => $"{bytes.GetByteCount(text)}:{text}";
        var list = string.Concat(files.Select(path => $"d6:lengthi5e4:pathl{string.Concat(path.Select(String))}ee"));
        return PathsOf(
            $"d5:filesl{list}e4:name{String(torrentName)}12:piece lengthi16384e6:pieces20:{new string('h', 20)}e",
            bytes
        );
    }

    private static IReadOnlyList<string?> PathsOf(string info, Encoding? encoding = null)
    {
        var torrent = (encoding ?? Encoding.UTF8).GetBytes($"d4:info{info}e");
        Assert.True(
            MetainfoReader.TryRead(torrent, MetainfoLimits.Default, PathRules.Posix, out var metainfo, out var error),
            error?.Message
        );
        return WebSeedPaths.Of(metainfo);
    }
}
