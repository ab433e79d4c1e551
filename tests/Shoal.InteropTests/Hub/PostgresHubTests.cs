using System.Net;
using System.Security.Cryptography;
using Shoal.Engine;
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
        var (first, second) = await StartTwoAsync(fixture, server);
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
        var torrent = (await PublishAsync(fixture, publisher)).Built.Metainfo;
        var atSecond = fixture.ClientOf(ada);
        await UntilAsync(async () => (await atSecond.ListCatalogueAsync(fixture.Timeout.Token)).Entries.Count == 1);
        await fixture.ClientOf(publisher).AnnounceAsync([Request(torrent, 1001)], fixture.Timeout.Token);
        await UntilAsync(async () =>
        {
            var answer = (await atSecond.AnnounceAsync([Request(torrent, 1002)], fixture.Timeout.Token))[0];
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

    [Fact]
    public async Task A_copy_is_challenged_through_one_hub_and_proven_through_the_other()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var fixture = new HubFixture();
        var cancel = fixture.Timeout.Token;
        var (first, second) = await StartTwoAsync(fixture, server);
        var publisher = await fixture.AddAsync(first, MemberRole.Publisher);
        var (built, entry) = await PublishAsync(fixture, publisher);
        var (metainfo, content) = (built.Metainfo, ReceiptContent.Of(entry));
        var ada = await fixture.AddAsync(second, MemberRole.Member);
        var (atFirst, atSecond) = (fixture.ClientOf(publisher), fixture.ClientOf(ada));

        // What Ada says at the one the publisher reads at the other.
        var copy = Directory.CreateDirectory(fixture.Folder()).FullName;
        await File.WriteAllBytesAsync(Path.Combine(copy, metainfo.Name), built.Range, cancel);
        await UntilAsync(async () => (await atSecond.ListCatalogueAsync(cancel)).Entries.Count == 1);
        await atSecond.GiveReceiptAsync(Receipt(ada, content, publisher.Grant.Member), ReceiptRetention.Signed, cancel);
        Assert.Equal(1, (await atFirst.ReadCustodyAsync(entry.Id, entry.Version, cancel)).Copies);

        // She waits there, and hears of the question without asking for it.
        var hears = atSecond.WaitForRevocationsAsync(0, TimeSpan.FromSeconds(30), cancel);
        var challenge = Challenge(publisher, content, ada.Grant.Member);
        await atFirst.ChallengeAsync(challenge.Encoded.ToArray(), cancel);
        Assert.Equal("waiting", (await atFirst.ReadChallengeAsync(challenge.Id, cancel)).State);
        Assert.True((await hears).IsChallenged);
        var asked = Assert.Single(await atSecond.FetchChallengesAsync(entry.Id, entry.Version, cancel));
        Assert.Equal(challenge.Encoded.ToArray(), asked);
        Assert.Equal("fetched", (await atFirst.ReadChallengeAsync(challenge.Id, cancel)).State);
        var digest = ContentProof.Answer(metainfo, copy, challenge, cancel);
        Assert.NotNull(digest);
        var answer = CustodyAnswer.Sign(challenge, digest, DateTimeOffset.UtcNow, ada.Identity, ada.Certificate.Span);
        await atSecond.ReplyAsync(answer, cancel);
        var state = await atFirst.ReadChallengeAsync(challenge.Id, cancel);
        Assert.Equal("answered", state.State);
        var verifier = new MembershipVerifier(publisher.Authority);
        Assert.Equal(CustodyVerdict.Proven, CustodyAnswer.Judge(state.Answer, challenge, digest, verifier, null));

        // Once it was read, neither has it any more.
        var forgotten = await Assert.ThrowsAsync<HubException>(() => atFirst.ReadChallengeAsync(challenge.Id, cancel));
        Assert.Equal("challenge-unknown", forgotten.Code);
        forgotten = await Assert.ThrowsAsync<HubException>(() => atSecond.ReplyAsync(answer, cancel));
        Assert.Equal("challenge-unknown", forgotten.Code);
    }

    /// <summary>Two with the same keys, at one database.</summary>
    private static async Task<(HubServer First, HubServer Second)> StartTwoAsync(
        HubFixture fixture,
        PostgresServer server
    )
    {
        var (firstFolder, secondFolder) = (fixture.Folder(), fixture.Folder());
        var first = await fixture.StartAsync(firstFolder, server.ConnectionString, ReceiptRetention.Signed);
        CopyKeys(firstFolder, secondFolder);
        return (first, await fixture.StartAsync(secondFolder, server.ConnectionString, ReceiptRetention.Signed));
    }

    private static byte[] Receipt(LocalMembership of, ReceiptContent content, MemberId sender) =>
        TransferReceipt.Sign(
            new ReceiptFields
            {
                Content = content,
                Number = 1,
                Since = Now,
                Until = Now,
                IsComplete = true,
                Senders = [new ReceivedShare(sender, 50_000)],
            },
            of.Identity,
            of.Certificate.Span
        );

    private static CustodyChallenge Challenge(LocalMembership by, ReceiptContent content, MemberId member)
    {
        var fields = new ChallengeFields
        {
            Content = content,
            Member = member,
            Salt = RandomNumberGenerator.GetBytes(CustodyLimits.SaltSize),
            Blocks = 2,
            Made = Now,
            Expires = Now + TimeSpan.FromMinutes(2),
        };
        var encoded = CustodyChallenge.Sign(fields, by.Identity, by.Certificate.Span);
        Assert.True(
            CustodyChallenge.TryRead(encoded, new MembershipVerifier(by.Authority), null, out var challenge, out _)
        );
        return challenge;
    }

    private static DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds());

    private static void CopyKeys(string from, string to)
    {
        PrivateFiles.CreateFolder(to);
        foreach (var name in new[] { "authority.key", "authority.cer", "publication.key" })
        {
            PrivateFiles.Write(Path.Combine(to, name), File.ReadAllBytes(Path.Combine(from, name)));
        }
    }

    private static async Task<(BuiltTorrent Built, CatalogueFields Entry)> PublishAsync(
        HubFixture fixture,
        LocalMembership publisher
    )
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
            SignedAt = Now,
        };
        var entry = CatalogueEntry.Sign(fields, publisher.Identity, publisher.Certificate.Span);
        var client = fixture.ClientOf(publisher);
        await client.PublishAsync(new PublishRequest(entry, built.TorrentBytes), fixture.Timeout.Token);
        return (built, fields);
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
