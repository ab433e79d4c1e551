using System.Text;

namespace Shoal.Protocol;

/// <summary>
/// What web seeds call the files of a torrent (BEP 19): the names its author gave them, which need not be those that
/// files have on this machine.
/// </summary>
public static class WebSeedPaths
{
    /// <summary>As the usual file systems: a longer name is no file's.</summary>
    private const int MaxElementBytes = 255;

    /// <summary>Characters of one path. Servers take about 8 KiB for the whole request line.</summary>
    private const int MaxPathLength = 6000;

    /// <summary>Characters of all paths. Beyond: the remaining files are not asked of web seeds.</summary>
    private const int MaxAllPaths = 16 * 1024 * 1024;

    /// <summary>
    /// For each of <see cref="Metainfo.Files"/> its path, percent-encoded, with '/' between elements, the torrent's name
    /// first; of a torrent of one file, its name. Null: not to be asked for; it has no bytes of its own, or a name that
    /// could lead elsewhere.
    /// </summary>
    public static IReadOnlyList<string?> Of(Metainfo metainfo)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        var paths = new string?[metainfo.Files.Count];
        var limits = BencodeLimits.Default;
        if (!BencodeDocument.TryParse(metainfo.InfoBytes, BencodeMode.Lenient, limits, out var document, out _))
        {
            return paths;
        }

        var walk = new Walk(metainfo.Files, paths);
        var info = document.Root;
        var name = info.Find("name.utf-8"u8);
        name = name.IsString ? name : info.Find("name"u8);
        var folder = Join("", name.Bytes);
        var files = info.Find("files"u8);
        var tree = info.Find("file tree"u8);
        if (files.IsList)
        {
            foreach (var file in files.Elements)
            {
                walk.Add(OfListed(file, folder));
            }
        }
        else if (!tree.IsDictionary || metainfo.Format == TorrentFormat.Hybrid)
        {
            walk.Add(folder);
        }
        else
        {
            // A torrent of one file has no folder.
            walk.AddTree(tree, metainfo.Files is [{ Path: var only }] && !only.Contains('/') ? "" : folder);
        }

        return paths;
    }

    private static string? OfListed(BencodeNode file, string? folder)
    {
        var elements = file.Find("path.utf-8"u8);
        elements = elements.IsList ? elements : file.Find("path"u8);
        var path = elements.Count > 0 ? folder : null;
        foreach (var element in elements.Elements)
        {
            path = Join(path, element.Bytes);
        }

        return path;
    }

    /// <summary>The path with one element more; null: the path, or the element, must not be asked for.</summary>
    private static string? Join(string? path, ReadOnlySpan<byte> element)
    {
        // Servers and what stands before them resolve dots, also those that we send encoded; some take '\' for '/'.
        if (
            path is null
            || element.Length is 0 or > MaxElementBytes
            || element.SequenceEqual("."u8)
            || element.SequenceEqual(".."u8)
            || element.ContainsAny((byte)'/', (byte)'\\', (byte)0)
        )
        {
            return null;
        }

        var text = new StringBuilder(path);
        if (path.Length > 0)
        {
            text.Append('/');
        }

        PercentEncoding.Append(text, element);
        return text.Length <= MaxPathLength ? text.ToString() : null;
    }

    private sealed class Walk(IReadOnlyList<MetainfoFile> files, string?[] paths)
    {
        private int _next;
        private int _left = MaxAllPaths;

        /// <summary>The next file in the torrent's order.</summary>
        public void Add(string? path)
        {
            if (_next < files.Count)
            {
                var file = files[_next];
                var isStored = file is { IsPad: false, SymlinkTarget: null, Size: > 0 };
                paths[_next++] = isStored && path?.Length <= _left ? path : null;
                _left -= isStored ? path?.Length ?? 0 : 0;
            }
        }

        /// <summary>BEP 52. The reader has checked it, its depth too.</summary>
        public void AddTree(BencodeNode tree, string? folder)
        {
            foreach (var entry in tree.Entries)
            {
                if (entry.Key.IsEmpty)
                {
                    continue;
                }

                var path = Join(folder, entry.Key);
                var properties = entry.Value.Find(""u8);
                if (properties.Exists && entry.Value.Count == 1)
                {
                    Add(path);
                }
                else
                {
                    AddTree(entry.Value, path);
                }
            }
        }
    }
}
