using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>What a peer has proven of itself before it was told anything.</summary>
/// <param name="Member">Whose certificate it has.</param>
/// <param name="Role">As what.</param>
/// <param name="Serial">Of the certificate.</param>
/// <param name="GoodFor">How long from then on.</param>
internal sealed record ProvenMember(MemberId Member, MemberRole Role, CertificateSerial Serial, TimeSpan GoodFor);
