using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>
/// What makes an invitation one: 16 random bytes that the inviting administrator drew. The hub knows only a hash of it, and
/// hears of the secret itself once, from whoever redeems it.
/// </summary>
public sealed class InvitationSecret
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>What is hashed begins with it, so that the hash is good for nothing else.</summary>
    private static readonly byte[] Purpose = "shoal invitation 1\0"u8.ToArray();

    private readonly byte[] _bytes;

    /// <summary>Copies exactly <see cref="Size"/> random bytes.</summary>
    /// <exception cref="ArgumentException">The span has another length.</exception>
    public InvitationSecret(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
        {
            throw new ArgumentException($"expected {Size} bytes, got {bytes.Length}", nameof(bytes));
        }

        _bytes = bytes.ToArray();
    }

    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>
    /// What the hub stores: SHA-256 over the secret, the invitation and the publication. A plain hash is enough, since the
    /// secret has 128 bits of its own; that the publication is in it makes a link of one useless at another.
    /// </summary>
    public byte[] Hash(PublicationId publication, InvitationId invitation) =>
        SHA256.HashData([.. Purpose, .. publication.Span, .. invitation.ToArray(), .. _bytes]);

    /// <summary>Never the secret: texts end in logs.</summary>
    public override string ToString() => "(secret)";
}
