using Shoal.Engine;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.InteropTests;

/// <summary>What a hub gets to know of a torrent that a member has: over real TLS.</summary>
public sealed class HubAnnouncerTests
{
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task The_hub_hears_of_a_port_that_a_router_forwards_of_another_and_of_the_end()
    {
        await using var fixture = new HubFixture();
        using var state = new StateFolder();
        var hub = await fixture.StartAsync(fixture.Folder());
        var admin = fixture.ClientOf(await fixture.AddAsync(hub, MemberRole.Administrator));
        var publisher = await fixture.AddAsync(hub, MemberRole.Publisher);
        var built = new TorrentBuilder(TorrentFormat.Hybrid).Single(50_000).Build();
        var fields = await PublishAsync(fixture, publisher, built);

        var options = new EngineOptions
        {
            StateDirectory = state.State,
            Bind = [System.Net.IPAddress.Loopback],
            UseDht = false,
            UseLsd = false,
            UsePortMapping = false,
        };
        await using var engine = await TorrentEngine.StartAsync(options, fixture.Timeout.Token);
        var torrent = await engine.AddAsync(
            built.Metainfo,
            new TorrentOptions { SaveDirectory = state.Path, Membership = HubFollower.MembershipOf(publisher) },
            fixture.Timeout.Token
        );
        var ports = new AnnouncedPorts(6881, 30_881);
        await using var announcer = new HubAnnouncer(
            connect => HubClient.Of(publisher, connect, TimeProvider.System),
            () => ports,
            OutboundNetwork.Open(options),
            error => Assert.Fail(error.Message),
            Goodbye,
            TimeProvider.System
        );
        announcer.Add(torrent);
        announcer.Start();
        Task ListedAsync(params string[] peers) =>
            UntilAsync(async () =>
                (await admin.ListPeersAsync(fields.Id, fields.Version, fixture.Timeout.Token)).Peers.SequenceEqual(
                    peers
                )
            );
        await ListedAsync("127.0.0.1:30881");
        // The router forwards another one now, and then none.
        ports = new AnnouncedPorts(6881, 30_882);
        await ListedAsync("127.0.0.1:30882");
        ports = new AnnouncedPorts(6881, 6881);
        await ListedAsync("127.0.0.1:6881");
        torrent.Pause();
        await ListedAsync();
        torrent.Resume();
        await ListedAsync("127.0.0.1:6881");
        await announcer.RemoveAsync(torrent);
        await ListedAsync();
    }

    private static async Task<CatalogueFields> PublishAsync(
        HubFixture fixture,
        LocalMembership publisher,
        BuiltTorrent built
    )
    {
        var fields = new CatalogueFields
        {
            Publication = publisher.Publication,
            Id = new EntryId(1),
            Version = 1,
            Title = "Genomes",
            Size = built.Metainfo.Size,
            InfoHashes = built.Metainfo.InfoHashes,
            Torrent = new Sha256Digest(System.Security.Cryptography.SHA256.HashData(built.TorrentBytes)),
            SignedAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
        };
        var entry = CatalogueEntry.Sign(fields, publisher.Identity, publisher.Certificate.Span);
        await fixture
            .ClientOf(publisher)
            .PublishAsync(new PublishRequest(entry, built.TorrentBytes), fixture.Timeout.Token);
        return fields;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            if (await holds())
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Fail("it did not come true within 20 s");
    }
}
