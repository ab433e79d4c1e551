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

    /// <summary>Most bytes of piece layers that are read: of 2,097,152 pieces, the most a peer may announce.</summary>
    private const int MaxLayersLength = 2_097_152 * Sha256Digest.Size;

    /// <param name="hashes">Those by which it will be looked for: the magnet link's.</param>
    /// <exception cref="StorageException">It was not saved.</exception>
    public static void Save(IFileSystem files, string stateDirectory, InfoHashes hashes, ReadOnlySpan<byte> info) =>
        Write(files, PathOf(stateDirectory, hashes), info);

    private static void Write(IFileSystem files, string path, ReadOnlySpan<byte> bytes)
    {
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
                file.Write(bytes, 0);
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
        var info = Read(files, PathOf(stateDirectory, hashes), MaxLength);
        return
            info is not null
            && (hashes.V1 is not { } v1 || new Sha1Digest(SHA1.HashData(info)) == v1)
            && (hashes.V2 is not { } v2 || new Sha256Digest(SHA256.HashData(info)) == v2)
            ? info
            : null;
    }

    /// <summary>
    /// Saves the piece layers of a v2 torrent beside it (INFOHASH.layers): 32 bytes a piece. False if it failed.
    /// </summary>
    /// <param name="hashes">All of the torrent's.</param>
    public static bool TrySaveLayers(IFileSystem files, string stateDirectory, InfoHashes hashes, byte[] layers)
    {
        try
        {
            Write(files, LayersPathOf(stateDirectory, hashes), layers);
            return true;
        }
        catch (StorageException)
        {
            return false;
        }
    }

    /// <summary>What was saved, not proven: who uses it compares it with the roots. Null if there is nothing.</summary>
    public static byte[]? TryLoadLayers(IFileSystem files, string stateDirectory, InfoHashes hashes) =>
        Read(files, LayersPathOf(stateDirectory, hashes), MaxLayersLength);

    public static void DeleteLayers(IFileSystem files, string stateDirectory, InfoHashes hashes) =>
        files.Delete(LayersPathOf(stateDirectory, hashes));

    private static byte[]? Read(IFileSystem files, string path, int maxLength)
    {
        try
        {
            if (files.StampOf(path) is not { Size: > 0 } stamp || stamp.Size > maxLength)
            {
                return null;
            }

            var bytes = new byte[stamp.Size];
            using var file = files.Open(path, writable: false, create: false);
            return file.Read(bytes, 0) == bytes.Length ? bytes : null;
        }
        catch (Exception e) when (StorageException.IsExpected(e))
        {
            return null;
        }
    }

    private static string LayersPathOf(string stateDirectory, InfoHashes hashes) =>
        Path.ChangeExtension(PathOf(stateDirectory, hashes), ".layers");

    public static void Delete(IFileSystem files, string stateDirectory, InfoHashes hashes) =>
        files.Delete(PathOf(stateDirectory, hashes));

    private static string PathOf(string stateDirectory, InfoHashes hashes) =>
        Path.Combine(Path.GetFullPath(stateDirectory), $"{hashes.Primary}.info");
}
