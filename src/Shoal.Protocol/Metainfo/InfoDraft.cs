namespace Shoal.Protocol;

/// <summary>One file while a torrent is read: not yet checked against the others.</summary>
internal sealed record FileDraft
{
    /// <summary>Sanitized, with the torrent's folder in front if it has one.</summary>
    public required string Path { get; set; }
    public required long Size { get; init; }
    public bool IsPad { get; init; }
    public bool IsExecutable { get; init; }
    public bool IsHidden { get; init; }

    /// <summary>BEP 47: the target, sanitized and with the torrent's folder in front; null: not a link.</summary>
    public string? LinkTarget { get; set; }

    /// <summary>Where the link leads if nothing is at <see cref="LinkTarget"/>: what many creators meant.</summary>
    public string? OtherTarget { get; init; }
    public Sha256Digest? PiecesRoot { get; set; }
}

/// <summary>BEP 47 attributes.</summary>
[Flags]
internal enum FileAttributeLetters
{
    None = 0,
    Symlink = 1,
    Executable = 2,
    Hidden = 4,
    Pad = 8,
}

/// <summary>What reading the files of an info dictionary shares: limits, the folder's name, and the budget of paths.</summary>
internal sealed class PathBudget(MetainfoLimits limits, PathRules rules)
{
    private long _left = limits.MaxPathCharacters;

    public PathRules Rules => rules;

    public int MaxDepth => limits.MaxPathDepth;

    /// <summary>Appends an element to a path; null if all paths together become too long.</summary>
    public string? Join(string folder, ReadOnlySpan<byte> element)
    {
        var name = PathSanitizer.Sanitize(element, rules);
        if (!Take(folder.Length + 1 + name.Length))
        {
            return null;
        }

        return folder.Length == 0 ? name : $"{folder}/{name}";
    }

    /// <summary>Counts characters of a path to be made; false if there may not be as many.</summary>
    public bool Take(int characters)
    {
        if (characters > _left)
        {
            return false;
        }

        _left -= characters;
        return true;
    }
}
