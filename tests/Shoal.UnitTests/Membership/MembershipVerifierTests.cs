using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Who is a member and who is not, by certificates alone.</summary>
public sealed class MembershipVerifierTests : IDisposable
{
    private readonly Authority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void What_the_authority_issued_says_who_it_is()
    {
        using var identity = MemberIdentity.Create();
        var grant = _authority.Grant(MemberRole.Publisher);
        var verdict = Verify(_authority.Issue(identity, grant));
        Assert.Equal(MembershipFault.None, verdict.Fault);
        Assert.Equal(grant, verdict.Grant);
        Assert.True(verdict.PublicKey.Span.SequenceEqual(identity.PublicKey.Span));
        Assert.NotEqual(default, verdict.Serial);
    }

    [Fact]
    public void The_name_of_a_publication_is_that_of_its_key()
    {
        var authority = _authority.Publication;
        Assert.True(PublicationId.TryParse($"{authority.Publication}".ToUpperInvariant(), out var same));
        Assert.Equal(authority.Publication, same);
        using var again = PublicationAuthority.Load(authority.Export(), authority.Certificate.Der.Span);
        Assert.Equal(authority.Publication, again.Publication);
        using var other = new Authority(2);
        Assert.Throws<CryptographicException>(() =>
            PublicationAuthority.Load(other.Publication.Export(), authority.Certificate.Der.Span)
        );
    }

    [Fact]
    public void Another_authority_makes_no_members()
    {
        using var other = new Authority(2);
        using var identity = MemberIdentity.Create();
        var certificate = other.Issue(identity, other.Grant());
        Assert.Equal(MembershipFault.OtherAuthority, Verify(certificate).Fault);
    }

    [Fact]
    public void Who_writes_the_name_of_the_authority_has_not_its_signature()
    {
        using var thief = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(CertificateProfile.Name("member"), thief, HashAlgorithmName.SHA256);
        _authority.AddMemberExtensions(request);
        using var forged = request.Create(
            CertificateProfile.AuthorityName(_authority.Publication.Publication),
            X509SignatureGenerator.CreateForECDsa(thief),
            Authority.Now.AddHours(-1),
            Authority.Now.AddDays(1),
            [1, 2, 3]
        );
        Assert.Equal(MembershipFault.BadSignature, Verify(forged.RawData).Fault);
    }

    [Fact]
    public void A_member_cannot_issue()
    {
        using var member = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = _authority.Forge(request =>
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true))
        );
        Assert.Equal(MembershipFault.WrongUse, Verify(authority).Fault);
    }

    [Fact]
    public void A_clock_that_is_a_day_off_does_no_harm_and_more_does()
    {
        using var identity = MemberIdentity.Create();
        var certificate = _authority.Issue(identity, _authority.Grant(days: 7));
        Assert.True(Verify(certificate, at: Authority.Now.AddDays(-1)).IsOk);
        Assert.Equal(MembershipFault.NotYetValid, Verify(certificate, at: Authority.Now.AddHours(-26)).Fault);
        Assert.True(Verify(certificate, at: Authority.Now.AddDays(7)).IsOk);
        Assert.Equal(MembershipFault.Expired, Verify(certificate, at: Authority.Now.AddDays(7).AddSeconds(1)).Fault);
    }

    [Fact]
    public void A_certificate_is_renewed_long_before_it_ends()
    {
        var grant = _authority.Grant(days: 8);
        Assert.Equal(Authority.Now.AddDays(4), grant.RenewAfter);
    }

    [Fact]
    public void Who_is_named_wrongly_is_no_member()
    {
        var publication = _authority.Publication.Publication;
        using var other = new Authority(2);
        string[] names =
        [
            CertificateProfile.MemberUri(other.Publication.Publication, _authority.NewMember(), MemberRole.Member),
            CertificateProfile.HubUri(publication),
            $"urn:shoal:{publication}:{_authority.NewMember()}:king",
            $"urn:shoal:{publication}:{_authority.NewMember()}",
            $"urn:shoal:{publication}:{new string('a', 27)}:member",
            "https://example.org/",
        ];
        foreach (var name in names)
        {
            var certificate = _authority.Forge(request => _authority.AddMemberExtensions(request, name), false);
            Assert.Equal(MembershipFault.WrongName, Verify(certificate).Fault);
        }
    }

    [Fact]
    public void What_is_made_for_one_end_only_is_refused()
    {
        var oneEnd = _authority.Forge(request => _authority.AddMemberExtensions(request, bothEnds: false), false);
        Assert.Equal(MembershipFault.WrongUse, Verify(oneEnd).Fault);
        var nothing = _authority.Forge(_ => { }, isMember: false);
        Assert.NotEqual(MembershipFault.None, Verify(nothing).Fault);
    }

    [Fact]
    public void Other_keys_and_unknown_critical_extensions_are_refused()
    {
        var p384 = _authority.Forge(ECDsa.Create(ECCurve.NamedCurves.nistP384), _ => { });
        Assert.Equal(MembershipFault.WrongAlgorithm, Verify(p384).Fault);
        var strange = _authority.Forge(request =>
            request.CertificateExtensions.Add(new X509Extension(new Oid("1.2.3.4"), [5, 0], critical: true))
        );
        Assert.Equal(MembershipFault.UnknownExtension, Verify(strange).Fault);
        var tooLong = _authority.Forge(_ => { }, days: 500);
        Assert.Equal(MembershipFault.TooLong, Verify(tooLong).Fault);
    }

    [Fact]
    public void A_hub_is_no_member_and_a_member_no_hub()
    {
        using var identity = MemberIdentity.Create();
        using var hub = _authority.Publication.IssueHub(
            identity.CreateRequest(),
            ["hub.example.org", "192.0.2.1"],
            Authority.Now,
            TimeSpan.FromDays(30),
            _authority.Bytes(16),
            out _
        );
        Assert.Equal(MembershipFault.WrongName, Verify(hub!.RawData).Fault);
        Assert.Equal(MembershipFault.None, _authority.Verifier.VerifyHub(hub.RawData, null, Authority.Now));
        Assert.True(hub.MatchesHostname("hub.example.org"));
        Assert.True(hub.MatchesHostname("192.0.2.1"));
        var member = _authority.Issue(identity, _authority.Grant(MemberRole.Administrator));
        Assert.Equal(MembershipFault.WrongName, _authority.Verifier.VerifyHub(member, null, Authority.Now));
    }

    [Fact]
    public void A_request_for_the_key_of_another_is_refused()
    {
        using var victim = MemberIdentity.Create();
        using var thief = MemberIdentity.Create();
        var request = victim.CreateRequest();
        // The thief's request with the victim's key in it: its signature does not fit.
        var forged = thief.CreateRequest();
        var at = forged.AsSpan().IndexOf(thief.PublicKey.Span);
        victim.PublicKey.Span.CopyTo(forged.AsSpan(at));
        Assert.Null(Issue(forged, out var fault));
        Assert.Equal(MembershipFault.BadSignature, fault);
        Assert.NotNull(Issue(request, out _));
        Assert.Null(Issue([1, 2, 3], out _));
        Assert.Null(Issue(new byte[10_000], out fault));
        Assert.Equal(MembershipFault.Malformed, fault);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var other = new CertificateRequest(CertificateProfile.Name("x"), p384, HashAlgorithmName.SHA256);
        Assert.Null(Issue(other.CreateSigningRequest(), out fault));
        Assert.Equal(MembershipFault.WrongAlgorithm, fault);
    }

    [Fact]
    public void What_a_request_says_besides_its_key_does_not_count()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(CertificateProfile.Name("x"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var grant = _authority.Grant();
        using var certificate = _authority.Publication.Issue(
            request.CreateSigningRequest(),
            grant,
            _authority.Bytes(16),
            out _
        );
        Assert.Equal(grant, Verify(certificate!.RawData).Grant);
        Assert.Null(
            _authority.Publication.Issue(
                request.CreateSigningRequest(),
                _authority.Grant(days: 500),
                _authority.Bytes(16),
                out var fault
            )
        );
        Assert.Equal(MembershipFault.TooLong, fault);
    }

    [Fact]
    public void Mutated_certificates_never_throw_and_are_never_taken()
    {
        using var identity = MemberIdentity.Create();
        var certificate = _authority.Issue(identity, _authority.Grant());
        Fuzz.Run(
            3000,
            random =>
            {
                var mutated = Fuzz.Mutate(random, certificate);
                Assert.True(mutated.AsSpan().SequenceEqual(certificate) || !Verify(mutated).IsOk);
                AuthorityCertificate.TryRead(mutated, out _, out _);
                Issue(Fuzz.Mutate(random, identity.CreateRequest()), out _)?.Dispose();
            }
        );
    }

    [Fact]
    public void OpenSSL_and_the_platform_agree_about_the_chain()
    {
        using var identity = MemberIdentity.Create();
        using var certificate = identity.WithCertificate(_authority.Issue(identity, _authority.Grant()));
        using var root = X509CertificateLoader.LoadCertificate(_authority.Publication.Certificate.Der.Span);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = Authority.Now.UtcDateTime;
        Assert.True(chain.Build(certificate), string.Join(' ', chain.ChainStatus.Select(one => one.StatusInformation)));
    }

    private MembershipVerdict Verify(byte[] certificate, DateTimeOffset? at = null) =>
        _authority.Verifier.Verify(certificate, null, at ?? Authority.Now);

    private X509Certificate2? Issue(byte[] request, out MembershipFault fault) =>
        _authority.Publication.Issue(request, _authority.Grant(), _authority.Bytes(16), out fault);
}
