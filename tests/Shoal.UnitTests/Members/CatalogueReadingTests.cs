using System.Security.Cryptography;
using Shoal.Hub;
using Shoal.Members;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>What a member believes of a catalogue, whoever hands it over: a hub that lies, or a file.</summary>
public sealed class CatalogueReadingTests : IDisposable
{
    private readonly Authority _authority = new(at: DateTimeOffset.UtcNow);
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Only_what_a_publisher_has_signed_is_shown_and_only_the_torrent_that_he_named_is_taken()
    {
        using var membership = Join();
        using var other = new Authority(2, DateTimeOffset.UtcNow);
        var (good, torrent) = Entry(_authority, MemberRole.Publisher, 1);
        var (byMember, _) = Entry(_authority, MemberRole.Member, 2);
        var (foreign, _) = Entry(other, MemberRole.Publisher, 3);
        var changed = (byte[])good.Clone();
        changed[good.AsSpan().IndexOf("Genomes"u8)] ^= 1;
        var told = new OfflineContent
        {
            Entries =
            [
                .. new[] { good, byMember, foreign, changed, [] }.Select(entry => new OfflineEntry(entry, torrent)),
            ],
        };
        var known = Assert.Single(CatalogueReading.Kept(told, membership));
        Assert.Equal("Genomes", known.Fields.Title);

        using var hub = HubClient.Anonymous(
            membership.Hub,
            membership.Authority,
            (_, _, _) => throw new IOException("nobody is asked"),
            TimeProvider.System
        );
        Assert.Equal(torrent, (await CatalogueReading.ReadTorrentAsync(hub, known, default)).Bytes.ToArray());
        var (_, another) = Entry(_authority, MemberRole.Publisher, 4);
        foreach (var wrong in new[] { another, torrent[..^1] })
        {
            var refused = await Assert.ThrowsAsync<CatalogueException>(() =>
                CatalogueReading.ReadTorrentAsync(hub, known with { Kept = wrong }, default)
            );
            Assert.Equal("bad-torrent", refused.Code);
        }
    }

    private LocalMembership Join()
    {
        var identity = MemberIdentity.Create();
        var grant = _authority.Grant();
        var answer = new MembershipAnswer(
            _authority.Issue(identity, grant),
            _authority.Publication.Certificate.Der.ToArray(),
            new byte[PublicationTag.KeySize],
            null,
            grant.Member.ToString(),
            "member",
            grant.NotAfter.ToUnixTimeSeconds()
        );
        return LocalMembership.Create(
            _folder["membership"],
            _authority.Publication.Publication,
            identity,
            answer,
            new HubAddress("hub.example", 7450),
            DateTimeOffset.UtcNow
        );
    }

    private static (byte[] Entry, byte[] Torrent) Entry(Authority authority, MemberRole role, int seed)
    {
        var built = new TorrentBuilder(TorrentFormat.Hybrid).Single(20_000, seed).Build();
        using var identity = MemberIdentity.Create();
        var fields = new CatalogueFields
        {
            Publication = authority.Publication.Publication,
            Id = new EntryId((UInt128)(ulong)seed),
            Version = 1,
            Title = "Genomes",
            Size = built.Metainfo.Size,
            InfoHashes = built.Metainfo.InfoHashes,
            Torrent = new Sha256Digest(SHA256.HashData(built.TorrentBytes)),
            SignedAt = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds()),
        };
        var certificate = authority.Issue(identity, authority.Grant(role));
        return (CatalogueEntry.Sign(fields, identity, certificate), built.TorrentBytes);
    }
}
