using System.Text;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A web seed with servers that break, lie, dawdle, or lead astray.</summary>
public sealed class HostileWebServerTests
{
    private const int Block = PieceLayout.BlockSize;
    private static readonly BuiltTorrent Single = new TorrentBuilder(TorrentFormat.V1, 2 * Block)
        .Single(64 * Block)
        .Build();

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "FileMissing")]
    [InlineData("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "FileMissing")]
    [InlineData("HTTP/1.1 416 No\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n", "FileMissing")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlogin", "FileMissing")]
    [InlineData("HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n", "Busy")]
    [InlineData("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", "BadAnswer")]
    [InlineData(
        "HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/1048576\r\nContent-Length: 10\r\n\r\n0123456789",
        "BadAnswer"
    )]
    [InlineData("HTTP/1.1 206 P\r\nContent-Range: bytes 0-1048575/1048577\r\n\r\n", "FileMissing")]
    [InlineData("HTTP/1.1 206 P\r\nContent-Length: 1048576\r\n\r\n", "BadAnswer")]
    [InlineData(
        "HTTP/1.1 206 P\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-1048575/1048576\r\nContent-Length: 1048576\r\n\r\n",
        "BadAnswer"
    )]
    [InlineData("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "BadAnswer")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "BadAnswer")]
    [InlineData("", "Broken")]
    [InlineData("HTTP/1.1 206", "Broken")]
    public async Task An_answer_of_no_use_ends_it(string answer, string fault)
    {
        var web = new MemoryWeb();
        web.Add("server", _ => new WebReply(Encoding.Latin1.GetBytes(answer), AfterReply.Close));
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(Enum.Parse<WebSeedFault>(fault));
        Assert.False(link.WasOfUse);
        if (fault == "Busy")
        {
            Assert.Equal(TimeSpan.FromSeconds(120), link.Failure!.RetryAfter);
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_packed_body_is_not_unpacked(string encoding)
    {
        var web = new MemoryWeb();
        web.Add(
            "server",
            _ => WebReply.Of("200 OK", new byte[1000], $"Content-Encoding: {encoding}", "Content-Type: text/html")
        );
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        Assert.Contains("packs", await link.FailsAsync(WebSeedFault.BadAnswer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_without_end_are_cut_off()
    {
        var web = new MemoryWeb();
        web.Add(
            "server",
            _ => new WebReply(
                Encoding.Latin1.GetBytes("HTTP/1.1 200 OK\r\nX: " + new string('x', 40_000)),
                AfterReply.Hang
            )
        );
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.BadAnswer);
    }

    [Fact]
    public async Task What_came_before_a_connection_breaks_is_kept()
    {
        var web = new MemoryWeb();
        web.Add(
            "server",
            request =>
            {
                var whole = WebReply.File(request, Single.Range).Bytes;
                return new WebReply(whole[..^(whole.Length / 2)], AfterReply.Close);
            }
        );
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        var blocks = await link.TakeBlocksAsync(30);
        Assert.Equal(link.AllBlocks.Take(30), blocks);
        await link.FailsAsync(WebSeedFault.Broken);
    }

    [Fact]
    public async Task A_body_without_a_length_that_ends_too_soon_is_broken()
    {
        var web = new MemoryWeb();
        web.Add(
            "server",
            _ => new WebReply(
                Encoding.Latin1.GetBytes("HTTP/1.1 200 OK\r\n\r\n" + new string('x', 100)),
                AfterReply.Close
            )
        );
        var torrent = new TorrentBuilder(TorrentFormat.V1, Block).Single(200).Build();
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        await link.FailsAsync(WebSeedFault.Broken);
    }

    [Fact]
    public async Task More_than_was_announced_is_not_taken()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, Block).Single(1000).Build();
        var web = new MemoryWeb();
        // Chunked, the right bytes and then others without end.
        web.Add(
            "server",
            _ => new WebReply(
                [
                    .. "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n"u8,
                    .. torrent.Range,
                    .. "\r\nffffff\r\n"u8,
                    .. new byte[50_000],
                ],
                AfterReply.Hang
            )
        );
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(1);
        Assert.Null(link.Failure);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    [InlineData(5 * Block)]
    public async Task A_server_that_falls_silent_is_left(int bytes)
    {
        var web = new MemoryWeb();
        web.Add(
            "server",
            request => new WebReply(WebReply.File(request, Single.Range).Bytes[..bytes], AfterReply.Hang)
        );
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        await WebSeedLinkFixture.UntilAsync(() => web.Requests.Count == 1);
        await link.TakeBlocksAsync(Math.Max(0, bytes / Block - 1));
        var failing = link.FailsAsync(WebSeedFault.Stalled);
        while (!failing.IsCompleted)
        {
            link.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await failing;
        Assert.True(link.Time.Elapsed >= WebSeedLimits.Default.StallTimeout);
    }

    [Fact]
    public async Task Who_cannot_be_reached_is_left()
    {
        await using (var link = new WebSeedLinkFixture(Single, new MemoryWeb()))
        {
            link.Request(link.AllBlocks);
            await link.FailsAsync(WebSeedFault.Unreachable);
        }

        var web = new MemoryWeb();
        web.AddSilent("server");
        await using var slow = new WebSeedLinkFixture(Single, web);
        slow.Request(slow.AllBlocks);
        // The second timer is that of connecting.
        await WebSeedLinkFixture.UntilAsync(() => slow.Time.ActiveTimers == 2);
        slow.Time.Advance(TimeSpan.FromSeconds(16));
        await slow.FailsAsync(WebSeedFault.ConnectTimeout);
    }

    [Fact]
    public async Task A_file_that_is_not_there_takes_only_its_pieces_along()
    {
        // The first file ends in the middle of piece 2, the second in piece 4.
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block)
            .File("a", 5 * Block)
            .File("b", 4 * Block)
            .File("c", 7 * Block)
            .Build();
        var good = WebSeedLinkFixture.Serve(torrent);
        var web = new MemoryWeb();
        web.Add("server", request => request.Target == "/content/b" ? WebReply.Of("410 Gone", []) : good(request));
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        var replaced = await WaitForHoldingsAsync(link);
        Assert.True(Bitfield.TryParse((byte[])replaced.Payload!, 8, out var pieces));
        Assert.Equal([0, 1, 5, 6, 7], Enumerable.Range(0, 8).Where(piece => pieces[piece]));
        await WebSeedLinkFixture.UntilAsync(() => web.Requests.Count >= 3);
        // What was asked for besides comes all the same, and the swarm may ask for more.
        link.Request(new BlockRef(torrent.Metainfo.Layout.Piece(0), 0));
        await WebSeedLinkFixture.UntilAsync(() => web.Requests.Count >= 4);
        Assert.Null(link.Failure);
        Assert.Single(web.Requests, request => request.Target == "/content/b");
    }

    [Fact]
    public async Task When_no_file_is_there_it_is_left()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V2, Block).File("a", Block).File("b", Block).Build();
        var web = new MemoryWeb();
        web.Add("server", _ => WebReply.Of("404 Not Found", "nothing here"u8.ToArray()));
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        await WaitForHoldingsAsync(link);
        Assert.Contains("404", await link.FailsAsync(WebSeedFault.FileMissing), StringComparison.Ordinal);
        Assert.Equal(2, web.Requests.Count);
    }

    [Fact]
    public async Task A_small_file_is_taken_whole_where_ranges_are_ignored()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(6 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", _ => WebReply.Of("200 OK", torrent.Range));
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks.Skip(3));
        Assert.Equal(link.AllBlocks.Skip(3), await link.TakeBlocksAsync(3));
    }

    [Fact]
    public async Task Of_a_large_file_the_swarm_is_told_first_that_ranges_are_ignored()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => WebReply.Of("200 OK", Single.Range));
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks.Skip(3));
        await link.FailsAsync(WebSeedFault.NoRanges);
    }

    [Fact]
    public async Task Where_ranges_are_ignored_one_answer_serves_many_runs()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => WebReply.Of("200 OK", Single.Range));
        var limits = new WebSeedLimits { MaxBlocksPerRun = 8 };
        await using var link = new WebSeedLinkFixture(Single, web, ignoresRanges: true, limits: limits);
        Assert.True(link.Introduction.IsInOrder);
        var all = link.AllBlocks.ToArray();
        // Piece 5 came from somebody else meanwhile: it is read past.
        var wanted = all.Where(block => block.Piece.Value != 5).ToArray();
        link.Request(wanted);
        Assert.Equal(wanted, await link.TakeBlocksAsync(wanted.Length));
        Assert.Single(web.Requests);
    }

    [Fact]
    public async Task Who_sends_mostly_what_nobody_needs_is_left()
    {
        var web = new MemoryWeb();
        web.Add("server", _ => WebReply.Of("200 OK", Single.Range));
        var limits = new WebSeedLimits { MaxWaste = 100 * Block };
        await using var link = new WebSeedLinkFixture(Single, web, ignoresRanges: true, limits: limits);
        var layout = Single.Metainfo.Layout;
        // Backwards: each costs the whole way from the beginning.
        link.Request(new BlockRef(layout.Piece(31), 1));
        await link.TakeBlocksAsync(1);
        link.Request(new BlockRef(layout.Piece(20), 1));
        Assert.Contains("ignores ranges", await link.FailsAsync(WebSeedFault.BadAnswer), StringComparison.Ordinal);
    }

    [Fact]
    public void No_bytes_break_it()
    {
        var range = $"Content-Range: bytes 0-{64 * Block - 1}/{64 * Block}";
        var good = WebReply.Of("206 Partial Content", Single.Range, range).Bytes;
        Fuzz.Run(150, random => BreakAsync(good, random).GetAwaiter().GetResult());
    }

    private static async Task BreakAsync(byte[] good, Random random)
    {
        var bytes = good[..random.Next(200, good.Length)];
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            bytes[random.Next(150)] = (byte)random.Next(256);
        }

        var then = (AfterReply)random.Next(3);
        var web = new MemoryWeb();
        web.Add("server", _ => new WebReply(bytes, then));
        await using var link = new WebSeedLinkFixture(Single, web);
        link.Request(link.AllBlocks);
        await WebSeedLinkFixture.UntilAsync(() => web.Requests.Count > 0);
        // The end comes while it reads, or before, or later: with nothing leased and one goodbye.
        for (var i = random.Next(2000); i > 0; i--)
        {
            await Task.Yield();
        }
    }

    private static async Task<SwarmEvent> WaitForHoldingsAsync(WebSeedLinkFixture link) =>
        await link.WaitForAsync(SwarmEventKind.HoldingsReplaced);
}
