using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// One membership as it lies on this machine: a folder that only its owner can read, with the key, its certificate, the
/// authority's, the publication's key, the newest revocation list and where the hub is. docs/formats/hub.md
/// describes the files. One caller at a time; several processes may read.
/// </summary>
public sealed class LocalMembership : IDisposable
{
    private const string KeyFile = "member.key";
    private const string CertificateFile = "member.cer";
    private const string AuthorityFile = "authority.cer";
    private const string PublicationKeyFile = "publication.key";
    private const string RevocationFile = "revocations";
    private const string HubFile = "hub";

    private static readonly int MaxFile = MembershipLimits.Default.MaxListLength;

    private LocalMembership(string folder, AuthorityCertificate authority, MemberIdentity identity) =>
        (Folder, Authority, Identity) = (folder, authority, identity);

    public string Folder { get; }

    public AuthorityCertificate Authority { get; }

    public PublicationId Publication => Authority.Publication;

    public MemberIdentity Identity { get; }

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

    public static string FolderOf(string stateDirectory, PublicationId publication) =>
        Path.Combine(stateDirectory, "memberships", publication.ToString());

    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, CertificateFile));

    /// <summary>
    /// The key to join with: made once, and the same again after a failure, so that a request that came twice is one use of
    /// the invitation.
    /// </summary>
    /// <exception cref="LocalMembershipException">It cannot be read or written.</exception>
    public static MemberIdentity PrepareKey(string folder, InvitationId invitation) =>
        Guarded(
            folder,
            () =>
            {
                CreateFolders(folder);
                var file = Path.Combine(folder, $"joining-{invitation}.key");
                if (File.Exists(file))
                {
                    return MemberIdentity.Load(PrivateFiles.Read(file, MaxFile));
                }

                var identity = MemberIdentity.Create();
                PrivateFiles.Write(file, identity.Export());
                return identity;
            }
        );

    /// <summary>Writes a new membership; takes <paramref name="identity"/> over.</summary>
    /// <exception cref="LocalMembershipException">The answer is not good, or it cannot be written.</exception>
    public static LocalMembership Create(
        string folder,
        PublicationId publication,
        MemberIdentity identity,
        MembershipAnswer answer,
        HubAddress hub,
        DateTimeOffset now
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

        var membership = new LocalMembership(folder, authority, identity)
        {
            PublicationKey = answer.PublicationKey,
            Hub = hub,
        };
        membership.Take(answer.Certificate, now);
        return Guarded(
            folder,
            () =>
            {
                membership.WriteAll(answer);
                return membership;
            }
        );
    }

    /// <summary>Reads a membership.</summary>
    /// <exception cref="LocalMembershipException">It is not there, damaged, or others can read it.</exception>
    public static LocalMembership Load(string folder) => Guarded(folder, () => Read(folder));

    /// <summary>Takes the answer to a renewal.</summary>
    /// <exception cref="LocalMembershipException">It is not good, or cannot be written.</exception>
    public void Renew(MembershipAnswer answer, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(answer);
        Take(answer.Certificate, now);
        Guarded(Folder, () => Write(CertificateFile, answer.Certificate));
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

    private static LocalMembership Read(string folder)
    {
        if (!AuthorityCertificate.TryRead(ReadFile(folder, AuthorityFile), out var authority, out var fault))
        {
            throw new CryptographicException($"the authority's certificate is not good ({fault})");
        }

        if (!HubAddress.TryParse(Encoding.UTF8.GetString(ReadFile(folder, HubFile)).Trim(), out var hub))
        {
            throw new CryptographicException("the file 'hub' names no hub");
        }

        var membership = new LocalMembership(folder, authority, MemberIdentity.Load(ReadFile(folder, KeyFile)))
        {
            PublicationKey = ReadFile(folder, PublicationKeyFile),
            Hub = hub,
        };
        var certificate = ReadFile(folder, CertificateFile);
        membership.Certificate = certificate;
        membership.Grant = membership.ReadGrant(certificate);
        if (
            File.Exists(Path.Combine(folder, RevocationFile))
            && RevocationList.TryRead(ReadFile(folder, RevocationFile), authority, out var list, out _)
        )
        {
            membership.Revocations = list;
        }

        return membership;
    }

    private void WriteAll(MembershipAnswer answer)
    {
        CreateFolders(Folder);
        Write(AuthorityFile, Authority.Der);
        Write(PublicationKeyFile, PublicationKey);
        Write(HubFile, Encoding.UTF8.GetBytes($"{Hub}\n"));
        Write(KeyFile, Identity.Export());
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

    private void Take(ReadOnlyMemory<byte> certificate, DateTimeOffset now)
    {
        var verdict = new MembershipVerifier(Authority).Verify(certificate.Span, Revocations, now);
        if (!verdict.IsOk || !verdict.PublicKey.Span.SequenceEqual(Identity.PublicKey.Span))
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
    private MemberGrant ReadGrant(ReadOnlySpan<byte> certificate)
    {
        using var read = X509CertificateLoader.LoadCertificate(certificate);
        var verdict = new MembershipVerifier(Authority).Verify(certificate, null, read.NotAfter.ToUniversalTime());
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
