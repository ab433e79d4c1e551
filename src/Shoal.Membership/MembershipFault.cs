namespace Shoal.Membership;

/// <summary>Why a certificate, a request or a list is not taken.</summary>
public enum MembershipFault
{
    None,

    /// <summary>It is no certificate (request, list) at all, or longer than those are.</summary>
    Malformed,

    /// <summary>Not ECDSA on P-256 with SHA-256.</summary>
    WrongAlgorithm,

    /// <summary>Another authority issued it, or nobody.</summary>
    OtherAuthority,

    /// <summary>It names the right authority, which did not sign it; of a request: its key did not.</summary>
    BadSignature,
    NotYetValid,
    Expired,

    /// <summary>Valid for longer than <see cref="MembershipLimits.MaxLifetime"/>, or ends before it begins.</summary>
    TooLong,

    /// <summary>Names no member of this publication.</summary>
    WrongName,

    /// <summary>Not made for both ends of a connection, or made to issue others.</summary>
    WrongUse,

    /// <summary>Has a critical extension that we do not know.</summary>
    UnknownExtension,
    Revoked,

    /// <summary>A list that is older than the one known.</summary>
    OldList,

    /// <summary>A list with the number of the one known that says something else: the authority's state went back.</summary>
    ContradictingList,

    /// <summary>The passphrase is not the right one, or what is sealed was changed.</summary>
    WrongPassphrase,
}
