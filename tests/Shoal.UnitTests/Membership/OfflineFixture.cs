using System.Security.Cryptography;
using Shoal.Membership;

namespace Shoal.UnitTests;

/// <summary>A publication that makes memberships in files, without a hub.</summary>
internal sealed class OfflineFixture : IDisposable
{
    public OfflineFixture(DateTimeOffset now) => (Authority, Now) = (PublicationAuthority.Create(now), now);

    public PublicationAuthority Authority { get; }

    public DateTimeOffset Now { get; }

    public byte[] PublicationKey { get; } = RandomNumberGenerator.GetBytes(PublicationTag.KeySize);

    public MemberId Member { get; } = new(RandomNumberGenerator.GetBytes(MemberId.Size));

    public byte[] Issue(MemberIdentity identity, TimeSpan lifetime)
    {
        var grant = MemberGrant.Starting(Member, MemberRole.Member, Now, lifetime);
        using var certificate = Authority.Issue(
            identity.CreateRequest(),
            grant,
            RandomNumberGenerator.GetBytes(PublicationAuthority.SerialSize),
            out _
        );
        return certificate!.RawData;
    }

    public OfflineInvitation Invitation(TimeSpan? lifetime = null, string hub = "127.0.0.1:1")
    {
        using var identity = MemberIdentity.Create();
        return new OfflineInvitation
        {
            Authority = Authority.Certificate,
            PublicationKey = PublicationKey,
            Key = identity.Export(),
            Certificate = Issue(identity, lifetime ?? TimeSpan.FromDays(30)),
            Hub = hub,
            Content = new OfflineContent
            {
                Peers = ["192.0.2.7:6881", "seed.example.org:6881"],
                Entries = [new OfflineEntry("entry"u8.ToArray(), "torrent"u8.ToArray())],
            },
        };
    }

    public static byte[] Close(byte[] secret, string passphrase) =>
        PassphraseSeal
            .TryLoad()!
            .SealUnderDrawn(secret, passphrase, RandomNumberGenerator.GetBytes(PassphraseSeal.RandomSize));

    public void Dispose() => Authority.Dispose();
}
