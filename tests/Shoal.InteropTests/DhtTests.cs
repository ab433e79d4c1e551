using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Our DHT and libtorrent's, on loopback; and our engines with nothing but the DHT between them.</summary>
public sealed class DhtTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly NodeId Ours = new(Convert.FromHexString("a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5a1b2c3d4e5"));
    private static readonly NodeId Theirs = new(Convert.FromHexString("00112233445566778899aabbccddeeff00112233"));

    [Fact]
    public async Task Peers_announced_by_one_are_found_by_the_other()
    {
        await using var node = new LoopbackNode();
        await using var other = Libtorrent(node, $"announce:{Theirs}", $"peers:{Ours}", "stay");
        var port = await Port(other);

        // We announce to the two of us until the other has taken it.
        await WaitUntil(async () => (await Announce(node, Ours)).StoredAt > 0);
        using var peers = JsonDocument.Parse(await other.WaitForLineAsync(line => Is(line, "peers"), Patience));
        Assert.Equal(
            """["127.0.0.1", 4242]""",
            Assert.Single(peers.RootElement.GetProperty("peers").EnumerateArray()).GetRawText()
        );

        var expected = new IPEndPoint(IPAddress.Loopback, port);
        await WaitUntil(async () =>
        {
            var found = new List<IPEndPoint>();
            await Find(node, new PeerQuery(Theirs), found);
            return found.Contains(expected);
        });
    }

    [Fact]
    public async Task Items_put_by_one_are_got_by_the_other()
    {
        await using var node = new LoopbackNode();
        var seed = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        var theirSeed = Enumerable.Repeat((byte)0x77, 32).ToArray();
        var theirKey = Convert.ToHexStringLower(node.Ed25519.PublicKey(theirSeed));
        var mput = $"mput:{Convert.ToHexStringLower(theirSeed)}:{theirKey}:salt:their text";
        await using var first = Libtorrent(node, "put:from them", mput, "stay");

        using var put = JsonDocument.Parse(await first.WaitForLineAsync(line => Is(line, "put"), Patience));
        Assert.True(put.RootElement.GetProperty("stored").GetInt32() > 0);
        var target = new NodeId(Convert.FromHexString(put.RootElement.GetProperty("target").GetString()!));
        var got = await node.Loop.GetItemAsync(ItemQuery.Immutable(target), null, CancellationToken.None);
        Assert.Equal("9:from them"u8, got.Best!.Value);

        using var mutable = JsonDocument.Parse(
            await first.WaitForLineAsync(line => Is(line, "put") && line.Contains("key"), Patience)
        );
        var key = Convert.FromHexString(mutable.RootElement.GetProperty("key").GetString()!);
        var theirs = await node.Loop.GetItemAsync(
            ItemQuery.Mutable(key, "salt"u8.ToArray()),
            null,
            CancellationToken.None
        );
        Assert.Equal("10:their text"u8, theirs.Best!.Value);
        Assert.Equal(1, theirs.Best.Signature!.Sequence);

        await WaitUntil(() => Task.FromResult(node.Loop.NodeCount > 0));
        var immutable = DhtItem.Immutable("7:from us"u8.ToArray());
        Assert.True((await node.Loop.PutItemAsync(new ItemPut(immutable), CancellationToken.None)).StoredAt > 0);
        for (var i = 1; i <= 2; i++)
        {
            var value = System.Text.Encoding.ASCII.GetBytes($"6:text {i}");
            var proof = node.Ed25519.Sign(seed, DhtItem.BytesToSign("s"u8, i, value));
            var signature = new KrpcSignature(node.Ed25519.PublicKey(seed), i, proof);
            var item = new DhtItem(value, signature, "s"u8.ToArray());
            var next = new ItemPut(item, CompareAndSwap: i == 1 ? null : i - 1);
            var done = await node.Loop.PutItemAsync(next, CancellationToken.None);
            Assert.True(done.StoredAt > 0, done.ToString());
        }

        var publicKey = Convert.ToHexStringLower(node.Ed25519.PublicKey(seed));
        await using var second = Libtorrent(node, $"get:{immutable.Target}", $"mget:{publicKey}:s");
        await second.WaitForLineAsync(line => Is(line, "got") && line.Contains("from us"), Patience);
        var newest = await second.WaitForLineAsync(line => Is(line, "got") && line.Contains("text 2"), Patience);
        Assert.Contains("\"seq\": 2", newest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_magnet_link_and_one_node_are_enough()
    {
        await using var node = new LoopbackNode();
        await using var fixture = new EngineFixture();
        DnsEndPoint bootstrap = new("127.0.0.1", node.Loop.Port);
        var torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024).File("a", 300_000).Build();
        EngineOptions WithDht(EngineOptions options) => options with { UseDht = true, DhtBootstrap = [bootstrap] };
        await fixture.Seed(torrent, WithDht);
        await WaitUntil(() => Task.FromResult(node.Loop.NodeCount > 0));

        var leech = await fixture.Start(WithDht);
        var link = $"magnet:?xt=urn:btih:{torrent.Metainfo.InfoHashes.V1}";
        Assert.True(MagnetLink.TryParse(link, out var magnet, out _));
        var clock = Stopwatch.StartNew();
        var folder = fixture.Folder();
        var got = await leech.AddAsync(magnet, new TorrentOptions { SaveDirectory = folder }, fixture.Timeout.Token);
        await got.WhenMetadata(fixture.Timeout.Token);
        var metadataAfter = clock.Elapsed;
        await got.WhenComplete(fixture.Timeout.Token);

        EngineFixture.AssertSame(torrent, folder);
        Assert.True(metadataAfter < TimeSpan.FromSeconds(15), $"the metadata took {metadataAfter}");
    }

    [Fact]
    public async Task A_private_torrent_is_not_announced()
    {
        await using var node = new LoopbackNode();
        await using var fixture = new EngineFixture();
        DnsEndPoint bootstrap = new("127.0.0.1", node.Loop.Port);
        var secret = new TorrentBuilder(TorrentFormat.V1, 32 * 1024) { IsPrivate = true }
            .File("a", 300_000)
            .Build();
        var open = new TorrentBuilder(TorrentFormat.V1, 32 * 1024).File("b", 300_000).Build();
        EngineOptions WithDht(EngineOptions options) => options with { UseDht = true, DhtBootstrap = [bootstrap] };
        var engine = await fixture.Seed(secret, WithDht);
        await engine.AddAsync(
            open.Metainfo,
            new TorrentOptions { SaveDirectory = fixture.Write(open) },
            fixture.Timeout.Token
        );

        // When the one is announced the other would be too.
        await WaitUntil(async () => (await Find(node, Query(open), [])).Found > 0);
        Assert.Equal(0, (await Find(node, Query(secret), [])).Found);

        static PeerQuery Query(BuiltTorrent torrent) => new(NodeId.From(torrent.Metainfo.InfoHashes.OnTheWire[0]));
    }

    [Fact]
    public async Task What_is_known_is_known_at_the_next_start()
    {
        await using var one = new LoopbackNode();
        var folder = Directory.CreateTempSubdirectory("shoal-dht-").FullName;
        await using (var before = new LoopbackNode(folder, one.Loop.Port))
        {
            await WaitUntil(() => Task.FromResult(before.Loop.NodeCount == 1));
        }

        await using var after = new LoopbackNode(folder);
        await WaitUntil(() => Task.FromResult(after.Loop.NodeCount == 1));
        Directory.Delete(folder, recursive: true);
    }

    private static ClientProcess Libtorrent(LoopbackNode node, params string[] commands)
    {
        var start = new ProcessStartInfo(Tools.Python)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments = [Tools.Script("libtorrent_dht.py"), "--node", $"127.0.0.1:{node.Loop.Port}", .. commands];
        Array.ForEach(arguments, start.ArgumentList.Add);
        return new ClientProcess("libtorrent's DHT", start);
    }

    private static async Task<int> Port(ClientProcess process)
    {
        using var json = JsonDocument.Parse(await process.WaitForLineAsync(line => Is(line, "listening"), Patience));
        return json.RootElement.GetProperty("port").GetInt32();
    }

    private static bool Is(string line, string name) =>
        line.StartsWith($$"""{"event": "{{name}}" """.TrimEnd(), StringComparison.Ordinal);

    private static Task<DhtResult.PeersDone> Announce(LoopbackNode node, NodeId infoHash) =>
        Find(node, new PeerQuery(infoHash) { AnnouncePort = 4242 }, []);

    private static Task<DhtResult.PeersDone> Find(LoopbackNode node, PeerQuery query, List<IPEndPoint> found)
    {
        var end = new TaskCompletionSource<DhtResult.PeersDone>(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Loop.FindPeers(query, found.AddRange, end.SetResult);
        return end.Task.WaitAsync(Patience);
    }

    private static async Task WaitUntil(Func<Task<bool>> isTrue)
    {
        var clock = Stopwatch.StartNew();
        while (!await isTrue())
        {
            Assert.True(clock.Elapsed < Patience, "it never becomes true");
            await Task.Delay(100);
        }
    }

    /// <summary>Our node alone, without an engine.</summary>
    private sealed class LoopbackNode : IAsyncDisposable
    {
        private readonly UdpPort _port;
        private readonly string? _folder;

        public LoopbackNode(string? folder = null, int? bootstrap = null)
        {
            Assert.True(Ed25519.TryLoad(out var ed25519, out var problem), problem);
            Ed25519 = ed25519;
            _folder = folder is null ? Directory.CreateTempSubdirectory("shoal-dht-").FullName : null;
            var local = LocalBinding.Create([IPAddress.Loopback], [], LocalInterface.ReadAll);
            _port = UdpPort.Open(local, 0);
            Loop = new DhtLoop(
                new DhtLoopOptions
                {
                    StateDirectory = folder ?? _folder!,
                    Bootstrap = bootstrap is { } known ? [new DnsEndPoint("127.0.0.1", known)] : [],
                    Ed25519 = ed25519,
                    Egress = new DirectEgress(local),
                    Time = TimeProvider.System,
                    OnFault = exception => Fault = exception,
                },
                _port
            );
            _port.Start(Loop);
            Loop.Start();
        }

        public DhtLoop Loop { get; }
        public Ed25519 Ed25519 { get; }
        public Exception? Fault { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await Loop.DisposeAsync();
            await _port.DisposeAsync();
            if (_folder is not null)
            {
                Directory.Delete(_folder, recursive: true);
            }

            Assert.Null(Fault);
        }
    }
}
