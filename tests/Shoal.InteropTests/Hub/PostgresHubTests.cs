using System.Net;
using System.Security.Cryptography;
using Shoal.Files;
using Shoal.Hub;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;
using Shoal.UnitTests;

namespace Shoal.InteropTests;

/// <summary>A real PostgreSQL under one hub, and under two.</summary>
public sealed class PostgresHubTests
{
    [Fact]
    public async Task The_contract_of_stores_holds()
    {
        await using var server = await PostgresServer.StartAsync();
        var publication = PublicationId.Of([1, 2, 3]);
        await using var store = await SqlHubStore.OpenPostgresAsync(server.ConnectionString, publication, default);
        await HubStoreContract.HoldsAsync(store);
        await CustodyStoreContract.HoldsAsync(store);
        await Assert.ThrowsAsync<HubStoreException>(() =>
            SqlHubStore.OpenPostgresAsync(server.ConnectionString, PublicationId.Of([4]), default)
        );
    }

    [Fact]
    public async Task Two_hubs_are_one()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var fixture = new HubFixture();
        var (firstFolder, secondFolder) = (fixture.Folder(), fixture.Folder());
        var first = await fixture.StartAsync(firstFolder, server.ConnectionString);
        CopyKeys(firstFolder, secondFolder);
        var second = await fixture.StartAsync(secondFolder, server.ConnectionString);
        Assert.Equal(first.Publication, second.Publication);

        // An invitation of one is redeemed at the other, and the same request at both is one use.
        var admin = fixture.ClientOf(await fixture.AddAsync(first, MemberRole.Administrator));
        var (invitation, link) = HubFixture.NewInvitation(first);
        await admin.CreateInvitationsAsync(new NewInvitations([invitation]), fixture.Timeout.Token);
        using var identity = MemberIdentity.Create();
        var ada = await fixture.JoinAsync(HubFixture.AddressOf(second), link, identity);
        var again = await fixture.JoinAsync(HubFixture.AddressOf(first), link, identity);
        Assert.Equal(ada.Grant.Member, again.Grant.Member);
        var refused = await Assert.ThrowsAsync<HubException>(() =>
            fixture.JoinAsync(HubFixture.AddressOf(first), link)
        );
        Assert.Equal("invitation-used", refused.Code);

        // What is published at one is served by the other, and peers of one are known to the other.
        var publisher = await fixture.AddAsync(first, MemberRole.Publisher);
        var torrent = await PublishAsync(fixture, publisher);
        var atSecond = fixture.ClientOf(ada);
        await UntilAsync(async () => (await atSecond.ListCatalogueAsync(fixture.Timeout.Token)).Entries.Count == 1);
        await fixture.ClientOf(publisher).AnnounceAsync(Request(torrent, 1001), fixture.Timeout.Token);
        await UntilAsync(async () =>
        {
            var answer = await atSecond.AnnounceAsync(Request(torrent, 1002), fixture.Timeout.Token);
            Assert.True(HttpTrackerAnswer.TryReadAnnounce(answer, AnnounceLimits.Default, out var read));
            Assert.Null(read.Failure);
            return read.Peers.Contains(new IPEndPoint(IPAddress.Loopback, 1001));
        });

        // Who is revoked at one is shut out at the other.
        await admin.RevokeMembersAsync(new RevokeRequest([ada.Grant.Member.ToString()], false), fixture.Timeout.Token);
        await UntilAsync(async () =>
        {
            try
            {
                await atSecond.ListCatalogueAsync(fixture.Timeout.Token);
                return false;
            }
            catch (HubException error)
            {
                return error.Code == "certificate-revoked";
            }
        });
    }

    private static void CopyKeys(string from, string to)
    {
        PrivateFiles.CreateFolder(to);
        foreach (var name in new[] { "authority.key", "authority.cer", "publication.key" })
        {
            PrivateFiles.Write(Path.Combine(to, name), File.ReadAllBytes(Path.Combine(from, name)));
        }
    }

    private static async Task<Metainfo> PublishAsync(HubFixture fixture, LocalMembership publisher)
    {
        var built = new TorrentBuilder(TorrentFormat.Hybrid).Single(50_000).Build();
        var fields = new CatalogueFields
        {
            Publication = publisher.Publication,
            Id = new EntryId(1),
            Version = 1,
            Title = "Genomes",
            Size = built.Metainfo.Size,
            InfoHashes = built.Metainfo.InfoHashes,
            Torrent = new Sha256Digest(SHA256.HashData(built.TorrentBytes)),
            SignedAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
        };
        var entry = CatalogueEntry.Sign(fields, publisher.Identity, publisher.Certificate.Span);
        var client = fixture.ClientOf(publisher);
        await client.PublishAsync(new PublishRequest(entry, built.TorrentBytes), fixture.Timeout.Token);
        return built.Metainfo;
    }

    private static AnnounceRequest Request(Metainfo metainfo, ushort port) =>
        new()
        {
            InfoHash = metainfo.InfoHashes.Primary,
            PeerId = default,
            Port = port,
            Left = 1,
        };

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
