using System.Net;
using System.Text.Json;
using Shoal.Cli;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class TransferViewTests
{
    private const string Magnet = "magnet:?xt=urn:btih:000102030405060708090a0b0c0d0e0f10111213&dn=film";

    private static readonly TorrentStatus Half = new()
    {
        State = TorrentState.Downloading,
        WantedBytes = 1000,
        DoneBytes = 500,
        TotalBytes = 1000,
        PieceCount = 4,
        Pieces = Some(4, 0, 1),
        DownloadRate = 100,
        UploadRate = 7,
        Downloaded = 510,
        Uploaded = 3,
        PeerCount = 2,
        SeedCount = 1,
        Wasted = 10,
        HashFailures = 1,
    };

    private static readonly Metainfo Film = new()
    {
        InfoHashes = new InfoHashes(new Sha1Digest(new byte[20]), null),
        Format = TorrentFormat.V1,
        Name = "film\e[2J",
        Layout = PieceLayout.Contiguous(1000, 256),
        Files =
        [
            new MetainfoFile
            {
                Path = "film",
                Size = 1000,
                Offset = 0,
            },
        ],
        Size = 1000,
        InfoBytes = default,
    };

    private static readonly PeerStatus Somebody = new()
    {
        EndPoint = new IPEndPoint(IPAddress.Loopback, 6881),
        PeerId = default,
        Client = "Other 1.0",
        IsOutgoing = true,
        Source = PeerSource.Pex | PeerSource.LocalDiscovery,
        Transport = TransportKind.Utp,
        Encryption = StreamEncryption.Rc4,
        Downloaded = 7,
    };

    private static readonly TransferEvent[] Everything =
    [
        new TransferEvent.Listening(6881, [new IPEndPoint(IPAddress.Loopback, 6881)]),
        new TransferEvent.Hashing("film", 10, 20),
        new TransferEvent.Link(Magnet, "film.torrent", ["http://127.0.0.1:1/announce"]),
        new TransferEvent.MetadataKnown(Film, 1000),
        new TransferEvent.Streaming("http://127.0.0.1:1/k/0/film", 0, "film\e[2J", 1000, "video/mp4"),
        new TransferEvent.PeerConnected(Somebody),
        new TransferEvent.Progress(Half),
        new TransferEvent.Progress(Half with { State = TorrentState.Checking, PiecesChecked = 3 }),
        new TransferEvent.Progress(Half with { State = TorrentState.FetchingMetadata }),
        new TransferEvent.Progress(Half with { State = TorrentState.Failed, Error = "disk\nfull" }),
        new TransferEvent.PeerGone(Somebody, DisconnectReason.ClosedByPeer),
        new TransferEvent.Warning("tracker", "bad\e[31m news"),
        new TransferEvent.Complete(Half with { DoneBytes = 1000 }, TimeSpan.FromSeconds(2.5), "/x/film"),
        new TransferEvent.Progress(Half with { State = TorrentState.Seeding, DoneBytes = 1000 }),
        new TransferEvent.Stopped("interrupted", Half, TimeSpan.FromSeconds(3)),
    ];

    [Fact]
    public void Json_lines_have_the_shape_of_the_contract()
    {
        var output = new StringWriter { NewLine = "\n" };
        using (var view = new JsonTransferView(output))
        {
            Assert.True(view.Interval >= TimeSpan.FromSeconds(1));
            Array.ForEach(Everything, view.Show);
        }

        var lines = output
            .ToString()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
        Assert.All(lines, line => Assert.Equal("event", line.EnumerateObject().First().Name));
        Assert.Equal(6881, Line(lines, "listening").GetProperty("port").GetInt32());
        Assert.Equal(Magnet, Line(lines, "link").GetProperty("magnet").GetString());

        var metadata = Line(lines, "metadata");
        Assert.Equal(new string('0', 40), metadata.GetProperty("infoHashV1").GetString());
        Assert.Equal(JsonValueKind.Null, metadata.GetProperty("infoHashV2").ValueKind);
        Assert.Equal("film\e[2J", metadata.GetProperty("name").GetString());
        Assert.Equal(
            (1000, 4, 256),
            (
                metadata.GetProperty("size").GetInt64(),
                metadata.GetProperty("pieces").GetInt32(),
                metadata.GetProperty("pieceLength").GetInt32()
            )
        );

        var streaming = Line(lines, "streaming");
        Assert.Equal(
            ("http://127.0.0.1:1/k/0/film", 0, 1000, "video/mp4"),
            (
                streaming.GetProperty("url").GetString(),
                streaming.GetProperty("file").GetInt32(),
                streaming.GetProperty("size").GetInt64(),
                streaming.GetProperty("type").GetString()
            )
        );

        var progress = Line(lines, "progress");
        Assert.Equal(
            [500, 1000, 100, 7, 2],
            ((string[])["done", "size", "downloadRate", "uploadRate", "peers"]).Select(name =>
                progress.GetProperty(name).GetInt64()
            )
        );

        var peer = Line(lines, "peer");
        Assert.Equal("127.0.0.1:6881", peer.GetProperty("address").GetString());
        Assert.Equal(["pex", "lsd"], peer.GetProperty("sources").EnumerateArray().Select(one => one.GetString()));
        Assert.Equal(
            ("utp", "rc4"),
            (peer.GetProperty("transport").GetString(), peer.GetProperty("encryption").GetString())
        );
        Assert.Equal("lsd", peer.GetProperty("source").GetString());
        Assert.True(peer.GetProperty("outgoing").GetBoolean());
        Assert.Equal("closed-by-peer", Line(lines, "peer-gone").GetProperty("reason").GetString());
        Assert.Equal(7, Line(lines, "peer-gone").GetProperty("downloaded").GetInt64());

        var complete = Line(lines, "complete");
        Assert.Equal(
            [1000, 510, 3, 10, 1],
            ((string[])["size", "downloaded", "uploaded", "wasted", "hashFailures"]).Select(name =>
                complete.GetProperty(name).GetInt64()
            )
        );
        Assert.Equal(2.5, complete.GetProperty("seconds").GetDouble());
        Assert.DoesNotContain('\e', output.ToString());
    }

    [Fact]
    public void Json_escapes_what_a_terminal_would_obey_and_nothing_else()
    {
        var output = new StringWriter { NewLine = "\n" };
        using var view = new JsonTransferView(output);
        view.Show(new TransferEvent.Link("a&b'c+ä音\e\u202E\u2066\u009b\u2028\U000E0041", null, []));
        Assert.Contains(
            "\"a&b'c+ä音\\u001B\\u202E\\u2066\\u009B\\u2028\\uDB40\\uDC41\"",
            output.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Plain_lines_are_printable_and_say_what_happened()
    {
        var output = new StringWriter { NewLine = "\n" };
        using (var view = new PlainTransferView(output, TimeProvider.System))
        {
            Array.ForEach(Everything, view.Show);
        }

        var text = output.ToString();
        Assert.All(text, c => Assert.True(c == '\n' || !char.IsControl(c)));
        Assert.Contains("Listening on port 6881\n", text, StringComparison.Ordinal);
        Assert.Contains(Magnet + "\n", text, StringComparison.Ordinal);
        Assert.Contains("Complete: /x/film (0.98 KiB in 3s, 204 B/s)\n", text, StringComparison.Ordinal);
        Assert.EndsWith("Stopped (interrupted): received 510 B, sent 3 B\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_picture_fits_the_terminal_and_is_cleared_at_the_end()
    {
        var output = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Out = output,
            Error = TextWriter.Null,
            StateDirectory = "",
            IsTerminal = true,
            TerminalSize = () => (60, 24),
        };
        using (var view = new TerminalTransferView(host))
        {
            Array.ForEach(Everything, view.Show);
        }

        var screen = new Screen(output.ToString());
        Assert.True(screen.CursorIsVisible);
        Assert.Contains(screen.Lines, line => line.Contains(Magnet, StringComparison.Ordinal));
        Assert.Contains("✓ Complete: /x/film", string.Join('\n', screen.Lines), StringComparison.Ordinal);
        Assert.StartsWith("Stopped (interrupted)", screen.Lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(screen.Lines, line => line.Contains('━', StringComparison.Ordinal));
    }

    [Fact]
    public void The_picture_shows_rates_peers_time_left_and_the_pieces()
    {
        var output = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Out = output,
            Error = TextWriter.Null,
            StateDirectory = "",
            IsTerminal = true,
            TerminalSize = () => (60, 24),
        };
        using var view = new TerminalTransferView(host);
        view.Show(new TransferEvent.MetadataKnown(Film, 1000));
        for (var i = 0; i < 3; i++)
        {
            view.Show(new TransferEvent.Progress(Half with { PieceCount = 100, Pieces = Some(100, 0, 1, 99) }));
        }

        var screen = new Screen(output.ToString());
        Assert.Equal("film\uFFFD[2J  0.98 KiB  downloading", screen.Lines[0]);
        Assert.EndsWith("50.0 %", screen.Lines[1], StringComparison.Ordinal);
        Assert.Equal("↓ 100 B/s   ↑ 7 B/s   2 peers, 1 seed   5s left", screen.Lines[2]);
        Assert.Equal("██", screen.Lines[3].TrimEnd());
        Assert.Equal('█', screen.Lines[4].TrimEnd()[^1]);
        Assert.Equal(5, screen.Lines.Count);
        Assert.All(screen.Lines, line => Assert.True(SafeText.Width(line) <= 60, line));
    }

    [Theory]
    [InlineData("11110000", 4, 1, "██  ")]
    [InlineData("11110000", 8, 2, "████    ")]
    [InlineData("1000000011111111", 2, 1, "░█")]
    [InlineData("1110", 1, 1, "▓")]
    [InlineData("1101", 1, 1, "▓")]
    [InlineData("10101010", 2, 2, "▒▒|▒▒")]
    [InlineData("", 5, 1, "")]
    public void Pieces_are_drawn(string pieces, int width, int rows, string picture)
    {
        var field = new Bitfield(pieces.Length);
        for (var i = 0; i < pieces.Length; i++)
        {
            if (pieces[i] == '1')
            {
                field.Set(i);
            }
        }

        Assert.Equal(picture, string.Join('|', PieceMap.Draw(field, width, rows)));
    }

    [Fact]
    public void A_magnet_link_is_a_code_of_blocks_with_a_quiet_border()
    {
        var code = QrText.Of(Magnet);
        Assert.NotEmpty(code);
        Assert.All(code, row => Assert.Equal(code[0].Length, row.Length));
        Assert.Equal(code[0].Length, code.Count * 2 - code[0].Length % 2);
        Assert.True(string.IsNullOrWhiteSpace(code[0]));
        Assert.All(code, row => Assert.StartsWith("  ", row, StringComparison.Ordinal));
        // The finder pattern of the upper left corner: seven modules across, in half-height blocks.
        Assert.StartsWith("  █▀▀▀▀▀█ ", code[1], StringComparison.Ordinal);
        Assert.StartsWith("  █ ███ █ ", code[2], StringComparison.Ordinal);
        Assert.Empty(QrText.Of(new string('x', 5000)));
    }

    private static Bitfield Some(int length, params int[] pieces)
    {
        var field = new Bitfield(length);
        Array.ForEach(pieces, piece => field.Set(piece));
        return field;
    }

    private static JsonElement Line(IEnumerable<JsonElement> lines, string name) =>
        Assert.Single(
            lines.Where(line => line.GetProperty("event").GetString() == name),
            line => name != "progress" || line.GetProperty("state").GetString() == "downloading"
        );
}
