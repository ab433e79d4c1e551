using System.Security.Cryptography;
using Shoal.Engine;
using Shoal.Membership;

namespace Shoal.Benchmarks;

/// <summary>Two members of a publication made for one run: one here, the other for another process, in a folder.</summary>
internal static class BenchMembers
{
    public static PublicationMembership Create(string folder)
    {
        var now = DateTimeOffset.UtcNow;
        using var authority = PublicationAuthority.Create(now);
        var key = RandomNumberGenerator.GetBytes(PublicationTag.KeySize);
        var (one, other) = (MemberIdentity.Create(), MemberIdentity.Create());
        byte[] Issue(MemberIdentity identity)
        {
            var member = new MemberId(RandomNumberGenerator.GetBytes(MemberId.Size));
            var grant = MemberGrant.Starting(member, MemberRole.Member, now, TimeSpan.FromDays(1));
            var serial = RandomNumberGenerator.GetBytes(PublicationAuthority.SerialSize);
            using var certificate = authority.Issue(identity.CreateRequest(), grant, serial, out _);
            return certificate!.RawData;
        }

        File.WriteAllBytes(Path.Combine(folder, "authority"), authority.Certificate.Der.Span);
        File.WriteAllBytes(Path.Combine(folder, "key"), key);
        File.WriteAllBytes(Path.Combine(folder, "identity"), other.Export());
        File.WriteAllBytes(Path.Combine(folder, "certificate"), Issue(other));
        return new PublicationMembership(authority.Certificate, key, one, Issue(one));
    }

    public static PublicationMembership Load(string folder)
    {
        byte[] Read(string name) => File.ReadAllBytes(Path.Combine(folder, name));
        return AuthorityCertificate.TryRead(Read("authority"), out var authority, out var fault)
            ? new PublicationMembership(
                authority,
                Read("key"),
                MemberIdentity.Load(Read("identity")),
                Read("certificate")
            )
            : throw new InvalidOperationException($"{fault}");
    }
}
