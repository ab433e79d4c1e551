using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

public sealed class CatalogueEntryTests : IDisposable
{
    private readonly Authority _authority = new();
    private readonly MemberIdentity _identity = MemberIdentity.Create();

    public void Dispose()
    {
        _authority.Dispose();
        _identity.Dispose();
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void What_a_publisher_signs_is_read_again(bool v1, bool v2)
    {
        var fields = Fields() with
        {
            InfoHashes = new InfoHashes(v1 ? default(Sha1Digest) : null, v2 ? default(Sha256Digest) : null),
        };
        var grant = _authority.Grant(MemberRole.Publisher);
        Assert.True(TryRead(Sign(fields, grant), null, out var entry, out _));
        Assert.Equal(fields, entry!.Fields);
        Assert.Equal(grant.Member, entry.Publisher);
    }

    [Fact]
    public void Only_a_publisher_who_is_none_revoked_counts()
    {
        var grant = _authority.Grant(MemberRole.Publisher);
        var signed = Sign(Fields(), grant);
        Assert.False(TryRead(Sign(Fields(), _authority.Grant()), null, out _, out var fault));
        Assert.Equal(MembershipFault.WrongUse, fault);
        Assert.True(TryRead(Sign(Fields(), _authority.Grant(MemberRole.Administrator)), null, out _, out _));
        var list = _authority.Publication.Revoke(1, Authority.Now, [grant.Member], []);
        Assert.False(TryRead(signed, list, out _, out fault));
        Assert.Equal(MembershipFault.Revoked, fault);
        Assert.False(
            TryRead(Sign(Fields() with { SignedAt = Authority.Now.AddDays(8) }, grant), null, out _, out fault)
        );
        Assert.Equal(MembershipFault.Expired, fault);
        Assert.False(
            TryRead(Sign(Fields() with { Publication = PublicationId.Of([1]) }, grant), null, out _, out fault)
        );
        Assert.Equal(MembershipFault.OtherAuthority, fault);
        using var other = new Authority(2);
        var foreign = CatalogueEntry.Sign(
            Fields(),
            _identity,
            other.Issue(_identity, other.Grant(MemberRole.Publisher))
        );
        Assert.False(TryRead(foreign, null, out _, out fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
    }

    [Fact]
    public void A_signature_of_another_key_is_none()
    {
        using var thief = MemberIdentity.Create();
        var certificate = _authority.Issue(_identity, _authority.Grant(MemberRole.Publisher));
        Assert.False(TryRead(CatalogueEntry.Sign(Fields(), thief, certificate), null, out _, out var fault));
        Assert.Equal(MembershipFault.BadSignature, fault);
    }

    [Fact]
    public void Fields_have_bounds()
    {
        CatalogueFields[] bad =
        [
            Fields() with
            {
                Title = "",
            },
            Fields() with
            {
                Title = new string('ä', 101),
            },
            Fields() with
            {
                VersionName = new string('x', 201),
            },
            Fields() with
            {
                Licence = new string('x', 201),
            },
            Fields() with
            {
                Citation = new string('x', 4001),
            },
            Fields() with
            {
                Version = 0,
            },
            Fields() with
            {
                Size = -1,
            },
            Fields() with
            {
                InfoHashes = default,
            },
        ];
        Assert.All(
            bad,
            fields => Assert.Throws<ArgumentException>(() => CatalogueEntry.Sign(fields, _identity, default))
        );
        var longest = Fields() with
        {
            Title = new string('x', 200),
            VersionName = new string('x', 200),
            Licence = new string('x', 200),
            Citation = new string('x', 4000),
        };
        Assert.True(TryRead(Sign(longest, _authority.Grant(MemberRole.Publisher)), null, out _, out _));
    }

    [Fact]
    public void Whatever_is_changed_is_noticed_and_nothing_throws()
    {
        var good = Sign(Fields(), _authority.Grant(MemberRole.Publisher));
        Fuzz.Run(
            3_000,
            random =>
            {
                var bytes = good.ToArray();
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
                if (random.Next(4) == 0)
                {
                    bytes = bytes[..random.Next(bytes.Length)];
                }

                Assert.False(TryRead(bytes, null, out _, out _));
            }
        );
        Assert.False(TryRead(new byte[CatalogueLimits.MaxLength + 1], null, out _, out _));
    }

    private CatalogueFields Fields() =>
        new()
        {
            Publication = _authority.Publication.Publication,
            Id = new EntryId(77),
            Version = 3,
            Title = "Genome – 2026",
            VersionName = "2026-11",
            Size = 1L << 45,
            Licence = "CC-BY-4.0",
            Citation = "Müller et al. (2026)",
            InfoHashes = new InfoHashes(new Sha1Digest(_authority.Bytes(20)), new Sha256Digest(_authority.Bytes(32))),
            Torrent = new Sha256Digest(SHA256.HashData([1])),
            SignedAt = Authority.Now,
        };

    private byte[] Sign(CatalogueFields fields, MemberGrant grant) =>
        CatalogueEntry.Sign(fields, _identity, _authority.Issue(_identity, grant));

    private bool TryRead(byte[] bytes, RevocationList? revoked, out CatalogueEntry? entry, out MembershipFault fault) =>
        CatalogueEntry.TryRead(bytes, _authority.Verifier, revoked, out entry, out fault);
}
