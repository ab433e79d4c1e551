using System.Net;
using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>Two of our engines that have nothing but uTP, over real sockets.</summary>
public sealed class UtpEngineTests
{
    private static readonly BuiltTorrent Torrent = new TorrentBuilder(TorrentFormat.Hybrid, 32 * 1024)
        .File("a", 3_000_000, seed: 1)
        .File("b", 100_003, seed: 2)
        .Build();

    [Theory]
    [InlineData("127.0.0.1", EncryptionPolicy.Off)]
    [InlineData("127.0.0.1", EncryptionPolicy.Require)]
    [InlineData("::1", EncryptionPolicy.Allow)]
    public async Task A_leech_gets_what_a_seed_has(string address, EncryptionPolicy encryption)
    {
        await using var fixture = new EngineFixture();
        var local = IPAddress.Parse(address);
        EngineOptions Options(EngineOptions options) =>
            options with
            {
                Bind = [local],
                Transports = PeerTransports.Utp,
                Encryption = encryption,
                UseDht = false,
            };
        var seed = await fixture.Seed(Torrent, Options);
        var leech = await fixture.Start(Options);
        Assert.Equal([local], seed.ListenEndPoints.Select(endPoint => endPoint.Address));
        var folder = fixture.Folder();
        var got = await leech.AddAsync(
            Torrent.Metainfo,
            new TorrentOptions { SaveDirectory = folder, Peers = [new IPEndPoint(local, seed.Port)] },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(Torrent, folder);
    }

    [Fact]
    public async Task Who_has_only_utp_reaches_who_has_both()
    {
        await using var fixture = new EngineFixture();
        var seed = await fixture.Seed(Torrent);
        var leech = await fixture.Start(options => options with { Transports = PeerTransports.Utp });
        var folder = fixture.Folder();
        var got = await leech.AddAsync(
            Torrent.Metainfo,
            new TorrentOptions { SaveDirectory = folder, Peers = [EngineFixture.AddressOf(seed)] },
            fixture.Timeout.Token
        );
        await got.WhenComplete(fixture.Timeout.Token);
        EngineFixture.AssertSame(Torrent, folder);
    }
}
