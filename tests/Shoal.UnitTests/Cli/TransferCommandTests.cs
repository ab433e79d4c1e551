using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>
/// What get, seed and share refuse before they start anything. That they move bytes is proven by the interop tests.
/// </summary>
public sealed class TransferCommandTests : IDisposable
{
    private const string Link = "magnet:?xt=urn:btih:dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("get")]
    [InlineData("seed")]
    [InlineData("share")]
    public async Task What_this_version_cannot_do_is_refused_in_one_line(string command)
    {
        await Refused("--transport carrier-pigeon", "tcp, utp, both");
        await Refused("--encryption rot13", "off, allow, prefer, require");
        await Refused("--proxy socks4://me:secret@127.0.0.1:1080", "socks5:// or http://");
        await Refused("--dht-bootstrap router.example", "HOST:PORT");
        await Refused("--port 65536", "from 0 to 65535");
        await Refused("--port -1", "from 0 to 65535");
        await Refused("--bind localhost", "'localhost'");
        await Refused("--bind 1", "'1'");
        await Refused("--dns router.example", "'router.example'");
        await Refused("--dns 192.0.2.1:0", "'192.0.2.1:0'");
        await Refused("--port-filter 5-4", "'5-4'");
        await Refused("--peer 1.2.3.4", "HOST:PORT");
        await Refused("--download-limit fast", "2MiB/s");
        await Refused("--max-peers 0", "from 1");
        await Refused("--no-dhtt", "did you mean '--no-dht'?");

        async Task Refused(string option, string words) =>
            (await CliRun.Of([command, "x", .. option.Split(' ')])).IsOneLine(2, words);
    }

    [Fact]
    public async Task Options_that_ask_for_what_holds_anyway_are_taken()
    {
        // The next thing to go wrong is the file that is not there.
        var run = await CliRun.Of(
            "get",
            _folder["none"],
            "--no-dht",
            "--no-lsd",
            "--no-pex",
            "--no-port-mapping",
            "--transport",
            "both",
            "--encryption",
            "prefer",
            "--bind",
            "127.0.0.1",
            "--bind",
            "::1",
            "--dns",
            "192.0.2.1",
            "--dns",
            "[2001:db8::1]:5353",
            "--ip-filter",
            "is-not-read-yet",
            "--port-filter",
            "0-1023,6666",
            "--peer",
            "127.0.0.1:1",
            "--peer",
            "[::1]:2"
        );
        run.IsOneLine(1, "none", "no such file");
    }

    [Fact]
    public async Task Get_refuses_bad_input_in_one_line()
    {
        var torrent = _folder.Write(
            "film.torrent",
            new TorrentBuilder(TorrentFormat.V1).File("a.mkv", 5).Build().TorrentBytes
        );
        var before = _folder.Files;
        (await CliRun.Of("get", torrent, "-o", _folder["out"], "--files", "*.txt")).IsOneLine(1, "--files", "*.txt");
        (await CliRun.Of("get", torrent, "-o", torrent)).IsOneLine(1, "film.torrent");
        (await CliRun.Of("get", _folder["none"])).IsOneLine(1, "no such file");
        (await CliRun.Of("get", "magnet:?dn=x")).IsOneLine(1, "infohash");
        (await CliRun.Of("get", torrent, "--seed-ratio", "-1")).IsOneLine(2, "--seed-ratio");
        (await CliRun.Of("get", torrent, "--seed-ratio", "lots")).IsOneLine(2, "--seed-ratio");
        (await CliRun.Of("get", torrent, "--seed-time", "soon")).IsOneLine(2, "--seed-time");
        (await CliRun.Of("get", torrent, "--timeout", "5x")).IsOneLine(2, "--timeout");
        (await CliRun.Of("get")).IsOneLine(2, "needs SOURCE");
        Assert.Equal(before, _folder.Files);
    }

    [Fact]
    public async Task Seed_refuses_links_and_folders_that_are_not_there()
    {
        var torrent = _folder.Write(
            "film.torrent",
            new TorrentBuilder(TorrentFormat.V1).File("a.mkv", 5).Build().TorrentBytes
        );
        (await CliRun.Of("seed", Link)).IsOneLine(2, "needs the .torrent file");
        (await CliRun.Of("seed", torrent, "--data", _folder["none"])).IsOneLine(1, "none", "no such folder");
        (await CliRun.Of("seed", torrent, "--data", torrent)).IsOneLine(1, "film.torrent", "no such folder");
        (await CliRun.Of("seed")).IsOneLine(2, "needs TORRENT");
    }

    [Fact]
    public async Task Share_refuses_what_it_could_not_serve()
    {
        var file = _folder.Write("a.bin", 5);
        (await CliRun.Of("share", _folder["none"], "--no-trackers")).IsOneLine(1, "none", "no such file or folder");
        (await CliRun.Of("share")).IsOneLine(2, "needs PATH");
        (await CliRun.Of("share", file, "--name", "other", "--no-trackers")).IsOneLine(2, "--name", "a.bin");
        (await CliRun.Of("share", file, file, "-o", "x.torrent")).IsOneLine(2, "--output x.torrent");
        (await CliRun.Of("share", file, "--format", "v9")).IsOneLine(2, "--format");
    }

    [Fact]
    public async Task Get_refuses_links_with_a_bad_key_or_salt_or_without_the_DHT()
    {
        const string Key = "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e";
        (await CliRun.Of("get", "magnet:?xs=urn:btpk:8543")).IsOneLine(1, "public key", "64 hexadecimal digits");
        (await CliRun.Of("get", $"magnet:?xs=urn:btpk:{Key}&s=xyz")).IsOneLine(1, "salt");
        (await CliRun.Of("get", $"magnet:?xs=urn:btpk:{Key}", "--no-dht")).IsOneLine(2, "--no-dht");
        (await CliRun.Of("get", $"magnet:?xs=urn:btpk:{Key}", "--poll", "often")).IsOneLine(2, "--poll");
        (await CliRun.Of("get", $"magnet:?xs=urn:btpk:{Key}", "--stream")).IsOneLine(2, "--stream");
    }

    [Fact]
    public async Task Publish_refuses_what_it_could_not_sign_or_nobody_could_use()
    {
        var torrent = _folder.Write(
            "film.torrent",
            new TorrentBuilder(TorrentFormat.V1).File("a.mkv", 5).Build().TorrentBytes
        );
        var secret = _folder.Write(
            "secret.torrent",
            new TorrentBuilder(TorrentFormat.V1) { IsPrivate = true }
                .File("a.mkv", 5)
                .Build()
                .TorrentBytes
        );
        var link = "magnet:?xs=urn:btpk:8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e";
        (await CliRun.Of("publish")).IsOneLine(2, "needs SOURCE");
        (await CliRun.Of("publish", _folder["none"])).IsOneLine(1, "no such file");
        (await CliRun.Of("publish", link)).IsOneLine(2, "names none itself");
        (await CliRun.Of("publish", secret)).IsOneLine(1, "private");
        (await CliRun.Of("publish", torrent, "--key", "a b")).IsOneLine(2, "--key", "'a b'");
        (await CliRun.Of("publish", torrent, "--key", "..")).IsOneLine(2, "--key");
        (await CliRun.Of("publish", torrent, "--key", torrent, "--salt", new string('s', 65))).IsOneLine(2, "--salt");
        (await CliRun.Of("publish", torrent, "--no-lsd")).IsOneLine(2, "--no-lsd");
        (await CliRun.Of("publish", torrent, "--state", _folder["state"], "--key", torrent)).IsOneLine(
            1,
            "film.torrent"
        );
        (await CliRun.Of("share", torrent, "--salt", "x")).IsOneLine(2, "--salt goes with --publish");
        (await CliRun.Of("share", torrent, torrent, "--publish", "k", "-o", _folder["."])).IsOneLine(2, "--publish");
        (await CliRun.Of("share", torrent, "--publish", "k", "--no-dht")).IsOneLine(2, "--no-dht");
        (await CliRun.Of("share", torrent, "--publish", "k", "--private")).IsOneLine(2, "private");
        (await CliRun.Of("seed", torrent, "--publish", "k", "--no-dht")).IsOneLine(2, "--no-dht");
        Assert.False(Directory.Exists(_folder["state"]));
    }

    [Fact]
    public async Task Tracker_refuses_what_is_no_address()
    {
        (await CliRun.Of("tracker", "--http", "localhost:80")).IsOneLine(2, "--http", "'localhost:80'");
        (await CliRun.Of("tracker", "--udp", "6969")).IsOneLine(2, "--udp", "'6969'");
        (await CliRun.Of("tracker", "6969")).IsOneLine(2, "'6969'");
    }
}
