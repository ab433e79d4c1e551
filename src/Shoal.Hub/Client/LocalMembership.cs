using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>What is known of a membership without its key.</summary>
/// <param name="Hub">Where it is.</param>
/// <param name="Grant">Who we are, and until when.</param>
/// <param name="HasKey">It is not lost.</param>
/// <param name="IsProtected">The key lies under a passphrase.</param>
public readonly record struct MembershipSummary(HubAddress Hub, MemberGrant Grant, bool HasKey, bool IsProtected);

/// <summary>
/// One membership as it lies on this machine: a folder that only its owner can read, with the key, its certificate, the
/// authority's, the publication's key, the newest revocation list and where the hub is. docs/formats/hub.md
/// describes the files. One caller at a time; several processes may read.
/// </summary>
public sealed partial class LocalMembership : IDisposable
{
    private const string KeyFile = "member.key";
    private const string CertificateFile = "member.cer";
    private const string AuthorityFile = "authority.cer";
    private const string PublicationKeyFile = "publication.key";
    private const string RevocationFile = "revocations";
    private const string HubFile = "hub";
    private const string NextKeyFile = "next.key";
    private const string GivenFile = "given";
    private const string ContentFile = "content";

    private static readonly int MaxFile = MembershipLimits.Default.MaxListLength;

    private KeyProtection? _protection;

    private LocalMembership(
        string folder,
        AuthorityCertificate authority,
        MemberIdentity identity,
        KeyProtection? protection
    ) => (Folder, Authority, Identity, _protection) = (folder, authority, identity, protection);

    public string Folder { get; }

    public AuthorityCertificate Authority { get; }

    public PublicationId Publication => Authority.Publication;

    public MemberIdentity Identity { get; private set; }

    /// <summary>What the key lies under; null: nothing.</summary>
    public KeyProtection? Protection => _protection;

    /// <summary>The key was made by somebody else, and shall give way to one of our own as soon as the hub can be asked.</summary>
    public bool HasGivenKey => File.Exists(Path.Combine(Folder, GivenFile));

    /// <summary>Ours, in DER.</summary>
    public ReadOnlyMemory<byte> Certificate { get; private set; }

    /// <summary>Who we are.</summary>
    public MemberGrant Grant { get; private set; }

    /// <summary>What members call each other with.</summary>
    public required ReadOnlyMemory<byte> PublicationKey { get; init; }

    /// <summary>The newest list known; null: none.</summary>
    public RevocationList? Revocations { get; private set; }

    public required HubAddress Hub { get; init; }

    /// <summary>All memberships below a state folder.</summary>
    public static IReadOnlyList<string> FoldersIn(string stateDirectory)
    {
        var parent = Path.Combine(stateDirectory, "memberships");
        return Directory.Exists(parent)
            ?
            [
                .. Directory
                    .EnumerateDirectories(parent)
                    .Where(folder => File.Exists(Path.Combine(folder, CertificateFile)))
                    .Order(StringComparer.Ordinal),
            ]
            : [];
    }

    /// <summary>At the start: deletes what programs left there that were killed while they wrote a file.</summary>
    public static void Sweep(string stateDirectory)
    {
        foreach (var folder in FoldersIn(stateDirectory))
        {
            try
            {
                foreach (var own in Directory.EnumerateDirectories(folder).Prepend(folder))
                {
                    PrivateFiles.Sweep(own);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // One that cannot be looked at is left as it is, and keeps nothing else from starting.
            }
        }
    }

    public static string FolderOf(string stateDirectory, PublicationId publication) =>
        Path.Combine(stateDirectory, "memberships", publication.ToString());

    /// <summary>What is known of a membership without its key.</summary>
    /// <exception cref="LocalMembershipException">The membership is damaged.</exception>
    public static MembershipSummary Look(string folder) =>
        Guarded(
            folder,
            () =>
            {
                var key = Path.Combine(folder, KeyFile);
                return new MembershipSummary(
                    ReadHub(folder),
                    ReadGrant(ReadAuthority(folder), ReadFile(folder, CertificateFile)),
                    File.Exists(key),
                    File.Exists(key) && PassphraseSeal.IsSealed(PrivateFiles.Read(key, MaxFile))
                );
            }
        );

    /// <summary>Forgets a membership: key, certificate and all.</summary>
    /// <exception cref="LocalMembershipException">It cannot be deleted.</exception>
    public static void Forget(string folder) =>
        Guarded(
            folder,
            () =>
            {
                // First, so that what is left when it fails in the middle is no membership.
                File.Delete(Path.Combine(folder, CertificateFile));
                Directory.Delete(folder, recursive: true);
                return true;
            }
        );

    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, CertificateFile));

    /// <summary>Writes a new membership; takes <paramref name="identity"/> over.</summary>
    /// <exception cref="LocalMembershipException">The answer is not good, or it cannot be written.</exception>
    public static LocalMembership Create(
        string folder,
        PublicationId publication,
        MemberIdentity identity,
        MembershipAnswer answer,
        HubAddress hub,
        DateTimeOffset now,
        KeyProtection? protection = null
    ) => Create(folder, publication, identity, answer, hub, now, protection, null);

    /// <summary>Writes the membership that a file grants; its key is replaced when the hub can be asked.</summary>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public static LocalMembership Create(
        string folder,
        OfflineInvitation invitation,
        HubAddress hub,
        DateTimeOffset now,
        KeyProtection? protection = null
    )
    {
        ArgumentNullException.ThrowIfNull(invitation);
        var answer = new MembershipAnswer(
            invitation.Certificate.ToArray(),
            invitation.Authority.Der.ToArray(),
            invitation.PublicationKey.ToArray(),
            invitation.Revocations.IsEmpty ? null : invitation.Revocations.ToArray(),
            invitation.Grant.Member.ToString(),
            RoleNames.Of(invitation.Grant.Role),
            invitation.Grant.NotAfter.ToUnixTimeSeconds()
        );
        var identity = MemberIdentity.Load(invitation.Key.Span);
        var publication = invitation.Authority.Publication;
        return Create(folder, publication, identity, answer, hub, now, protection, invitation.Content);
    }

    private static LocalMembership Create(
        string folder,
        PublicationId publication,
        MemberIdentity identity,
        MembershipAnswer answer,
        HubAddress hub,
        DateTimeOffset now,
        KeyProtection? protection,
        OfflineContent? content
    )
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (
            !AuthorityCertificate.TryRead(answer.Authority, out var authority, out _)
            || authority.Publication != publication
            || answer.PublicationKey.Length != PublicationTag.KeySize
        )
        {
            throw new LocalMembershipException(
                "bad-answer",
                "the hub's answer is not that of the publication's authority"
            );
        }

        var membership = new LocalMembership(folder, authority, identity, protection)
        {
            PublicationKey = answer.PublicationKey,
            Hub = hub,
        };
        membership.Take(answer.Certificate, now, identity);
        return Guarded(
            folder,
            () =>
            {
                membership.WriteAll(answer, content);
                return membership;
            }
        );
    }

    /// <summary>Reads a membership.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="ask">For the passphrase, if its key lies under one; null: nobody can be asked.</param>
    /// <exception cref="LocalMembershipException">It is not there, damaged, or others can read it; or its key is lost.</exception>
    public static LocalMembership Load(string folder, Func<KeyProtection>? ask = null) =>
        Guarded(folder, () => Read(folder, ask));

    /// <summary>Takes the answer to a renewal.</summary>
    /// <param name="answer">Of the hub.</param>
    /// <param name="now">By our clock.</param>
    /// <param name="next">The key that it is for, of <see cref="PrepareNextKey"/>; taken over. Null: the key stays.</param>
    /// <exception cref="LocalMembershipException">It is not good, or cannot be written.</exception>
    public void Renew(MembershipAnswer answer, DateTimeOffset now, MemberIdentity? next = null)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Take(answer.Certificate, now, next ?? Identity);
        Guarded(Folder, () => Write(CertificateFile, answer.Certificate));
        if (next is not null)
        {
            // From here on the certificate is that of the next key; reading finds it under either name.
            Guarded(Folder, FinishKey);
            Identity.Dispose();
            Identity = next;
        }

        if (answer.Revocations is { } list)
        {
            TryTakeRevocations(list, out _);
        }
    }

    /// <summary>Takes a list when it is newer, and remembers it.</summary>
    /// <returns>It was newer.</returns>
    /// <exception cref="LocalMembershipException">It cannot be written.</exception>
    public bool TryTakeRevocations(ReadOnlySpan<byte> encoded, out MembershipFault fault)
    {
        if (
            !RevocationList.TryRead(encoded, Authority, out var list, out fault)
            || !RevocationList.Supersedes(Revocations, list, out fault)
        )
        {
            return false;
        }

        Revocations = list;
        Guarded(Folder, () => Write(RevocationFile, list.Encoded));
        return true;
    }

    public void Dispose() => Identity.Dispose();

    private static HubAddress ReadHub(string folder) =>
        HubAddress.TryParse(Encoding.UTF8.GetString(ReadFile(folder, HubFile)).Trim(), out var hub)
            ? hub
            : throw new CryptographicException("the file 'hub' names no hub");

    private static AuthorityCertificate ReadAuthority(string folder) =>
        AuthorityCertificate.TryRead(ReadFile(folder, AuthorityFile), out var authority, out var fault)
            ? authority
            : throw new CryptographicException($"the authority's certificate is not good ({fault})");

    private static LocalMembership Read(string folder, Func<KeyProtection>? ask)
    {
        var authority = ReadAuthority(folder);
        var certificate = ReadFile(folder, CertificateFile);
        KeyProtection? protection = null;
        var membership = new LocalMembership(
            folder,
            authority,
            FindKey(folder, certificate, ask, ref protection),
            protection
        )
        {
            PublicationKey = ReadFile(folder, PublicationKeyFile),
            Hub = ReadHub(folder),
        };
        membership._protection = protection;
        membership.Certificate = certificate;
        membership.Grant = ReadGrant(authority, certificate);
        if (
            File.Exists(Path.Combine(folder, RevocationFile))
            && RevocationList.TryRead(ReadFile(folder, RevocationFile), authority, out var list, out _)
        )
        {
            membership.Revocations = list;
        }

        return membership;
    }

    private void WriteAll(MembershipAnswer answer, OfflineContent? content)
    {
        CreateFolders(Folder);
        Write(AuthorityFile, Authority.Der);
        Write(PublicationKeyFile, PublicationKey);
        Write(HubFile, Encoding.UTF8.GetBytes($"{Hub}\n"));
        Write(KeyFile, Closed(Identity, _protection));
        File.Delete(Path.Combine(Folder, NextKeyFile));
        if (content is not null)
        {
            Write(ContentFile, content.Write());
            Write(GivenFile, Array.Empty<byte>());
        }
        else
        {
            File.Delete(Path.Combine(Folder, GivenFile));
        }

        // Last: a folder with a certificate has everything.
        Write(CertificateFile, answer.Certificate);
        foreach (var used in Directory.EnumerateFiles(Folder, "joining-*.key"))
        {
            File.Delete(used);
        }

        if (answer.Revocations is { } list)
        {
            TryTakeRevocations(list, out _);
        }
    }

    private void Take(ReadOnlyMemory<byte> certificate, DateTimeOffset now, MemberIdentity identity)
    {
        var verdict = new MembershipVerifier(Authority).Verify(certificate.Span, Revocations, now);
        if (!verdict.IsOk || !verdict.PublicKey.Span.SequenceEqual(identity.PublicKey.Span))
        {
            throw new LocalMembershipException(
                "bad-answer",
                verdict.Fault is MembershipFault.Expired or MembershipFault.NotYetValid
                    ? "the certificate that the hub issued is not valid by this machine's clock: does it go right?"
                    : $"the certificate that the hub issued is not good ({verdict.Fault})"
            );
        }

        Certificate = certificate;
        Grant = verdict.Grant;
    }

    // An expired certificate still says who we were, and until when.
    private static MemberGrant ReadGrant(AuthorityCertificate authority, ReadOnlySpan<byte> certificate)
    {
        using var read = X509CertificateLoader.LoadCertificate(certificate);
        var verdict = new MembershipVerifier(authority).Verify(certificate, null, read.NotAfter.ToUniversalTime());
        return verdict.IsOk
            ? verdict.Grant
            : throw new CryptographicException($"our certificate is not good ({verdict.Fault})");
    }

    private static void CreateFolders(string folder)
    {
        var memberships = Path.GetDirectoryName(folder)!;
        PrivateFiles.CreateFolder(Path.GetDirectoryName(memberships)!);
        PrivateFiles.CreateFolder(memberships);
        PrivateFiles.CreateFolder(folder);
    }

    private bool Write(string name, ReadOnlyMemory<byte> content)
    {
        PrivateFiles.Write(Path.Combine(Folder, name), content.Span);
        return true;
    }

    private static byte[] ReadFile(string folder, string name) =>
        PrivateFiles.Read(Path.Combine(folder, name), MaxFile);

    private static T Guarded<T>(string folder, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new LocalMembershipException("membership-unusable", $"{folder}: {exception.Message}", exception);
        }
    }
}
