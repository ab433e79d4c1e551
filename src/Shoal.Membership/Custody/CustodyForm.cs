using System.Diagnostics.CodeAnalysis;

namespace Shoal.Membership;

/// <summary>
/// What receipts and challenges have in common: a statement about one content, signed by a member of the publication that it names.
/// Immutable; one for each kind of statement.
/// </summary>
/// <typeparam name="TFields">What is said.</typeparam>
internal sealed class CustodyForm<TFields>
    where TFields : class
{
    /// <summary>Of the statement, among the keys of what is signed.</summary>
    public required byte[] Name { get; init; }

    /// <summary>What is signed begins with it.</summary>
    public required byte[] Purpose { get; init; }

    /// <summary>Longest that is read.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Null: it is none.</summary>
    public required Func<ReadOnlySpan<byte>, TFields?> Read { get; init; }

    public required Func<TFields, byte[]> Write { get; init; }

    /// <summary>All fields are within their bounds: such a thing is neither signed nor read otherwise.</summary>
    public required Func<TFields, bool> IsSound { get; init; }

    public required Func<TFields, ReceiptContent> ContentOf { get; init; }

    /// <summary>When the signer's certificate must have been good, by its clock.</summary>
    public required Func<TFields, DateTimeOffset> SignedAt { get; init; }

    /// <exception cref="ArgumentException">A field is out of its bounds.</exception>
    public byte[] Sign(TFields fields, MemberIdentity identity, ReadOnlySpan<byte> certificate)
    {
        ArgumentNullException.ThrowIfNull(fields);
        return IsSound(fields)
            ? SignedStatement.Sign(Name, Purpose, Write(fields), identity, certificate)
            : throw new ArgumentException("a field is out of its bounds", nameof(fields));
    }

    /// <summary>Reads one of a stranger, and checks who signed it: a member of this publication who is not revoked now.</summary>
    public bool TryRead(
        ReadOnlySpan<byte> encoded,
        MembershipVerifier verifier,
        RevocationList? revoked,
        [NotNullWhen(true)] out TFields? fields,
        out MemberGrant signer,
        out MembershipFault fault
    )
    {
        ArgumentNullException.ThrowIfNull(verifier);
        signer = default;
        fields = null;
        fault = MembershipFault.Malformed;
        if (
            !SignedStatement.TryRead(encoded, Name, MaxLength, out var signed)
            || Read(signed.Body) is not { } read
            || !IsSound(read)
        )
        {
            return false;
        }

        fault = MembershipFault.OtherAuthority;
        if (ContentOf(read).Publication != verifier.Authority.Publication)
        {
            return false;
        }

        var verdict = signed.Check(Purpose, verifier, revoked, SignedAt(read));
        fault = verdict.Fault;
        signer = verdict.Grant;
        fields = verdict.IsOk ? read : null;
        return verdict.IsOk;
    }
}
