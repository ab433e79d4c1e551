using System.Diagnostics.CodeAnalysis;

namespace Shoal.Protocol;

/// <summary>Reads the files of an info dictionary: BEP 3's list, or BEP 52's tree.</summary>
internal static class FileListReader
{
    /// <summary>BEP 3: "In the multi file case, the files list the dictionaries".</summary>
    public static MetainfoError? ReadV1List(BencodeNode files, string folder, PathBudget budget, List<FileDraft> into)
    {
        foreach (var node in files.Elements)
        {
            var error = ReadV1File(node, folder, budget, into);
            if (error is not null)
            {
                return error;
            }
        }

        return into.Count > 0 ? null : new MetainfoError(MetainfoFault.NoFiles, "the torrent lists no files");
    }

    /// <summary>BEP 3: "length - The length of the file, in bytes": a torrent of a single file.</summary>
    public static MetainfoError? ReadV1Single(BencodeNode info, string name, List<FileDraft> into)
    {
        if (!TryReadLength(info, FileAttributeLetters.None, out var size))
        {
            return new MetainfoError(MetainfoFault.BadLength, $"the length of '{name}' is missing or impossible");
        }

        var attributes = ReadAttributes(info);
        into.Add(
            new FileDraft
            {
                Path = name,
                Size = size,
                IsExecutable = attributes.HasFlag(FileAttributeLetters.Executable),
                IsHidden = attributes.HasFlag(FileAttributeLetters.Hidden),
            }
        );
        return null;
    }

    private static MetainfoError? ReadV1File(BencodeNode file, string folder, PathBudget budget, List<FileDraft> into)
    {
        var number = into.Count + 1;
        if (!file.IsDictionary)
        {
            return new MetainfoError(MetainfoFault.BadPath, $"file {number} is not described by a dictionary");
        }

        var attributes = ReadAttributes(file);
        if (!TryReadLength(file, attributes, out var size))
        {
            return new MetainfoError(MetainfoFault.BadLength, $"the length of file {number} is missing or impossible");
        }

        var isPad = attributes.HasFlag(FileAttributeLetters.Pad);
        var elements = file.Find("path.utf-8"u8);
        elements = elements.IsList ? elements : file.Find("path"u8);
        string? path;
        if (!isPad && IsBitCometPad(elements))
        {
            isPad = true;
            attributes |= FileAttributeLetters.Pad;
        }

        if (isPad)
        {
            // BEP 47: "To eventually allow the path field to be omitted clients implementing this BEP should not
            // require it to be present on padding files."
            path = $".pad/{size}";
        }
        else if (!TryReadPath(elements, folder, budget, out path))
        {
            return new MetainfoError(MetainfoFault.BadPath, $"file {number} has no usable path");
        }

        into.Add(Draft(file, path, folder, size, attributes, budget));
        return null;
    }

    /// <summary>
    /// BEP 52's file tree, walked without recursion in its own order, which is the order of the pieces.
    /// </summary>
    public static MetainfoError? ReadV2Tree(
        BencodeDocument document,
        BencodeNode tree,
        string folder,
        bool isRooted,
        PathBudget budget,
        List<FileDraft> into
    )
    {
        // BEP 52: "file tree: {name.ext: {"": {length: ...}}} a single-file torrent". A hybrid that lists files in
        // its v1 half says otherwise, and keeps its folder.
        if (!isRooted && IsSingleFile(tree))
        {
            folder = "";
        }

        var stack = new Stack<(int Next, int End, string Path)>();
        stack.Push((tree.Index + 1, tree.Next, folder));
        while (stack.TryPop(out var frame))
        {
            if (frame.Next >= frame.End)
            {
                continue;
            }

            var key = document.NodeAt(frame.Next);
            var value = document.NodeAt(frame.Next + 1);
            stack.Push((value.Next, frame.End, frame.Path));
            if (key.Bytes.IsEmpty)
            {
                // Properties of a folder, or a file where none may be: the parent looked already.
                if (stack.Count == 1 && DescribesFile(value))
                {
                    // BEP 52: "The file tree root dictionary itself must not be a file".
                    return new MetainfoError(MetainfoFault.BadFileTree, "the root of the file tree is a file");
                }

                continue;
            }

            if (!value.IsDictionary)
            {
                return new MetainfoError(MetainfoFault.BadFileTree, "an entry of the file tree is not a dictionary");
            }

            if (stack.Count > budget.MaxDepth || budget.Join(frame.Path, key.Bytes) is not { } path)
            {
                return new MetainfoError(MetainfoFault.BadPath, "the file tree is too deep or its paths too long");
            }

            var properties = value.Find(""u8);
            if (!properties.Exists)
            {
                stack.Push((value.Index + 1, value.Next, path));
                continue;
            }

            if (DescribesFile(properties))
            {
                // BEP 52: "Presence of this field indicates that the dictionary describes a file, not a directory.
                // Which means it must not have any sibling entries."
                var error =
                    value.Count == 1
                        ? ReadV2File(properties, path, folder, budget, into)
                        : new MetainfoError(MetainfoFault.BadFileTree, $"'{path}' is both a file and a folder");
                if (error is not null)
                {
                    return error;
                }

                continue;
            }

            if (!properties.IsDictionary || value.Count == 1)
            {
                return new MetainfoError(MetainfoFault.BadLength, $"the length of '{path}' is missing");
            }

            stack.Push((value.Index + 1, value.Next, path));
        }

        return into.Count > 0 ? null : new MetainfoError(MetainfoFault.NoFiles, "the torrent lists no files");
    }

    /// <summary>BitComet's padding, older than BEP 47, is known by its name alone.</summary>
    private static bool IsBitCometPad(BencodeNode elements)
    {
        foreach (var element in elements.Elements)
        {
            if (element.Bytes.StartsWith("_____padding_file_"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsSingleFile(BencodeNode tree)
    {
        if (tree.Count != 1)
        {
            return false;
        }

        foreach (var entry in tree.Entries)
        {
            return DescribesFile(entry.Value.Find(""u8));
        }

        return false;
    }

    private static bool DescribesFile(BencodeNode properties) =>
        properties.Find("length"u8).Exists || ReadAttributes(properties).HasFlag(FileAttributeLetters.Symlink);

    private static MetainfoError? ReadV2File(
        BencodeNode file,
        string path,
        string folder,
        PathBudget budget,
        List<FileDraft> into
    )
    {
        var attributes = ReadAttributes(file);
        if (attributes.HasFlag(FileAttributeLetters.Pad))
        {
            return new MetainfoError(MetainfoFault.BadFileTree, $"'{path}' is a pad file, which v2 does not have");
        }

        if (!TryReadLength(file, attributes, out var size))
        {
            return new MetainfoError(MetainfoFault.BadLength, $"the length of '{path}' is impossible");
        }

        var draft = Draft(file, path, folder, size, attributes, budget);
        if (size > 0)
        {
            // BEP 52: "For non-empty files this is the the root hash of a merkle tree". No known data has a hash
            // of zero, which stands for padding in the tree.
            var root = file.Find("pieces root"u8).Bytes;
            if (root.Length != Sha256Digest.Size || !root.ContainsAnyExcept((byte)0))
            {
                return new MetainfoError(
                    MetainfoFault.BadPiecesRoot,
                    $"the pieces root of '{path}' is missing or malformed"
                );
            }

            draft.PiecesRoot = new Sha256Digest(root);
        }

        into.Add(draft);
        return null;
    }

    private static FileDraft Draft(
        BencodeNode file,
        string path,
        string folder,
        long size,
        FileAttributeLetters attributes,
        PathBudget budget
    )
    {
        var draft = new FileDraft
        {
            Path = path,
            Size = size,
            IsPad = attributes.HasFlag(FileAttributeLetters.Pad),
            IsExecutable = attributes.HasFlag(FileAttributeLetters.Executable),
            IsHidden = attributes.HasFlag(FileAttributeLetters.Hidden),
        };
        if (!attributes.HasFlag(FileAttributeLetters.Symlink))
        {
            return draft;
        }

        // BEP 47: "Path of the symlink target relative to the torrent root directory." Many creators wrote it relative
        // to the link; a path with "..", which BEP 47 forbids, can mean nothing else.
        var elements = file.Find("symlink path"u8);
        var relative = RelativeTarget(elements, path, folder, budget);
        if (HasParentElement(elements) || !TryReadPath(elements, folder, budget, out var target))
        {
            return draft with { LinkTarget = relative ?? "" };
        }

        return draft with
        {
            LinkTarget = target,
            OtherTarget = relative,
        };
    }

    private static bool HasParentElement(BencodeNode elements)
    {
        foreach (var element in elements.Elements)
        {
            if (element.Bytes.SequenceEqual(".."u8))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The target as seen from the link's folder; null if it is above the torrent's.</summary>
    private static string? RelativeTarget(BencodeNode elements, string link, string folder, PathBudget budget)
    {
        if (elements.Count > budget.MaxDepth)
        {
            return null;
        }

        var at = Parent(link);
        foreach (var element in elements.Elements)
        {
            if (element.Bytes.SequenceEqual("."u8))
            {
                continue;
            }

            if (element.Bytes.SequenceEqual(".."u8))
            {
                if (at.Length <= folder.Length)
                {
                    return null;
                }

                at = Parent(at);
            }
            else if (budget.Join(at, element.Bytes) is { } longer)
            {
                at = longer;
            }
            else
            {
                return null;
            }
        }

        return at;
    }

    private static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "";

    private static bool TryReadLength(BencodeNode file, FileAttributeLetters attributes, out long size)
    {
        // BEP 47: "The length of a symlink is always zero ... clients implementing with this BEP should not require
        // their presence on symlink files".
        if (attributes.HasFlag(FileAttributeLetters.Symlink))
        {
            size = 0;
            return true;
        }

        return file.Find("length"u8).TryGetInteger(out size) && size >= 0;
    }

    private static FileAttributeLetters ReadAttributes(BencodeNode file)
    {
        var attributes = FileAttributeLetters.None;

        // BEP 47: "Characters appear in no particular order and unknown characters should be ignored."
        foreach (var letter in file.Find("attr"u8).Bytes)
        {
            attributes |= letter switch
            {
                (byte)'l' => FileAttributeLetters.Symlink,
                (byte)'x' => FileAttributeLetters.Executable,
                (byte)'h' => FileAttributeLetters.Hidden,
                (byte)'p' => FileAttributeLetters.Pad,
                _ => FileAttributeLetters.None,
            };
        }

        return attributes;
    }

    private static bool TryReadPath(
        BencodeNode elements,
        string folder,
        PathBudget budget,
        [NotNullWhen(true)] out string? path
    )
    {
        path = null;
        if (!elements.IsList || elements.Count == 0 || elements.Count > budget.MaxDepth)
        {
            return false;
        }

        var joined = folder;
        foreach (var element in elements.Elements)
        {
            if (!element.IsString || budget.Join(joined, element.Bytes) is not { } longer)
            {
                return false;
            }

            joined = longer;
        }

        path = joined;
        return true;
    }
}
