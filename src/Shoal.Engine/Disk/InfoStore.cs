using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Info dictionaries that came from peers, one file each in the state directory (INFOHASH.info, the bytes as they
/// are), so that a magnet link needs them only once. Its hash proves a file; one that does not fit is ignored.
/// </summary>
internal static class InfoStore
{
    /// <summary>Largest dictionary that is read, in bytes: more than metadata exchange accepts.</summary>
    private const int MaxLength = 32 * 1024 * 1024;

    /// <param name="hashes">Those by which it will be looked for: the magnet link's.</param>
    /// <exception cref="StorageException">It was not saved.</exception>
    public static void Save(IFileSystem files, string stateDirectory, InfoHashes hashes, ReadOnlySpan<byte> info)
    {
        var path = PathOf(stateDirectory, hashes);
        var folder = Path.GetDirectoryName(path)!;
        try
        {
            if (files.KindOf(folder) == PathKind.Missing)
            {
                files.CreateDirectory(folder);
            }

            files.Delete(path + ".new");
            using (var file = files.Open(path + ".new", writable: true, create: true))
            {
                file.Write(info, 0);
                file.Sync();
            }

            files.TryMove(path + ".new", path);
            files.SyncDirectory(folder);
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            throw StorageException.From(e, "cannot write", path);
        }
    }

    /// <summary>As <see cref="Save"/>; false if it could not be saved.</summary>
    public static bool TrySave(IFileSystem files, string stateDirectory, InfoHashes hashes, ReadOnlySpan<byte> info)
    {
        try
        {
            Save(files, stateDirectory, hashes, info);
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
    }

    /// <summary>The dictionary, proven by every hash that is known; null if there is none.</summary>
    public static byte[]? TryLoad(IFileSystem files, string stateDirectory, InfoHashes hashes)
    {
        var path = PathOf(stateDirectory, hashes);
        try
        {
            if (files.StampOf(path) is not { Size: > 0 and <= MaxLength } stamp)
            {
                return null;
            }

            var info = new byte[stamp.Size];
            using var file = files.Open(path, writable: false, create: false);
            if (file.Read(info, 0) < info.Length)
            {
                return null;
            }

            var isProven =
                (hashes.V1 is not { } v1 || new Sha1Digest(SHA1.HashData(info)) == v1)
                && (hashes.V2 is not { } v2 || new Sha256Digest(SHA256.HashData(info)) == v2);
            return isProven ? info : null;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return null;
        }
    }

    public static void Delete(IFileSystem files, string stateDirectory, InfoHashes hashes) =>
        files.Delete(PathOf(stateDirectory, hashes));

    private static string PathOf(string stateDirectory, InfoHashes hashes) =>
        Path.Combine(Path.GetFullPath(stateDirectory), $"{hashes.Primary}.info");
}
