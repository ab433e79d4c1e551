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

    private HubKeys(PublicationAuthority authority, byte[] publicationKey, bool isNew) =>
        (Authority, PublicationKey, IsNew) = (authority, publicationKey, isNew);

    public PublicationAuthority Authority { get; }

    /// <summary>What members call each other with; every member has it.</summary>
    public ReadOnlyMemory<byte> PublicationKey { get; }

    /// <summary>They were made just now.</summary>
    public bool IsNew { get; }

    /// <summary>Reads the keys; makes them when none of them is there.</summary>
    /// <exception cref="HubStoreException">They cannot be read or written, or one of them is missing.</exception>
    public static HubKeys LoadOrCreate(string folder, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            PrivateFiles.CreateFolder(folder);
            string[] files = [KeyFile, CertificateFile, PublicationKeyFile];
            var missing = files.Where(file => !File.Exists(Path.Combine(folder, file))).ToList();
            return missing.Count == files.Length ? Create(folder, now)
                : missing.Count == 0 ? Load(folder)
                : throw new HubStoreException($"{Path.Combine(folder, missing[0])} is missing beside the other keys");
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new HubStoreException($"{folder}: {exception.Message}", exception);
        }
    }

    public void Dispose() => Authority.Dispose();

    private static HubKeys Create(string folder, DateTimeOffset now)
    {
        var authority = PublicationAuthority.Create(now);
        var publicationKey = RandomNumberGenerator.GetBytes(PublicationTag.KeySize);
        // The certificate comes last but one, the key last: a folder with a key has everything.
        PrivateFiles.Write(Path.Combine(folder, PublicationKeyFile), publicationKey);
        PrivateFiles.Write(Path.Combine(folder, CertificateFile), authority.Certificate.Der.Span);
        PrivateFiles.Write(Path.Combine(folder, KeyFile), authority.Export());
        return new HubKeys(authority, publicationKey, true);
    }

    private static HubKeys Load(string folder)
    {
        var publicationKey = PrivateFiles.Read(Path.Combine(folder, PublicationKeyFile), PublicationTag.KeySize);
        if (publicationKey.Length != PublicationTag.KeySize)
        {
            throw new HubStoreException($"{Path.Combine(folder, PublicationKeyFile)} is no key");
        }

        var limit = MembershipLimits.Default.MaxCertificateLength;
        var certificate = PrivateFiles.Read(Path.Combine(folder, CertificateFile), limit);
        var key = PrivateFiles.Read(Path.Combine(folder, KeyFile), limit);
        return new HubKeys(PublicationAuthority.Load(key, certificate), publicationKey, false);
    }
}
