using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>
/// A membership for somebody who cannot ask the hub: certificate and key, made by an administrator, and what can be fetched
/// from whom. Immutable. Lies under a passphrase (<see cref="PassphraseSeal"/>): whoever opens it is the member. See
/// docs/formats/hub.md.
/// </summary>
public sealed class OfflineInvitation
{
    private const long Version = 1;
    private const int MaxLength = OfflineContent.MaxLength + 1024 * 1024;

    // Nine keys and their values, and the dictionary itself.
    private const int MaxTokens = 32;

    public required AuthorityCertificate Authority { get; init; }

    /// <summary>What members call each other with; <see cref="PublicationTag.KeySize"/> bytes.</summary>
    public required ReadOnlyMemory<byte> PublicationKey { get; init; }

    /// <summary>PKCS #8 in DER.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>In DER.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>The newest list that the administrator knew, as signed; empty: none was ever made.</summary>
    public ReadOnlyMemory<byte> Revocations { get; init; }

    /// <summary>Where the hub is, for later: HOST:PORT.</summary>
    public required string Hub { get; init; }

    public OfflineContent Content { get; init; } = new();

    /// <summary>Who it makes its reader; known once it was read.</summary>
    public MemberGrant Grant { get; private init; }

    /// <summary>The bytes to be sealed.</summary>
    public byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("authority"u8, Authority.Der.Span);
        writer.Entry("certificate"u8, Certificate.Span);
        writer.Entry("content"u8, Content.Write());
        writer.Entry("hub"u8, Hub);
        writer.Entry("key"u8, Key.Span);
        writer.Entry("publication key"u8, PublicationKey.Span);
        writer.Entry("revocations"u8, Revocations.Span);
        writer.Entry("version"u8, Version);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads what was sealed, and checks that it makes its reader a member now. Never throws.</summary>
    /// <param name="bytes">Opened by the passphrase; who knows it may have written anything.</param>
    /// <param name="now">By our clock.</param>
    /// <param name="invitation">What it says.</param>
    /// <param name="fault">Why not.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> bytes,
        DateTimeOffset now,
        [NotNullWhen(true)] out OfflineInvitation? invitation,
        out MembershipFault fault
    )
    {
        invitation = null;
        fault = MembershipFault.Malformed;
        if (
            bytes.Length > MaxLength
            || !Bencode.TryParse(bytes, new BencodeToken[MaxTokens], BencodeMode.Strict, out var root, out _)
            || root.Find("version"u8).IntegerOr(0) != Version
            || !root.Find("authority"u8).TryGetBytes(out var authorityBytes)
            || !root.Find("certificate"u8).TryGetBytes(out var certificate)
            || !root.Find("content"u8).TryGetBytes(out var contentBytes)
            || !OfflineContent.TryRead(contentBytes, out var content)
            || root.Find("hub"u8).TextOrNull() is not { } hub
            || !root.Find("key"u8).TryGetBytes(out var key)
            || !root.Find("publication key"u8).TryGetBytes(out var publicationKey)
            || publicationKey.Length != PublicationTag.KeySize
            || !root.Find("revocations"u8).TryGetBytes(out var list)
            || !AuthorityCertificate.TryRead(authorityBytes, out var authority, out fault)
        )
        {
            return false;
        }

        RevocationList? revocations = null;
        if (!list.IsEmpty && !RevocationList.TryRead(list, authority, out revocations, out fault))
        {
            return false;
        }

        var verdict = new MembershipVerifier(authority).Verify(certificate, revocations, now);
        fault = verdict.IsOk && !IsKeyOf(key, verdict.PublicKey.Span) ? MembershipFault.WrongUse : verdict.Fault;
        if (fault != MembershipFault.None)
        {
            return false;
        }

        invitation = new OfflineInvitation
        {
            Authority = authority,
            PublicationKey = publicationKey.ToArray(),
            Key = key.ToArray(),
            Certificate = certificate.ToArray(),
            Revocations = list.ToArray(),
            Hub = hub,
            Content = content,
            Grant = verdict.Grant,
        };
        return true;
    }

    private static bool IsKeyOf(ReadOnlySpan<byte> key, ReadOnlySpan<byte> publicKey)
    {
        try
        {
            using var identity = MemberIdentity.Load(key);
            return identity.PublicKey.Span.SequenceEqual(publicKey);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
