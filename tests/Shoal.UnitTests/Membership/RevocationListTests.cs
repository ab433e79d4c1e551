using Shoal.Membership;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>Who is no member any more, and that nobody turns that back.</summary>
public sealed class RevocationListTests : IDisposable
{
    private readonly Authority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Members_and_single_certificates_are_revoked_and_nobody_else()
    {
        using var identity = MemberIdentity.Create();
        var grant = _authority.Grant();
        var first = _authority.Issue(identity, grant);
        var second = _authority.Issue(identity, grant);
        var serial = Verify(first, null).Serial;
        Assert.True(Verify(first, List(1)).IsOk);
        Assert.Equal(MembershipFault.Revoked, Verify(first, List(2, serials: [serial])).Fault);
        Assert.True(Verify(second, List(2, serials: [serial])).IsOk);
        Assert.Equal(MembershipFault.Revoked, Verify(second, List(2, [grant.Member])).Fault);
        Assert.True(Verify(second, List(2, [_authority.NewMember()])).IsOk);
    }

    [Fact]
    public void A_list_comes_back_as_it_was_written()
    {
        var member = _authority.NewMember();
        var list = List(7, [member, _authority.NewMember()], [new CertificateSerial(5)]);
        Assert.True(RevocationList.TryRead(list.Encoded.Span, Certificate, out var again, out _));
        Assert.Equal(7, again.Version);
        Assert.Equal(Authority.Now, again.IssuedAt);
        Assert.Equal(2, again.Members.Count);
        Assert.Contains(member, again.Members);
        Assert.True(again.Covers(new CertificateSerial(5)));
        Assert.True(again.Encoded.Span.SequenceEqual(list.Encoded.Span));
    }

    [Fact]
    public void An_old_list_does_not_take_the_place_of_a_new_one()
    {
        var (old, recent) = (List(1), List(2, [_authority.NewMember()]));
        Assert.True(RevocationList.Supersedes(null, old, out _));
        Assert.True(RevocationList.Supersedes(old, recent, out _));
        Assert.False(RevocationList.Supersedes(recent, old, out var fault));
        Assert.Equal(MembershipFault.OldList, fault);
        Assert.False(RevocationList.Supersedes(recent, recent, out fault));
        Assert.Equal(MembershipFault.None, fault);
    }

    // A hub whose data base came back from a copy gives numbers a second time.
    [Fact]
    public void The_same_number_for_something_else_is_noticed()
    {
        Assert.False(RevocationList.Supersedes(List(2, [_authority.NewMember()]), List(2), out var fault));
        Assert.Equal(MembershipFault.ContradictingList, fault);
    }

    [Fact]
    public void Only_the_authority_s_own_signature_counts()
    {
        using var other = new Authority(2);
        var strange = other.Publication.Revoke(1, Authority.Now, [], []);
        Assert.False(RevocationList.TryRead(strange.Encoded.Span, Certificate, out _, out var fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
        Assert.False(RevocationList.Supersedes(List(1), strange, out fault));
        Assert.Equal(MembershipFault.OtherAuthority, fault);
        var changed = List(3, [_authority.NewMember()]).Encoded.ToArray();
        changed[changed.AsSpan().IndexOf("7:version"u8) + 10] = (byte)'4';
        Assert.False(RevocationList.TryRead(changed, Certificate, out _, out fault));
        Assert.Equal(MembershipFault.BadSignature, fault);
    }

    [Fact]
    public void Mutated_lists_are_refused_and_long_ones_are_not_looked_at()
    {
        var list = List(3, [_authority.NewMember()]).Encoded.ToArray();
        Fuzz.Run(
            3000,
            random =>
            {
                var mutated = Fuzz.Mutate(random, list);
                var isRead = RevocationList.TryRead(mutated, Certificate, out _, out _);
                Assert.True(!isRead || mutated.AsSpan().SequenceEqual(list));
            }
        );
        var endless = new byte[MembershipLimits.Default.MaxListLength + 1];
        Assert.False(RevocationList.TryRead(endless, Certificate, out _, out var fault));
        Assert.Equal(MembershipFault.Malformed, fault);
    }

    [Fact]
    public void The_longest_list_can_be_written_and_read()
    {
        var limit = MembershipLimits.Default.MaxRevoked;
        var list = List(1, Enumerable.Range(0, limit).Select(_ => _authority.NewMember()));
        Assert.True(list.Encoded.Length <= MembershipLimits.Default.MaxListLength);
        Assert.True(RevocationList.TryRead(list.Encoded.Span, Certificate, out _, out _));
        Assert.Throws<ArgumentException>(() =>
            List(1, Enumerable.Range(0, limit + 1).Select(_ => _authority.NewMember()))
        );
    }

    private AuthorityCertificate Certificate => _authority.Publication.Certificate;

    private MembershipVerdict Verify(byte[] certificate, RevocationList? list) =>
        _authority.Verifier.Verify(certificate, list, Authority.Now);

    private RevocationList List(
        long version,
        IEnumerable<MemberId>? members = null,
        IEnumerable<CertificateSerial>? serials = null
    ) => _authority.Publication.Revoke(version, Authority.Now, members ?? [], serials ?? []);
}
