using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A web seed with servers that behave.</summary>
public sealed class WebSeedLinkTests
{
    private const int Block = PieceLayout.BlockSize;

    [Theory]
    [InlineData(TorrentFormat.V1, 1)]
    [InlineData(TorrentFormat.V2, 2)]
    [InlineData(TorrentFormat.Hybrid, 3)]
    public async Task All_blocks_of_a_torrent_come_from_few_requests(TorrentFormat format, int seed)
    {
        var torrent = new TorrentBuilder(format, 2 * Block)
            .File("a/large", 40 * Block + 77, seed)
            .File("b/é ?", 12_345, seed + 1)
            .File("c/empty", 0)
            .File("d/small", 3, seed + 2)
            .File("e/middle", 9 * Block, seed + 3)
            .Symlink("f/link", "d/small")
            .Build();
        var web = new MemoryWeb();
        web.Add("server", WebSeedLinkFixture.Serve(torrent));
        await using var link = new WebSeedLinkFixture(torrent, web);
        var all = link.AllBlocks.ToArray();
        link.Request(all);
        var blocks = await link.TakeBlocksAsync(all.Length);
        Assert.Equal(all.ToHashSet(), blocks.ToHashSet());
        Assert.Equal(["PeerJoined", "Bitfield", "Unchoke"], link.Told);
        Assert.Equal(TransportKind.Http, link.Introduction.Transport);
        // One for each file, and none for what has no bytes of its own.
        Assert.Equal(4, web.Requests.Count);
        Assert.All(web.Requests, request => Assert.Equal("identity", request.Headers["accept-encoding"]));
        Assert.Null(link.Failure);
    }

    [Fact]
    public async Task Connections_are_kept_and_few()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(200 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", WebSeedLinkFixture.Serve(torrent));
        await using var link = new WebSeedLinkFixture(torrent, web, limits: new WebSeedLimits { MaxBlocksPerRun = 4 });
        var all = link.AllBlocks.ToArray();
        link.Request(all);
        await link.TakeBlocksAsync(all.Length);
        Assert.Equal(50, web.Requests.Count);
        Assert.InRange(web.Requests.Select(request => request.Connection).Distinct().Count(), 1, 4);
        Assert.Equal(
            Enumerable.Range(0, 50).Select(i => ((long)i * 4 * Block, (long)(i + 1) * 4 * Block - 1)),
            web.Requests.Select(request => request.Range!.Value).Order()
        );
    }

    [Fact]
    public async Task No_more_is_taken_off_the_network_than_there_are_buffers()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(64 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", WebSeedLinkFixture.Serve(torrent));
        await using var link = new WebSeedLinkFixture(torrent, web, poolLimit: 4);
        var all = link.AllBlocks.ToArray();
        link.Request(all);
        await WebSeedLinkFixture.UntilAsync(() => link.Host.ReceivePool.Leased == 4);
        // Waiting for us is no silence of the server.
        link.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(all, await link.TakeBlocksAsync(all.Length));
    }

    [Fact]
    public async Task What_is_cancelled_is_not_fetched_and_a_run_that_nobody_wants_ends()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(64 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", WebSeedLinkFixture.Serve(torrent));
        var limits = new WebSeedLimits { MaxRequests = 1, MaxBlocksPerRun = 32 };
        await using var link = new WebSeedLinkFixture(torrent, web, limits: limits, poolLimit: 4);
        var all = link.AllBlocks.ToArray();
        link.Request(all);
        await WebSeedLinkFixture.UntilAsync(() => link.Host.ReceivePool.Leased == 4);
        // The first run is under way, the second waits.
        link.Cancel(all[10..60]);
        Assert.Equal([.. all[..10], .. all[60..]], await link.TakeBlocksAsync(14));
        Assert.Equal(2, web.Requests.Count);
        Assert.Equal((60L * Block, 64L * Block - 1), web.Requests[1].Range);
    }

    [Fact]
    public async Task Small_files_are_fetched_side_by_side()
    {
        var builder = new TorrentBuilder(TorrentFormat.V2, Block);
        for (var i = 0; i < 40; i++)
        {
            builder.File($"{i:00}", 100 + i, i);
        }

        var torrent = builder.Build();
        var web = new MemoryWeb();
        using var together = new CountdownEvent(4);
        var serve = WebSeedLinkFixture.Serve(torrent);
        web.Add(
            "server",
            request =>
            {
                // Nobody is answered before four have asked.
                _ = together.IsSet || together.Signal();
                Assert.True(together.Wait(FakePeer.Patience));
                return serve(request);
            }
        );
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        await link.TakeBlocksAsync(40);
        Assert.Equal(40, web.Requests.Count);
    }

    [Fact]
    public async Task The_swarm_ends_it_and_it_says_goodbye_once()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(4 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", _ => new WebReply([], AfterReply.Hang));
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Request(link.AllBlocks);
        await WebSeedLinkFixture.UntilAsync(() => web.Requests.Count == 1);
        link.Disconnect(DisconnectReason.NotUseful);
        link.Disconnect(DisconnectReason.SentBadData);
        Assert.Equal(DisconnectReason.NotUseful, (await link.WaitForAsync(SwarmEventKind.PeerLeft)).Payload);
        Assert.Null(link.Failure);
    }

    [Fact]
    public async Task The_limit_on_downloads_holds()
    {
        var torrent = new TorrentBuilder(TorrentFormat.V1, 2 * Block).Single(64 * Block).Build();
        var web = new MemoryWeb();
        web.Add("server", WebSeedLinkFixture.Serve(torrent));
        await using var link = new WebSeedLinkFixture(torrent, web);
        link.Host.DownloadGate.Limit = 8 * Block;
        link.Request(link.AllBlocks);
        var taking = link.TakeBlocksAsync(64);
        while (!taking.IsCompleted)
        {
            // Its only timer: somebody waits for the limit.
            if (link.LimitTime.ActiveTimers > 0)
            {
                link.LimitTime.Advance(TimeSpan.FromMilliseconds(50));
            }

            await Task.Yield();
        }

        await taking;
        Assert.InRange(link.LimitTime.Elapsed.TotalSeconds, 7.5, 60);
    }

    [Fact]
    public async Task A_host_is_not_asked_by_more_than_its_share()
    {
        var network = new WebSeedNetwork(
            (_, _) => throw new InvalidOperationException(),
            new WebSeedLimits { MaxRequestsPerHost = 2 }
        );
        var first = await network.EnterAsync("one", CancellationToken.None);
        var second = await network.EnterAsync("ONE", CancellationToken.None);
        var third = network.EnterAsync("one", CancellationToken.None).AsTask();
        using var impatience = new CancellationTokenSource();
        var fourth = network.EnterAsync("one", impatience.Token).AsTask();
        (await network.EnterAsync("other", CancellationToken.None)).Dispose();
        Assert.False(third.IsCompleted);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fourth);
        first.Dispose();
        (await third).Dispose();
        second.Dispose();
        (await network.EnterAsync("one", CancellationToken.None)).Dispose();
    }
}
