using System.Security.Cryptography;
using Shoal.Files;
using Shoal.Membership;

namespace Shoal.Hub;

/// <summary>
/// The keys of a publication, in files that only their owner can read: whoever has them decides who is a member. Copies of
/// the folder's keys make a second hub of the same publication.
/// </summary>
public sealed class HubKeys : IDisposable
{
    private const string KeyFile = "authority.key";
    private const string CertificateFile = "authority.cer";
    private const string PublicationKeyFile = "publication.key";
    private const int MaxKeyFile = 4096;

    private HubKeys(PublicationAuthority authority, byte[] publicationKey, bool isNew) =>
        (Authority, PublicationKey, IsNew) = (authority, publicationKey, isNew);

    public PublicationAuthority Authority { get; }

    /// <summary>What members call each other with; every member has it.</summary>
    public ReadOnlyMemory<byte> PublicationKey { get; }

    /// <summary>They were made just now.</summary>
    public bool IsNew { get; }

    /// <summary>Whether the authority's key lies under a passphrase.</summary>
    public static bool IsProtected(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var file = Path.Combine(folder, KeyFile);
        return Guarded(folder, () => File.Exists(file) && PassphraseSeal.IsSealed(PrivateFiles.Read(file, MaxKeyFile)));
    }

    /// <summary>Reads the keys; makes them when none of them is there.</summary>
    /// <param name="folder">Where they lie.</param>
    /// <param name="now">When they are made.</param>
    /// <param name="protection">What the authority's key lies under, and from now on if it did not; null: nothing.</param>
    /// <exception cref="HubStoreException">They cannot be read, opened or written, or one of them is missing.</exception>
    public static HubKeys LoadOrCreate(string folder, DateTimeOffset now, KeyProtection? protection = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        return Guarded(
            folder,
            () =>
            {
                PrivateFiles.CreateFolder(folder);
                PrivateFiles.Sweep(folder);
                string[] files = [KeyFile, CertificateFile, PublicationKeyFile];
                var missing = files.Where(file => !File.Exists(Path.Combine(folder, file))).ToList();
                return missing.Count == files.Length ? Create(folder, now, protection)
                    : missing.Count == 0 ? Load(folder, protection)
                    : throw new HubStoreException(
                        $"{Path.Combine(folder, missing[0])} is missing beside the other keys"
                    );
            }
        );
    }

    public void Dispose() => Authority.Dispose();

    private static T Guarded<T>(string folder, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (LocalMembershipException exception)
        {
            throw new HubStoreException(exception.Message, exception);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new HubStoreException($"{folder}: {exception.Message}", exception);
        }
    }

    private static HubKeys Create(string folder, DateTimeOffset now, KeyProtection? protection)
    {
        var authority = PublicationAuthority.Create(now);
        var publicationKey = RandomNumberGenerator.GetBytes(PublicationTag.KeySize);
        // The certificate comes last but one, the key last: a folder with a key has everything.
        PrivateFiles.Write(Path.Combine(folder, PublicationKeyFile), publicationKey);
        PrivateFiles.Write(Path.Combine(folder, CertificateFile), authority.Certificate.Der.Span);
        var key = authority.Export();
        PrivateFiles.Write(Path.Combine(folder, KeyFile), protection?.Close(key) ?? key);
        return new HubKeys(authority, publicationKey, true);
    }

    private static HubKeys Load(string folder, KeyProtection? protection)
    {
        var publicationKey = PrivateFiles.Read(Path.Combine(folder, PublicationKeyFile), PublicationTag.KeySize);
        if (publicationKey.Length != PublicationTag.KeySize)
        {
            throw new HubStoreException($"{Path.Combine(folder, PublicationKeyFile)} is no key");
        }

        var limit = MembershipLimits.Default.MaxCertificateLength;
        var certificate = PrivateFiles.Read(Path.Combine(folder, CertificateFile), limit);
        var file = Path.Combine(folder, KeyFile);
        var key = PrivateFiles.Read(file, MaxKeyFile);
        if (PassphraseSeal.IsSealed(key))
        {
            key =
                protection?.Open(key, file)
                ?? throw new HubStoreException($"{file} lies under a passphrase: --passphrase-file FILE");
        }
        else if (protection is not null)
        {
            PrivateFiles.Write(file, protection.Close(key));
        }

        return new HubKeys(PublicationAuthority.Load(key, certificate), publicationKey, false);
    }
}
