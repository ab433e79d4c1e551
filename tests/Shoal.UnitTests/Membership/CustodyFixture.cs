using System.Security.Cryptography;
using Shoal.Membership;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A content, its publisher, and a member that receives it.</summary>
internal sealed class CustodyFixture : IDisposable
{
    public const long Size = 1_000_000;

    public CustodyFixture()
    {
        Content = new ReceiptContent(
            Authority.Publication.Publication,
            new EntryId(77),
            3,
            new Sha256Digest(SHA256.HashData([1]))
        );
        (Receiver, Publisher) = (Authority.Grant(), Authority.Grant(MemberRole.Publisher));
        (Senders[0], Senders[1]) = (Authority.NewMember(), Authority.NewMember());
        Array.Sort(Senders);
    }

    public Authority Authority { get; } = new();

    public MemberIdentity Identity { get; } = MemberIdentity.Create();

    public ReceiptContent Content { get; }

    public MemberGrant Receiver { get; }

    public MemberGrant Publisher { get; }

    public MemberId[] Senders { get; } = new MemberId[2];

    public ReceiptFields Receipt() =>
        new()
        {
            Content = Content,
            Number = 12,
            Since = Authority.Now.AddHours(-1),
            Until = Authority.Now,
            IsComplete = true,
            Senders = [new ReceivedShare(Senders[0], 300_000), new ReceivedShare(Senders[1], 700_000)],
        };

    public ChallengeFields Challenge() =>
        new()
        {
            Content = Content,
            Member = Receiver.Member,
            Salt = Authority.Bytes(CustodyLimits.SaltSize),
            Blocks = 8,
            Made = Authority.Now,
            Expires = Authority.Now.AddMinutes(5),
        };

    public byte[] Sign(ReceiptFields fields, MemberGrant? by = null) =>
        TransferReceipt.Sign(fields, Identity, Authority.Issue(Identity, by ?? Receiver));

    public byte[] Sign(ChallengeFields fields, MemberGrant? by = null) =>
        CustodyChallenge.Sign(fields, Identity, Authority.Issue(Identity, by ?? Publisher));

    public CustodyChallenge Made(ChallengeFields? fields = null, MemberGrant? by = null)
    {
        Assert.True(
            CustodyChallenge.TryRead(Sign(fields ?? Challenge(), by), Authority.Verifier, null, out var made, out _)
        );
        return made;
    }

    public bool TryRead(
        byte[] bytes,
        out TransferReceipt? receipt,
        out MembershipFault fault,
        RevocationList? revoked = null
    ) => TransferReceipt.TryRead(bytes, Authority.Verifier, revoked, out receipt, out fault);

    public bool TryRead(
        byte[] bytes,
        out CustodyChallenge? challenge,
        out MembershipFault fault,
        RevocationList? revoked = null
    ) => CustodyChallenge.TryRead(bytes, Authority.Verifier, revoked, out challenge, out fault);

    public RevocationList Revoke(MemberGrant who) => Authority.Publication.Revoke(1, Authority.Now, [who.Member], []);

    public void Dispose()
    {
        Authority.Dispose();
        Identity.Dispose();
    }
}
