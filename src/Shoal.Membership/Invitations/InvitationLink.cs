using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Shoal.Membership;

/// <summary>Why a text is no invitation.</summary>
public enum InvitationLinkFault
{
    None,

    /// <summary>Neither <c>shoal://join/HOST:PORT#...</c> nor <c>https://HOST:PORT/join#...</c>.</summary>
    NotALink,

    /// <summary>There is nothing behind a '#': programs that shorten links cut it off.</summary>
    NoSecret,

    /// <summary>Digits are missing or mistyped.</summary>
    Damaged,

    /// <summary>Made by a later version.</summary>
    UnknownVersion,
}

/// <summary>
/// An invitation as somebody gets it: where the hub is, which publication, and the secret. Everything but the hub's place
/// stands in the fragment, which browsers do not send. docs/formats/hub.md describes the text.
/// </summary>
public sealed class InvitationLink
{
    /// <summary>Longest text that is read, in characters. A host name has at most 253.</summary>
    public const int MaxLength = 512;

    /// <summary>The port of a hub where a link names none.</summary>
    public const int DefaultPort = 7450;

    private static readonly SearchValues<char> NotInAuthority = SearchValues.Create("/@?# \\");

    private const string ShoalPrefix = "shoal://join/";
    private const string HttpsPrefix = "https://";
    private const string HttpsPath = "/join";
    private const byte Version = 1;
    private const int CheckSize = 4;
    private const int BodySize = 1 + PublicationId.Size + InvitationId.Size + InvitationSecret.Size;

    public InvitationLink(
        string host,
        int port,
        PublicationId publication,
        InvitationId invitation,
        InvitationSecret secret
    )
    {
        (Host, Port, Publication, Invitation, Secret) = (host, port, publication, invitation, secret);
    }

    /// <summary>A name, or an address without brackets.</summary>
    public string Host { get; }

    public int Port { get; }

    /// <summary>Pins the key of the authority: no other certificate is taken for the hub's.</summary>
    public PublicationId Publication { get; }

    public InvitationId Invitation { get; }

    public InvitationSecret Secret { get; }

    /// <summary>Reads either form.</summary>
    public static bool TryParse(
        ReadOnlySpan<char> text,
        [NotNullWhen(true)] out InvitationLink? link,
        out InvitationLinkFault fault
    )
    {
        link = null;
        text = text.Trim();
        fault = InvitationLinkFault.NotALink;
        if (text.Length > MaxLength || !TrySplit(text, out var authority, out var fragment))
        {
            return false;
        }

        if (!TryReadAuthority(authority, out var host, out var port))
        {
            return false;
        }

        fault = InvitationLinkFault.NoSecret;
        if (fragment.IsEmpty)
        {
            return false;
        }

        fault = InvitationLinkFault.Damaged;
        Span<byte> bytes = stackalloc byte[BodySize + CheckSize];
        if (
            fragment.Length != Base64Url.GetEncodedLength(bytes.Length)
            || Base64Url.DecodeFromChars(fragment, bytes, out _, out var length) != OperationStatus.Done
            || length != bytes.Length
            || !Check(bytes[..BodySize]).SequenceEqual(bytes[BodySize..])
        )
        {
            return false;
        }

        if (bytes[0] != Version)
        {
            fault = InvitationLinkFault.UnknownVersion;
            return false;
        }

        var rest = bytes[1..BodySize];
        fault = InvitationLinkFault.None;
        link = new InvitationLink(
            host,
            port,
            new PublicationId(rest[..PublicationId.Size]),
            new InvitationId(rest.Slice(PublicationId.Size, InvitationId.Size)),
            new InvitationSecret(rest[(PublicationId.Size + InvitationId.Size)..])
        );
        return true;
    }

    /// <summary>The form for programs and for <c>shoal join</c>. Whoever reads it can join.</summary>
    public string ToShoalLink() => $"{ShoalPrefix}{Authority}#{Fragment()}";

    /// <summary>The form that a browser opens: the hub's page says how to go on. Whoever reads it can join.</summary>
    public string ToHttpsLink() => $"{HttpsPrefix}{Authority}{HttpsPath}#{Fragment()}";

    /// <summary>Where it leads, never the secret.</summary>
    public override string ToString() => $"invitation {Invitation} of {Authority}";

    private string Authority => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    private string Fragment()
    {
        Span<byte> bytes = stackalloc byte[BodySize + CheckSize];
        bytes[0] = Version;
        Publication.Span.CopyTo(bytes[1..]);
        Invitation.ToArray().CopyTo(bytes[(1 + PublicationId.Size)..]);
        Secret.Span.CopyTo(bytes[(1 + PublicationId.Size + InvitationId.Size)..]);
        Check(bytes[..BodySize]).CopyTo(bytes[BodySize..]);
        return Base64Url.EncodeToString(bytes);
    }

    // Against typing and cutting, not against anybody.
    private static byte[] Check(ReadOnlySpan<byte> body) => SHA256.HashData(body)[..CheckSize];

    private static bool TrySplit(
        ReadOnlySpan<char> text,
        out ReadOnlySpan<char> authority,
        out ReadOnlySpan<char> fragment
    )
    {
        authority = default;
        fragment = default;
        var isShoal = text.StartsWith(ShoalPrefix, StringComparison.OrdinalIgnoreCase);
        if (!isShoal && !text.StartsWith(HttpsPrefix, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var rest = text[(isShoal ? ShoalPrefix : HttpsPrefix).Length..];
        var mark = rest.IndexOf('#');
        fragment = mark < 0 ? default : rest[(mark + 1)..];
        authority = mark < 0 ? rest : rest[..mark];
        // Mail programs like to put a '/' before the '#'.
        authority = authority.TrimEnd('/');
        if (!isShoal)
        {
            if (!authority.EndsWith(HttpsPath, StringComparison.OrdinalIgnoreCase))
            {
                return false;
            }

            authority = authority[..^HttpsPath.Length];
        }

        return true;
    }

    /// <summary>Reads <c>HOST</c>, <c>HOST:PORT</c>, <c>[ADDRESS]</c> or <c>[ADDRESS]:PORT</c>.</summary>
    public static bool TryReadAuthority(ReadOnlySpan<char> text, out string host, out int port)
    {
        (host, port) = ("", DefaultPort);
        // Whatever else a URL may have there (credentials, a path) is none of ours.
        if (
            text.IsEmpty
            || text.ContainsAny(NotInAuthority)
            || !Uri.TryCreate(string.Concat(HttpsPrefix, text, "/"), UriKind.Absolute, out var url)
            || url.HostNameType is UriHostNameType.Unknown or UriHostNameType.Basic
            || url.DnsSafeHost.Length is 0 or > 253
        )
        {
            return false;
        }

        host = url.DnsSafeHost;
        // Uri takes 443 for none; a link that says so means it.
        port = url.IsDefaultPort && !text.EndsWith(":443") ? DefaultPort : url.Port;
        return port is > 0 and < 65536;
    }
}
