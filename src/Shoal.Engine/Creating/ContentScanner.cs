using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>One file or symlink found on disk.</summary>
internal sealed record ScannedFile
{
    public required string DiskPath { get; init; }

    /// <summary>Below the scanned folder; the file's name alone if it was scanned itself.</summary>
    public required IReadOnlyList<string> Path { get; init; }
    public required long Size { get; init; }
    public required DateTime Modified { get; init; }
    public bool IsExecutable { get; init; }
    public bool IsHidden { get; init; }

    /// <summary>Where a symlink leads, below the scanned folder.</summary>
    public IReadOnlyList<string>? Target { get; init; }

    /// <summary>Whether the file on disk is no longer what was scanned.</summary>
    public bool HasChanged()
    {
        var now = new FileInfo(DiskPath);
        return !now.Exists || now.Length != Size || now.LastWriteTimeUtc != Modified;
    }
}

/// <summary>Finds what a torrent of a file or folder will hold, in the torrent's order.</summary>
internal static class ContentScanner
{
    /// <param name="path">A file or folder.</param>
    /// <param name="excluded">A file to leave out: the torrent that is being written; null: none.</param>
    /// <param name="cancellationToken">Stops the scan.</param>
    /// <exception cref="TorrentCreationException">Something in it cannot be shared.</exception>
    public static List<ScannedFile> Scan(string path, string? excluded, CancellationToken cancellationToken)
    {
        var root = new FileInfo(path);
        if (root.Exists)
        {
            return [Describe(root, [root.Name])];
        }

        var folder = new DirectoryInfo(path);
        if (!folder.Exists)
        {
            throw new TorrentCreationException($"'{path}' does not exist");
        }

        var files = new List<ScannedFile>();
        var pending = new Stack<(DirectoryInfo Folder, string[] Path)>();
        pending.Push((folder, []));
        while (pending.TryPop(out var next))
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var entry in List(next.Folder))
            {
                if (!entry.Exists && entry.LinkTarget is null && entry.Name.Contains('\uFFFD'))
                {
                    // What is not UTF-8 was replaced when the name was read, and leads nowhere now.
                    throw new TorrentCreationException(
                        $"'{entry.FullName}' has a name that is not UTF-8, as names in torrents must be: rename it"
                    );
                }

                string[] entryPath = [.. next.Path, entry.Name];
                if (entry.LinkTarget is not null)
                {
                    files.Add(DescribeLink(entry, entryPath, folder.FullName));
                }
                else if (entry is DirectoryInfo inner)
                {
                    pending.Push((inner, entryPath));
                }
                else if (entry.FullName != excluded)
                {
                    files.Add(Describe((FileInfo)entry, entryPath));
                }
            }
        }

        files.Sort((x, y) => MetainfoWriter.PathOrder.Compare(x.Path, y.Path));
        return files;
    }

    private static FileSystemInfo[] List(DirectoryInfo folder)
    {
        try
        {
            return folder.GetFileSystemInfos();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TorrentCreationException($"'{folder.FullName}' cannot be read: {exception.Message}", exception);
        }
    }

    private static ScannedFile Describe(FileInfo file, string[] path)
    {
        if (SpecialFiles.IsAt(file.FullName))
        {
            throw new TorrentCreationException($"'{file.FullName}' is a pipe, a socket or a device, not a file");
        }

        try
        {
            return new ScannedFile
            {
                DiskPath = file.FullName,
                Path = path,
                Size = file.Length,
                Modified = file.LastWriteTimeUtc,
                IsExecutable = !OperatingSystem.IsWindows() && file.UnixFileMode.HasFlag(UnixFileMode.UserExecute),
                // Elsewhere a dot in front says the same, and the name travels anyway.
                IsHidden = OperatingSystem.IsWindows() && file.Attributes.HasFlag(FileAttributes.Hidden),
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TorrentCreationException($"'{file.FullName}' cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>BEP 47: a symlink "must not contain .. elements. It should also target another file within the torrent".</summary>
    private static ScannedFile DescribeLink(FileSystemInfo link, string[] path, string root)
    {
        var target = Path.GetFullPath(link.LinkTarget!, Path.GetDirectoryName(link.FullName)!);
        var relative = Path.GetRelativePath(root, target);
        if (
            relative is "." or ".."
            || relative.StartsWith(".." + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            || Path.IsPathRooted(relative)
        )
        {
            throw new TorrentCreationException($"the symbolic link '{link.FullName}' leads out of the folder");
        }

        if (!Path.Exists(target))
        {
            throw new TorrentCreationException($"the symbolic link '{link.FullName}' leads nowhere");
        }

        return new ScannedFile
        {
            DiskPath = link.FullName,
            Path = path,
            Size = 0,
            Modified = default,
            Target = relative.Split(Path.DirectorySeparatorChar),
        };
    }
}
