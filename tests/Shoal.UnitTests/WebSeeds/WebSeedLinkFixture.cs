using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>
/// A running web seed between a test that plays the swarm and servers that answer what the test wants, in virtual time.
/// Ends with nothing leased.
/// </summary>
internal sealed class WebSeedLinkFixture : IAsyncDisposable
{
    public static readonly PeerHandle Handle = new(-1);

    private readonly WebSeedLink _link;
    private readonly Task _running;
    private readonly List<SwarmEvent> _seen = [];

    public WebSeedLinkFixture(
        BuiltTorrent torrent,
        MemoryWeb web,
        string url = "http://server/",
        bool ignoresRanges = false,
        WebSeedLimits? limits = null,
        int poolLimit = 256
    )
    {
        Torrent = torrent;
        Host = new FakeLinkHost(LimitTime, poolLimit) { InfoHashes = torrent.Metainfo.InfoHashes };
        limits ??= WebSeedLimits.Default;
        Assert.True(WebSeedUrl.TryParse(url, out var parsed));
        var files = new WebSeedFiles(torrent.Metainfo, WebSeedPaths.Of(torrent.Metainfo), limits);
        _link = new WebSeedLink(
            Handle,
            new WebSeedSource(parsed, files, ignoresRanges),
            torrent.Metainfo,
            Host,
            new WebSeedNetwork(web.ConnectAsync, limits),
            limits,
            Time,
            Time.GetTimestamp()
        );
        _running = Task.Run(_link.RunAsync);
    }

    public BuiltTorrent Torrent { get; }
    public VirtualTime Time { get; } = new();

    /// <summary>The clock of the limit on downloads alone, so that a test which moves it on lets no timeout pass.</summary>
    public VirtualTime LimitTime { get; } = new();
    public FakeLinkHost Host { get; }
    public WebSeedFailure? Failure => _link.Failure;
    public bool WasOfUse => _link.WasOfUse;
    public PeerIntroduction Introduction => _link.Introduction;

    /// <summary>Everything the swarm was told so far but blocks, as text.</summary>
    public IEnumerable<string> Told =>
        _seen.Select(e => e.Kind == SwarmEventKind.Message ? $"{e.MessageId}" : $"{e.Kind}");

    public IReadOnlyList<SwarmEvent> Seen => _seen;

    /// <summary>A good server that has the torrent's files below /, as a web seed should.</summary>
    public static Func<WebRequest, WebReply> Serve(BuiltTorrent torrent)
    {
        var files = torrent
            .Metainfo.Files.Zip(WebSeedPaths.Of(torrent.Metainfo))
            .Where(pair => pair.Second is not null)
            .ToDictionary(pair => "/" + pair.Second, pair => torrent.Content(pair.First).ToArray());
        return request =>
            files.TryGetValue(request.Target, out var content)
                ? WebReply.File(request, content)
                : WebReply.Of("404 Not Found", "gone"u8.ToArray());
    }

    /// <summary>Every block that is asked of peers.</summary>
    public IEnumerable<BlockRef> AllBlocks =>
        Enumerable
            .Range(0, Torrent.Metainfo.Layout.PieceCount)
            .Select(Torrent.Metainfo.Layout.Piece)
            .SelectMany(piece =>
                Enumerable
                    .Range(0, Torrent.Metainfo.Layout.DataBlockCount(piece))
                    .Select(block => new BlockRef(piece, block))
            );

    public void Request(params IEnumerable<BlockRef> blocks) => Send(MessageId.Request, blocks);

    public void Cancel(params IEnumerable<BlockRef> blocks) => Send(MessageId.Cancel, blocks);

    public void Disconnect(DisconnectReason reason)
    {
        var bye = new SwarmEffect(SwarmEffectKind.Disconnect, Handle, Piece: (uint)reason);
        _link.Apply(new ReadOnlySpan<SwarmEffect>(in bye));
    }

    /// <summary>Waits for so many blocks; checks the bytes of each.</summary>
    public async Task<List<BlockRef>> TakeBlocksAsync(int count)
    {
        var blocks = new List<BlockRef>();
        while (blocks.Count < count)
        {
            var e = await NextAsync();
            if (e is { Kind: SwarmEventKind.Message, MessageId: MessageId.Piece })
            {
                var buffer = (BlockBuffer)e.Payload!;
                var layout = Torrent.Metainfo.Layout;
                Assert.True(layout.TryBlock(e.Piece, e.Begin, (uint)buffer.Length, out var block));
                Assert.True(Torrent.Block(block).SequenceEqual(buffer.Span), $"block {block} has other bytes");
                buffer.Release();
                blocks.Add(block);
            }

            Assert.False(e.Kind == SwarmEventKind.PeerLeft, $"it left: {Failure}");
        }

        return blocks;
    }

    /// <summary>Waits for the event, and gives back the blocks before it.</summary>
    public async Task<SwarmEvent> WaitForAsync(SwarmEventKind kind)
    {
        while (true)
        {
            var e = await NextAsync();
            (e.Payload as BlockBuffer)?.Release();
            if (e.Kind == kind)
            {
                return e;
            }

            Assert.False(e.Kind == SwarmEventKind.PeerLeft, $"it left: {Failure}");
        }
    }

    /// <summary>It ends by itself, for this reason.</summary>
    public async Task<string> FailsAsync(WebSeedFault fault)
    {
        var left = await WaitForAsync(SwarmEventKind.PeerLeft);
        await _running;
        Assert.NotNull(Failure);
        Assert.Equal(fault, Failure.Fault);
        Assert.Equal(Failure.Reason, left.Payload);
        return Failure.Message;
    }

    /// <summary>Until the condition holds; it must come about by itself.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(FakePeer.Patience);
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _link.Close(DisconnectReason.ShuttingDown);
        await _running;
        _link.Dispose();
        while (Host.TryNext(out var left))
        {
            (left.Payload as BlockBuffer)?.Release();
            _seen.Add(left);
        }

        Assert.Equal(SwarmEventKind.PeerLeft, _seen[^1].Kind);
        Assert.Single(_seen, e => e.Kind == SwarmEventKind.PeerLeft);
        Assert.Equal(0, Host.ReceivePool.Leased);
        // A connection that is being made hears of the end a little later.
        await UntilAsync(() => Time.ActiveTimers + LimitTime.ActiveTimers == 0);
    }

    private async Task<SwarmEvent> NextAsync()
    {
        var e = await Host.NextAsync();
        if (e.MessageId != MessageId.Piece || e.Kind != SwarmEventKind.Message)
        {
            _seen.Add(e);
        }

        return e;
    }

    private void Send(MessageId id, IEnumerable<BlockRef> blocks)
    {
        var effects = blocks
            .Select(block => new SwarmEffect(
                SwarmEffectKind.Send,
                Handle,
                id,
                (uint)block.Piece.Value,
                (uint)block.Begin,
                (uint)Torrent.Metainfo.Layout.SizeOf(block)
            ))
            .ToArray();
        _link.Apply(effects);
    }
}
