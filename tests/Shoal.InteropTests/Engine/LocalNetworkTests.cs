using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Local discovery between engines of this machine, by its loopback interface.</summary>
public sealed class LocalNetworkTests
{
    private static EngineOptions WithLsd(EngineOptions options) => options with { UseLsd = true, UseDht = false };

    [Fact]
    public async Task Engines_find_each_other_without_anything_else()
    {
        await using var fixture = new EngineFixture();
        var torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024).File("a", 300_000, 77).Build();
        await fixture.Seed(torrent, WithLsd);
        var leech = await fixture.Start(WithLsd);
        var folder = fixture.Folder();
        var options = new TorrentOptions { SaveDirectory = folder };
        Assert.True(
            MagnetLink.TryParse($"magnet:?xt=urn:btih:{torrent.Metainfo.InfoHashes.V1}", out var magnet, out _)
        );
        var got = await leech.AddAsync(magnet, options, fixture.Timeout.Token);
        await got.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(torrent, folder);
    }

    [Fact]
    public async Task A_private_torrent_is_not_told_to_the_local_network()
    {
        var secret = new TorrentBuilder(TorrentFormat.V1, 32 * 1024) { IsPrivate = true }
            .File("a", 300_000, 78)
            .Build();
        var open = new TorrentBuilder(TorrentFormat.V1, 32 * 1024).File("b", 300_000, 79).Build();
        var heard = new HashSet<InfoHash>();
        var hearsOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var ear = new LocalMulticast(LocalBinding.Create([IPAddress.Loopback], [], () => []));
        ear.Start(
            (_, datagram) =>
            {
                if (LocalAnnounce.TryRead(datagram.Span, out var announce))
                {
                    heard.UnionWith(announce.InfoHashes);
                    if (heard.Contains(open.Metainfo.InfoHashes.OnTheWire[0]))
                    {
                        hearsOpen.TrySetResult();
                    }
                }
            }
        );
        await using var fixture = new EngineFixture();
        var engine = await fixture.Start(WithLsd);
        foreach (var torrent in (BuiltTorrent[])[secret, open])
        {
            // What is added first would be announced first.
            var options = new TorrentOptions { SaveDirectory = fixture.Write(torrent) };
            var added = await engine.AddAsync(torrent.Metainfo, options, fixture.Timeout.Token);
            await added.WhenComplete(fixture.Timeout.Token);
        }

        await hearsOpen.Task.WaitAsync(fixture.Timeout.Token);
        Assert.DoesNotContain(secret.Metainfo.InfoHashes.OnTheWire[0], heard);
    }
}
