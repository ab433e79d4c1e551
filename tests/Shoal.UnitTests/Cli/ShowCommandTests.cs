using System.Text.Json;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class ShowCommandTests : IDisposable
{
    private const string Hash = "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(TorrentFormat.V1, "v1")]
    [InlineData(TorrentFormat.V2, "v2")]
    [InlineData(TorrentFormat.Hybrid, "hybrid")]
    public async Task Json_says_everything_the_contract_names(TorrentFormat format, string name)
    {
        var built = new TorrentBuilder(format, name: "film")
        {
            Trackers =
            [
                ["http://a.example/announce", "udp://b.example:1/announce"],
                ["http://c.example/announce"],
            ],
            WebSeeds = ["http://seed.example/"],
            IsPrivate = true,
        }
            .File("reels/1.mkv", 20_000)
            .File("zz.txt", 5, seed: 2)
            .Build();
        var run = await CliRun.Of("show", _folder.Write("film.torrent", built.TorrentBytes), "--json");
        Assert.Equal((0, ""), (run.Exit, run.Error));
        Assert.Equal(1, run.Out.Count(c => c == '\n'));
        var shown = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal("torrent", shown.GetProperty("event").GetString());
        Assert.Equal(built.Metainfo.InfoHashes.V1?.ToString(), shown.GetProperty("infoHashV1").GetString());
        Assert.Equal(built.Metainfo.InfoHashes.V2?.ToString(), shown.GetProperty("infoHashV2").GetString());
        Assert.Equal("film", shown.GetProperty("name").GetString());
        Assert.Equal(20_005, shown.GetProperty("size").GetInt64());
        Assert.Equal(16384, shown.GetProperty("pieceLength").GetInt32());
        Assert.Equal(built.Metainfo.Layout.PieceCount, shown.GetProperty("pieces").GetInt32());
        Assert.True(shown.GetProperty("private").GetBoolean());
        Assert.Equal(name, shown.GetProperty("format").GetString());
        Assert.Equal(2, shown.GetProperty("trackers").GetArrayLength());
        Assert.Equal("udp://b.example:1/announce", shown.GetProperty("trackers")[0][1].GetString());
        Assert.Equal("http://seed.example/", shown.GetProperty("webSeeds")[0].GetString());
        Assert.Equal(0, shown.GetProperty("nodes").GetArrayLength());
        foreach (var missing in (string[])["comment", "createdBy", "creationDate", "source"])
        {
            Assert.Equal(JsonValueKind.Null, shown.GetProperty(missing).ValueKind);
        }

        var file = shown.GetProperty("files")[0];
        Assert.Equal("film/reels/1.mkv", file.GetProperty("path").GetString());
        Assert.Equal(20_000, file.GetProperty("size").GetInt64());
        Assert.Equal(0, file.GetProperty("offset").GetInt64());
        Assert.False(file.GetProperty("pad").GetBoolean());
        Assert.False(file.GetProperty("executable").GetBoolean());
        Assert.False(file.GetProperty("hidden").GetBoolean());
        Assert.Equal(JsonValueKind.Null, file.GetProperty("symlink").ValueKind);
        Assert.Equal(format != TorrentFormat.V1, file.GetProperty("piecesRoot").ValueKind == JsonValueKind.String);
    }

    [Fact]
    public async Task For_people_it_prints_the_facts_and_the_files()
    {
        var built = new TorrentBuilder(TorrentFormat.Hybrid, name: "film")
            .File("a/1.mkv", 20_000)
            .File("b.txt", 5)
            .Build();
        var run = await CliRun.Of("show", _folder.Write("film.torrent", built.TorrentBytes));
        Assert.Equal((0, ""), (run.Exit, run.Error));
        Assert.StartsWith("film\n", run.Out, StringComparison.Ordinal);
        Assert.Contains($"Infohash v1  {built.Metainfo.InfoHashes.V1}\n", run.Out, StringComparison.Ordinal);
        Assert.Contains($"Infohash v2  {built.Metainfo.InfoHashes.V2}\n", run.Out, StringComparison.Ordinal);
        Assert.Contains("magnet:?xt=urn:btih:", run.Out, StringComparison.Ordinal);
        Assert.Contains("19.5 KiB  film/a/1.mkv\n", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(".pad", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_in_a_torrent_can_command_the_terminal()
    {
        var text =
            "d7:comment10:x\e[2J\e]0;y4:infod6:lengthi1e4:name5:a\e[2J12:piece lengthi16384e6:pieces20:"
            + new string('x', 20)
            + "ee";
        var run = await CliRun.Of("show", _folder.Write("x.torrent", System.Text.Encoding.Latin1.GetBytes(text)));
        Assert.Equal((0, ""), (run.Exit, run.Error));
        Assert.All(run.Out, c => Assert.True(c == '\n' || !char.IsControl(c)));
    }

    [Theory]
    [InlineData(Hash)]
    [InlineData("3WBFL3G4PSSV7MF37AJSHWDQMLNR63I4")]
    [InlineData("magnet:?xt=urn:btih:" + Hash + "&dn=a&tr=http%3A%2F%2Ft.example%2Fannounce&x.pe=1.2.3.4:5")]
    public async Task Links_say_what_they_know(string source)
    {
        var run = await CliRun.Of("show", source, "--json");
        Assert.Equal((0, ""), (run.Exit, run.Error));
        var shown = JsonDocument.Parse(run.Out).RootElement;
        Assert.Equal(Hash, shown.GetProperty("infoHashV1").GetString());
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("infoHashV2").ValueKind);
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("files").ValueKind);
        Assert.Equal(source.Length > 100 ? 1 : 0, shown.GetProperty("trackers").GetArrayLength());
        Assert.Equal(source.Length > 100 ? 1 : 0, shown.GetProperty("peers").GetArrayLength());
        Assert.Equal(0, (await CliRun.Of("show", source)).Exit);
    }

    [Fact]
    public async Task Bad_input_gets_one_line_that_names_it()
    {
        (await CliRun.Of("show", _folder["none.torrent"])).IsOneLine(1, "none.torrent", "no such file");
        (await CliRun.Of("show", _folder.Path)).IsOneLine(1, _folder.Path, "folder");
        (await CliRun.Of("show", _folder.Write("empty.torrent", []))).IsOneLine(1, "empty.torrent", "empty");
        (await CliRun.Of("show", _folder.Write("bad.torrent", "<html>"u8.ToArray()))).IsOneLine(1, "bad.torrent");
        (await CliRun.Of("show", _folder.Write("no.torrent", "d1:ai1ee"u8.ToArray()))).IsOneLine(
            1,
            "no.torrent",
            "info"
        );
        (await CliRun.Of("show", _folder.Write("big.torrent", 10_000_001))).IsOneLine(1, "big.torrent", "larger");
        (await CliRun.Of("show", "magnet:?dn=nothing")).IsOneLine(1, "magnet:?dn=nothing");
        (await CliRun.Of("show", "magnet:?xt=urn:btih:123")).IsOneLine(1, "magnet:?xt=urn:btih:123");
        (await CliRun.Of("show", "what\e[2J")).IsOneLine(1, "no such file");
        (await CliRun.Of("show", "file:///etc/passwd")).IsOneLine(1, "no such file");
        (await CliRun.Of("show")).IsOneLine(2, "needs SOURCE");
        (await CliRun.Of("show", "a", "b")).IsOneLine(2, "'b'");
        (await CliRun.Of("show", "--jsn", "a")).IsOneLine(2, "'--jsn'", "'--json'");
    }

    [Fact]
    public async Task Every_cut_of_a_torrent_gets_one_line()
    {
        var bytes = new TorrentBuilder(TorrentFormat.Hybrid).File("a", 40_000).File("b", 5).Build().TorrentBytes;
        for (var length = 0; length < bytes.Length; length += 7)
        {
            var run = await CliRun.Of("show", _folder.Write("cut.torrent", bytes[..length]));
            run.IsOneLine(1, "cut.torrent");
        }
    }

    [Fact]
    public async Task A_link_that_can_change_is_told_from_one_that_cannot()
    {
        const string Link = "magnet:?xs=urn:btpk:8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e&s=6e";
        var plain = await CliRun.Of("show", Link);
        Assert.Contains("Public key   8543d3e6", plain.Out, StringComparison.Ordinal);
        Assert.Contains("Salt         6e", plain.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Infohash", plain.Out, StringComparison.Ordinal);
        var json = await CliRun.Of("show", Link, "--json");
        Assert.Contains("\"publicKey\":\"8543d3e6", json.Out, StringComparison.Ordinal);
        Assert.Contains("\"salt\":\"6e\"", json.Out, StringComparison.Ordinal);
        Assert.Contains($"\"magnet\":\"{Link}\"", json.Out, StringComparison.Ordinal);
    }
}
