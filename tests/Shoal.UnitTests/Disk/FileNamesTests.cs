using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class FileNamesTests
{
    private static readonly Metainfo Three = DiskTorrent.Make(TorrentFormat.V1, 64 * 1024, 1000, 2000, 3000).Metainfo;
    private static readonly Dictionary<int, string> Nothing = [];

    [Fact]
    public void Every_file_may_have_another_name_that_nobody_has()
    {
        Assert.Null(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = "elsewhere/a", [1] = "b" }));
        // Names change hands.
        var (first, second) = (Three.Files[0].Path, Three.Files[1].Path);
        Assert.Null(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = second, [1] = first }));
        Assert.Equal("b", FileNames.PathOf(Three, new Dictionary<int, string> { [1] = "b" }, 1));
        Assert.Equal(first, FileNames.PathOf(Three, new Dictionary<int, string> { [1] = "b" }, 0));
    }

    [Fact]
    public void What_holds_all_files_is_known_by_the_names_that_they_have()
    {
        Assert.Equal(Three.Name, FileNames.TopOf(Three, Nothing));
        var moved = Three.Files.Index().ToDictionary(file => file.Index, file => $"Whole/{file.Index}");
        Assert.Equal("Whole", FileNames.TopOf(Three, moved));
        moved[1] = "elsewhere/1";
        Assert.Null(FileNames.TopOf(Three, moved));
        moved[1] = "Whole and more/1";
        Assert.Null(FileNames.TopOf(Three, moved));

        var single = DiskTorrent.Make(TorrentFormat.V1, 64 * 1024, 1000).Metainfo;
        Assert.Equal("below/film", FileNames.TopOf(single, new Dictionary<int, string> { [0] = "below/film" }));

        // Padding is on no disk.
        var hybrid = DiskTorrent.Make(TorrentFormat.Hybrid, 64 * 1024, 1000, 2000).Metainfo;
        var named = hybrid
            .Files.Index()
            .Where(file => !file.Item.IsPad)
            .ToDictionary(file => file.Index, file => $"Whole/{file.Index}");
        Assert.Equal("Whole", FileNames.TopOf(hybrid, named));
    }

    [Theory]
    [InlineData("../out")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b")]
    [InlineData("a//b")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a/..")]
    [InlineData("a\\b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("name\u202efdp.exe")]
    public void A_name_that_leads_out_or_deceives_is_refused(string path) =>
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = path }));

    [Fact]
    public void A_name_that_is_taken_is_refused()
    {
        var taken = Three.Files[1].Path;
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = taken }));
        // It is free when its owner has another.
        Assert.Null(
            FileNames.FaultOf(
                Three,
                new Dictionary<int, string> { [1] = "other" },
                new Dictionary<int, string> { [0] = taken }
            )
        );
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = "same", [1] = "same" }));
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = taken + "/below" }));
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [0] = taken.Split('/')[0] }));
        Assert.NotNull(FileNames.FaultOf(Three, Nothing, new Dictionary<int, string> { [7] = "x" }));
    }
}
