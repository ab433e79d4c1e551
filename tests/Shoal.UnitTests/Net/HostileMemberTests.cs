using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Engine;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>
/// Who knows the publication's key, as every former member does, but has no certificate that is good: refused when calling and
/// when called.
/// </summary>
public sealed class HostileMemberTests : MemberFixture
{
    public static TheoryData<string> BadCertificates =>
        ["other authority", "expired", "not yet valid", "wrong name", "one end only", "self-signed"];

    [Theory]
    [MemberData(nameof(BadCertificates))]
    public async Task Who_calls_with_a_bad_certificate_is_not_answered(string kind)
    {
        using var identity = MemberIdentity.Create();
        var certificate = Bad(kind, identity);
        var callee = NewMember(2);
        var (here, there) = MemoryTransport.CreatePair();
        var answering = AnswerAsync(callee, there);
        using var whole = identity.WithCertificate(certificate);
        var (tls, _) = await CallByHandAsync(here, callee.Membership.CreateTag(Time.GetUtcNow()), whole);
        Assert.Equal(DisconnectReason.NotAMember, (await answering).Failure);
        tls?.Dispose();
    }

    [Theory]
    [MemberData(nameof(BadCertificates))]
    // Who calls with such a one fails at TLS itself, which wants the key of what is shown.
    [InlineData("another key")]
    public async Task Who_answers_with_a_bad_certificate_hears_no_name(string kind)
    {
        using var identity = MemberIdentity.Create();
        var end = MemberEnd.Create(Authority.Key, identity, Bad(kind, identity), Time.GetUtcNow());
        Assert.Equal(DisconnectReason.NotAMember, await AnswerWithAsync(end));
    }

    [Fact]
    public async Task The_proof_of_another_member_is_worth_nothing()
    {
        var honest = NewMember(2);
        using var identity = MemberIdentity.Create();
        var mine = MemberEnd.Create(Authority.Key, identity, Bad("expired", identity), Time.GetUtcNow());
        var stolen = honest.Membership.End(Time.GetUtcNow())!.Proof;
        Assert.Equal(DisconnectReason.NotAMember, await AnswerWithAsync(mine with { Proof = stolen }));
        byte[][] nonsense =
        [
            [],
            [0, 0],
            [255, 255, .. new byte[300]],
            new byte[66],
        ];
        foreach (var proof in nonsense)
        {
            Assert.Equal(DisconnectReason.NotAMember, await AnswerWithAsync(mine with { Proof = proof }));
        }
    }

    [Fact]
    public void A_certificate_of_another_key_is_not_taken_for_ours()
    {
        using var identity = MemberIdentity.Create();
        using var other = MemberIdentity.Create();
        Assert.Throws<ArgumentException>(() =>
            new PublicationMembership(
                Authority.Publication.Certificate,
                Authority.Key,
                identity,
                Authority.Issue(other, Authority.Grant())
            )
        );
    }

    private async Task<DisconnectReason> AnswerWithAsync(MemberEnd end)
    {
        var (here, there) = MemoryTransport.CreatePair();
        var calling = CallAsync(NewMember(1), here);
        using var tls = await TlsTransport
            .AnswerAsync(
                there,
                new System.Net.Security.SslServerAuthenticationOptions
                {
                    ServerCertificateContext = end.Context,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                }
            )
            .WaitAsync(FakePeer.Patience);
        Assert.NotNull(tls);
        await tls.SendAsync([new ArraySegment<byte>(end.Proof)]);
        there.Close();
        var outcome = await calling;
        Assert.False(outcome.IsOk);
        return outcome.Failure is DisconnectReason.ConnectionLost ? DisconnectReason.NotAMember : outcome.Failure;
    }

    private byte[] Bad(string kind, MemberIdentity identity)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(identity.Export(), out _);
        var (publication, now) = (Authority.Publication.Publication, Time.GetUtcNow());
        switch (kind)
        {
            case "other authority":
                using (var other = new Authority(5, now))
                {
                    return other.Issue(identity, other.Grant());
                }

            case "expired":
                var past = MemberGrant.Starting(
                    Authority.NewMember(),
                    MemberRole.Member,
                    now.AddDays(-9),
                    TimeSpan.FromDays(7)
                );
                return Authority.Issue(identity, past);
            case "not yet valid":
                var future = MemberGrant.Starting(
                    Authority.NewMember(),
                    MemberRole.Member,
                    now.AddDays(3),
                    TimeSpan.FromDays(7)
                );
                return Authority.Issue(identity, future);
            case "wrong name":
                using (var other = new Authority(5, now))
                {
                    var uri = CertificateProfile.MemberUri(other.Publication.Publication, default, MemberRole.Member);
                    return Authority.Forge(key, request => Authority.AddMemberExtensions(request, uri), false);
                }

            case "one end only":
                return Authority.Forge(key, request => Authority.AddMemberExtensions(request, bothEnds: false), false);
            case "self-signed":
                var name = CertificateProfile.AuthorityName(publication);
                var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
                Authority.AddMemberExtensions(request);
                using (var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1)))
                {
                    return made.RawData;
                }

            default:
                using (var other = MemberIdentity.Create())
                {
                    return Authority.Issue(other, Authority.Grant());
                }
        }
    }
}
