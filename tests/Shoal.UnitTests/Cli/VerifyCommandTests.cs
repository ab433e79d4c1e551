using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class VerifyCommandTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TorrentFormat.V1)]
    [InlineData(TorrentFormat.V2)]
    [InlineData(TorrentFormat.Hybrid)]
    public async Task Damage_and_absence_are_told_by_file(TorrentFormat format)
    {
        var built = new TorrentBuilder(format, name: "film")
            .File("a", 50_000, seed: 1)
            .File("b", 40_000, seed: 2)
            .File("c", 0)
            .Build();
        var torrent = _folder.Write("film.torrent", built.TorrentBytes);
        foreach (var file in built.Metainfo.Files.Where(file => !file.IsPad))
        {
            _folder.Write(file.Path, file.Size == 0 ? [] : built.Content(file).ToArray());
        }

        var good = await CliRun.Of("verify", torrent, "--data", _folder.Path);
        Assert.Equal((0, ""), (good.Exit, good.Error));

        var damaged = File.ReadAllBytes(_folder["film/b"]);
        damaged[^1] ^= 1;
        File.WriteAllBytes(_folder["film/b"], damaged);
        var (exit, told) = await Json(torrent);
        Assert.Equal(3, exit);
        Assert.False(told.GetProperty("complete").GetBoolean());
        Assert.Equal(90_000, told.GetProperty("size").GetInt64());
        var (a, b) = (told.GetProperty("files")[0], told.GetProperty("files")[1]);
        Assert.Equal("film/b", b.GetProperty("path").GetString());
        Assert.Equal(40_000, b.GetProperty("size").GetInt64());
        Assert.InRange(b.GetProperty("goodBytes").GetInt64(), 40_000 - 16_384, 39_999);
        Assert.False(b.GetProperty("missing").GetBoolean());
        Assert.Equal(50_000, a.GetProperty("goodBytes").GetInt64());

        File.Delete(_folder["film/b"]);
        (exit, told) = await Json(torrent);
        Assert.Equal(3, exit);
        Assert.True(told.GetProperty("files")[1].GetProperty("missing").GetBoolean());
        Assert.Equal(0, told.GetProperty("files")[1].GetProperty("goodBytes").GetInt64());

        var people = await CliRun.Of("verify", torrent, "--data", _folder.Path);
        Assert.Equal(3, people.Exit);
        Assert.Contains("film/b: missing\n", people.Out, StringComparison.Ordinal);
        Assert.Equal(["film.torrent", "film/a", "film/c"], _folder.Files);
    }

    [Fact]
    public async Task Bad_input_gets_one_line()
    {
        var torrent = _folder.Write("x.torrent", new TorrentBuilder(TorrentFormat.V1).Single(5).Build().TorrentBytes);
        (await CliRun.Of("verify", torrent, "--data", _folder["none"])).IsOneLine(1, "none", "no such folder");
        (await CliRun.Of("verify", _folder["none"])).IsOneLine(1, "none", "no such file");
        (await CliRun.Of("verify", "magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c")).IsOneLine(
            2,
            "link"
        );
        (await CliRun.Of("verify")).IsOneLine(2, "needs TORRENT");
    }

    private async Task<(int Exit, JsonElement Told)> Json(string torrent)
    {
        var run = await CliRun.Of("verify", torrent, "--data", _folder.Path, "--json");
        Assert.Equal("", run.Error);
        return (run.Exit, JsonDocument.Parse(run.Out).RootElement);
    }
}
