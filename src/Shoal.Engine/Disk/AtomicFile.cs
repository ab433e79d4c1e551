using Shoal.Files;

namespace Shoal.Engine;

/// <summary>Replaces a file so that after a crash at any moment the old or the new content is there, whole.</summary>
public static class AtomicFile
{
    /// <param name="path">Becomes readable by its owner only.</param>
    /// <param name="bytes">All of it.</param>
    /// <exception cref="IOException">The old content is there, or the disk failed after the new one was.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        PrivateFiles.Write(path, bytes);
        new LocalFileSystem().SyncDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>The same for several files of one folder, whose names are made durable together.</summary>
    /// <param name="folder">Full path.</param>
    /// <param name="files">Name and content of each.</param>
    /// <exception cref="IOException">Some may be there and others not.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void WriteAll(string folder, IEnumerable<(string Name, byte[] Bytes)> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        foreach (var (name, bytes) in files)
        {
            PrivateFiles.Write(Path.Combine(folder, name), bytes);
        }

        new LocalFileSystem().SyncDirectory(folder);
    }
}
