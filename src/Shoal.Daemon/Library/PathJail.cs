namespace Shoal.Daemon;

/// <summary>
/// Folders that callers may name. Links are followed before the comparison, so that a link inside an allowed folder does not
/// lead out of it.
/// </summary>
internal static class PathJail
{
    private const int MaxLength = 4096;

    /// <summary>The folder, made canonical.</summary>
    /// <param name="path">What the caller named.</param>
    /// <param name="roots">Where it must lie; null: anywhere.</param>
    /// <exception cref="ApiException">It is no full path, or lies elsewhere.</exception>
    public static string Check(string path, IReadOnlyList<string>? roots, string key = "saveDirectory")
    {
        if (path.Length > MaxLength || path.Any(char.IsControl) || !Path.IsPathFullyQualified(path))
        {
            throw ApiException.Bad(key, $"{key}: '{Shorten(path)}' is not a full path");
        }

        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (roots is not null)
        {
            var real = Real(full);
            if (!roots.Any(root => IsWithin(real, Real(Path.GetFullPath(root)))))
            {
                throw new ApiException(
                    403,
                    "path-not-allowed",
                    $"{key}: '{Shorten(path)}' is not below the download folder or one of folders.allowed"
                )
                {
                    Key = key,
                };
            }
        }

        return full;
    }

    private static bool IsWithin(string path, string root)
    {
        root = Path.TrimEndingDirectorySeparator(root);
        return path == root
            || (
                path.StartsWith(root, StringComparison.Ordinal)
                && (root.EndsWith(Path.DirectorySeparatorChar) || path[root.Length] == Path.DirectorySeparatorChar)
            );
    }

    /// <summary>The path with every link on the way replaced by what it leads to; what is not there yet stays as it is.</summary>
    private static string Real(string path)
    {
        var real = Path.GetPathRoot(path)!;
        var links = 0;
        var rest = new Stack<string>(Elements(path[real.Length..]).Reverse());
        while (rest.TryPop(out var element))
        {
            if (element == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            var next = Path.Combine(real, element);
            if (LinkTarget(next) is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > 40)
            {
                throw ApiException.Bad("saveDirectory", $"'{Shorten(path)}' has links that go in circles");
            }

            if (Path.IsPathFullyQualified(target))
            {
                real = Path.GetPathRoot(target)!;
                target = target[real.Length..];
            }

            foreach (var part in Elements(target).Reverse())
            {
                rest.Push(part);
            }
        }

        return Path.TrimEndingDirectorySeparator(real);
    }

    private static IEnumerable<string> Elements(string path) =>
        path.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Where(element => element != ".");

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Shorten(string text) => text.Length > 200 ? text[..200] + "..." : text;
}
