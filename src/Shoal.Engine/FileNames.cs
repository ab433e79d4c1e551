using System.Text;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Names that the user gives to files of a torrent, instead of those that its author gave.</summary>
public static class FileNames
{
    /// <summary>Where a file lies below the folder of the content.</summary>
    /// <param name="renamed">As <see cref="Torrent.RenamedFiles"/> has them.</param>
    public static string PathOf(Metainfo metainfo, IReadOnlyDictionary<int, string> renamed, int file)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(renamed);
        return renamed.TryGetValue(file, out var path) ? path : metainfo.Files[file].Path;
    }

    /// <summary>The one file, or the folder that all files lie in, below the folder of the content; null: there is no such folder.</summary>
    /// <param name="renamed">As <see cref="Torrent.RenamedFiles"/> has them.</param>
    public static string? TopOf(Metainfo metainfo, IReadOnlyDictionary<int, string> renamed)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(renamed);
        if (renamed.Count == 0)
        {
            return metainfo.Name;
        }

        List<string> paths =
        [
            .. Enumerable
                .Range(0, metainfo.Files.Count)
                .Where(file => !metainfo.Files[file].IsPad)
                .Select(file => PathOf(metainfo, renamed, file)),
        ];
        if (paths is not [var first, ..] || paths.Count == 1)
        {
            return paths.FirstOrDefault() ?? metainfo.Name;
        }

        var top = first.Split('/')[0] + "/";
        return paths.TrueForAll(path => path.StartsWith(top, StringComparison.Ordinal)) ? top[..^1] : null;
    }

    /// <summary>Why files cannot have these names; null: they can. What stands on the disk is not looked at.</summary>
    /// <param name="renamed">What other names there are already.</param>
    /// <param name="changes">The wish: paths below the folder of the content, with '/' between elements.</param>
    public static string? FaultOf(
        Metainfo metainfo,
        IReadOnlyDictionary<int, string> renamed,
        IReadOnlyDictionary<int, string> changes
    )
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        ArgumentNullException.ThrowIfNull(changes);
        foreach (var (file, path) in changes)
        {
            if ((uint)file >= (uint)metainfo.Files.Count || metainfo.Files[file].IsPad)
            {
                return $"there is no file {file}";
            }

            if (!IsSafe(path))
            {
                return $"'{Shorten(path)}' is not a path below the folder of the content";
            }
        }

        var taken = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < metainfo.Files.Count; i++)
        {
            var path = changes.TryGetValue(i, out var wish) ? wish : PathOf(metainfo, renamed, i);
            if (!metainfo.Files[i].IsPad && !taken.Add(path))
            {
                return $"two files would be '{Shorten(path)}'";
            }
        }

        foreach (var path in changes.Values)
        {
            for (var at = path.LastIndexOf('/'); at > 0; at = path.LastIndexOf('/', at - 1))
            {
                if (taken.Contains(path[..at]))
                {
                    return $"'{Shorten(path[..at])}' is a file, so it cannot be a folder";
                }
            }
        }

        // A file in the place of a folder that others lie in.
        var wished = changes.Values.ToHashSet(StringComparer.Ordinal);
        foreach (var path in taken)
        {
            for (var at = path.LastIndexOf('/'); at > 0; at = path.LastIndexOf('/', at - 1))
            {
                if (wished.Contains(path[..at]))
                {
                    return $"'{Shorten(path[..at])}' is a folder, so it cannot be a file";
                }
            }
        }

        return null;
    }

    /// <summary>Whether it is a path below the folder of the content, by the rules for names that come from the network.</summary>
    public static bool IsSafe(string path) =>
        ResumeImage.IsSafePath(path)
        && path.Split('/')
            .All(element =>
                PathSanitizer.SanitizeOrNull(Encoding.UTF8.GetBytes(element), PathSanitizer.PlatformRules) == element
            );

    private static string Shorten(string path) => path.Length > 100 ? path[..100] + "..." : path;
}
