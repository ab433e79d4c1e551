namespace Shoal.Engine;

/// <summary>Deleting.</summary>
internal sealed partial class FileStorage
{
    /// <summary>
    /// Deletes the torrent's files and the folders that are empty then; others' files stay, and so does what lies behind links
    /// to folders: a torrent's author chooses names, and must not delete in a folder that the user only linked to.
    /// </summary>
    /// <param name="except">Places that are not to be touched; null: none.</param>
    /// <returns>Of those that stay since they lie behind a link the first; null: there are none.</returns>
    /// <exception cref="StorageException">One could not be deleted; the others are gone.</exception>
    public string? DeleteFiles(IReadOnlySet<int>? except = null)
    {
        _handles.CloseAll(this);
        var linked = new Dictionary<string, bool>(StringComparer.Ordinal);
        StorageException? failure = null;
        string? stays = null;
        foreach (var file in AllPlaces().Where(file => except?.Contains(file) != true))
        {
            var path = PathOf(file);
            try
            {
                if (Files.KindOf(path) is PathKind.Missing or PathKind.Directory)
                {
                    continue;
                }

                if (IsLinked(Path.GetDirectoryName(path)!, linked))
                {
                    stays ??= path;
                }
                else
                {
                    Files.Delete(path);
                }
            }
            catch (Exception e) when (StorageException.IsExpected(e))
            {
                failure ??= StorageException.From(e, "cannot delete", path);
            }
        }

        DeleteEmptyFolders(linked);
        return failure is null ? stays : throw failure;
    }

    /// <summary>Whether a folder below the root is a link, or lies behind one.</summary>
    private bool IsLinked(string folder, Dictionary<string, bool> known)
    {
        if (folder.Length <= Root.Length)
        {
            return false;
        }

        if (!known.TryGetValue(folder, out var isLinked))
        {
            isLinked = Files.KindOf(folder) == PathKind.Link || IsLinked(Path.GetDirectoryName(folder)!, known);
            known.Add(folder, isLinked);
        }

        return isLinked;
    }

    /// <summary>Those of the torrent's files that nothing is in.</summary>
    public void DeleteEmptyFolders() => DeleteEmptyFolders(new Dictionary<string, bool>(StringComparer.Ordinal));

    private void DeleteEmptyFolders(Dictionary<string, bool> linked)
    {
        var folders = new HashSet<string>();
        foreach (var file in AllPlaces())
        {
            var folder = Path.GetDirectoryName(PathOf(file))!;
            while (folder.Length > Root.Length && folders.Add(folder))
            {
                folder = Path.GetDirectoryName(folder)!;
            }
        }

        foreach (var folder in folders.OrderByDescending(f => f.Length).Where(f => !IsLinked(f, linked)))
        {
            Files.DeleteDirectory(folder);
        }
    }

    private void DeleteFoldersAbove(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        while (folder.Length > Root.Length)
        {
            Files.DeleteDirectory(folder);
            folder = Path.GetDirectoryName(folder)!;
        }
    }
}
