using System.Runtime.InteropServices;
using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// Gives files that would overwrite each other names of their own. Names are the same if they are on any
/// platform: whatever their case and Unicode composition. Folders keep their names, the first file does, and
/// each further one gets a number before its extension, so two runs come to the same names.
/// </summary>
internal static class DuplicateNames
{
    /// <summary>False: more than <paramref name="maxDuplicates"/> files have one name.</summary>
    public static bool Resolve(List<FileDraft> drafts, int maxDuplicates)
    {
        // A folder is a number, and a name is the folder it stands in and its folded form: so no path is spelled
        // out for every folder on the way.
        var folders = new Dictionary<(int Folder, string Name), int>();
        var parents = new int[drafts.Count];
        string? lastFolder = null;
        var last = 0;
        for (var i = 0; i < drafts.Count; i++)
        {
            // Pad files are never written, so they collide with nothing.
            if (drafts[i].IsPad)
            {
                continue;
            }

            var path = drafts[i].Path;
            var slash = path.LastIndexOf('/');
            var folder = slash < 0 ? "" : path[..slash];
            if (folder != lastFolder)
            {
                last = AddFolders(folders, folder);
                lastFolder = folder;
            }

            parents[i] = last;
        }

        var taken = new HashSet<(int Folder, string Name)>(drafts.Count);
        var numbers = new Dictionary<(int Folder, string Name), int>();
        for (var i = 0; i < drafts.Count; i++)
        {
            if (drafts[i].IsPad)
            {
                continue;
            }

            var path = drafts[i].Path;
            var name = path[(path.LastIndexOf('/') + 1)..];
            var key = (parents[i], Fold(name));
            if (!folders.ContainsKey(key) && taken.Add(key))
            {
                continue;
            }

            ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, key, out _);
            string renamed;
            do
            {
                if (++number > maxDuplicates)
                {
                    return false;
                }

                renamed = WithNumber(name, number);
                key = (parents[i], Fold(renamed));
            } while (folders.ContainsKey(key) || !taken.Add(key));

            drafts[i].Path = path[..^name.Length] + renamed;
        }

        return true;
    }

    private static int AddFolders(Dictionary<(int Folder, string Name), int> folders, string path)
    {
        var folder = 0;
        if (path.Length == 0)
        {
            return folder;
        }

        foreach (var range in path.AsSpan().Split('/'))
        {
            ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(
                folders,
                (folder, Fold(path[range])),
                out var exists
            );
            if (!exists)
            {
                number = folders.Count;
            }

            folder = number;
        }

        return folder;
    }

    private static string WithNumber(string name, int number)
    {
        var dot = name.LastIndexOf('.');
        var suffix = $".{number}";
        var extension = dot > 0 ? name[dot..] : "";
        var stem = name[..^extension.Length];
        var room = Encoding.UTF8.GetByteCount(suffix) + Encoding.UTF8.GetByteCount(extension);
        return room >= PathSanitizer.MaxElementBytes / 2
            ? PathSanitizer.Shorten(name, suffix.Length) + suffix
            : PathSanitizer.Shorten(stem, room) + suffix + extension;
    }

    /// <summary>A form that is equal for names that some file system takes for the same.</summary>
    private static string Fold(string name) => UnicodeDecomposition.Decompose(name).ToUpperInvariant();
}
