using System.Diagnostics.CodeAnalysis;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>
/// Renaming as other programs' protocols ask for it: by the path of a file or folder, where ours goes by the numbers of files.
/// Whether the new names are good for the disk is for <see cref="TorrentLibrary"/> to say.
/// </summary>
internal static class PathRenames
{
    /// <param name="names">What files are called, with '/' between elements.</param>
    /// <param name="from">Of one of them.</param>
    /// <param name="to">Another path, which may be in another folder.</param>
    /// <param name="renames">What is to be done; nothing where both are the same.</param>
    /// <param name="fault">Why it cannot be.</param>
    public static bool TryFile(
        IReadOnlyList<(int Index, string Path)> names,
        string from,
        string to,
        [NotNullWhen(true)] out IReadOnlyList<FileRename>? renames,
        [NotNullWhen(false)] out string? fault
    )
    {
        renames = null;
        fault = null;
        var found = names.Where(name => name.Path == from).Select(name => (int?)name.Index).FirstOrDefault();
        if (found is not { } index)
        {
            fault = $"No such file: '{Shorten(from)}'.";
            return false;
        }

        if (names.Any(name => name.Index != index && name.Path == to))
        {
            fault = $"The file already exists: '{Shorten(to)}'.";
            return false;
        }

        renames = from == to ? [] : [new FileRename(index, to)];
        return true;
    }

    /// <summary>The same with all files in a folder. Two folders do not become one.</summary>
    public static bool TryFolder(
        IReadOnlyList<(int Index, string Path)> names,
        string from,
        string to,
        [NotNullWhen(true)] out IReadOnlyList<FileRename>? renames,
        [NotNullWhen(false)] out string? fault
    )
    {
        renames = null;
        fault = null;
        (from, to) = (from.Trim('/'), to.Trim('/'));
        var inside = names.Where(name => IsIn(name.Path, from)).ToList();
        if (inside.Count == 0)
        {
            fault = $"No such folder: '{Shorten(from)}'.";
            return false;
        }

        if (to.Length == 0)
        {
            fault = "The new path is invalid: ''.";
            return false;
        }

        if (names.Any(name => !IsIn(name.Path, from) && IsIn(name.Path, to)))
        {
            fault = $"The folder already exists: '{Shorten(to)}'.";
            return false;
        }

        renames =
            from == to ? [] : [.. inside.Select(name => new FileRename(name.Index, to + name.Path[from.Length..]))];
        return true;
    }

    /// <summary>A file or folder gets another name where it is: by a name alone.</summary>
    public static bool TryName(
        IReadOnlyList<(int Index, string Path)> names,
        string path,
        string name,
        [NotNullWhen(true)] out IReadOnlyList<FileRename>? renames,
        [NotNullWhen(false)] out string? fault
    )
    {
        renames = null;
        if (name is "" or "." or ".." || name.Contains('/', StringComparison.Ordinal))
        {
            fault = $"Name is not valid: '{Shorten(name)}'.";
            return false;
        }

        path = path.Trim('/');
        var to = Beside(path, name);
        return names.Any(file => file.Path == path)
            ? TryFile(names, path, to, out renames, out fault)
            : TryFolder(names, path, to, out renames, out fault);
    }

    /// <summary>A name in the folder of a path.</summary>
    public static string Beside(string path, string name) => path[..(path.LastIndexOf('/') + 1)] + name;

    private static bool IsIn(string path, string folder) =>
        path.Length > folder.Length
        && path[folder.Length] == '/'
        && path.StartsWith(folder, StringComparison.Ordinal)
        && folder.Length > 0;

    private static string Shorten(string path) => path.Length > 100 ? path[..100] + "..." : path;
}
