using System.Text;
using System.Text.RegularExpressions;

namespace Shoal.Cli;

/// <summary>
/// Chooses files of a torrent: <c>*</c> and <c>?</c> within a path element, <c>**</c> over elements. A pattern
/// without '/' is compared with the file's own name, one with '/' with the path, counted from the download folder
/// or from the torrent's folder. A folder's path chooses everything in it. Case does not matter.
/// </summary>
internal sealed class FileGlob
{
    private readonly Regex _regex;
    private readonly bool _isPath;

    public FileGlob(string pattern)
    {
        Pattern = pattern;
        var trimmed = pattern.Replace('\\', '/').Trim('/');
        _isPath = trimmed.Contains('/') || pattern.EndsWith('/');
        // No pattern can make this engine backtrack, however many stars it has.
        _regex = new Regex(
            Translate(trimmed),
            RegexOptions.IgnoreCase
                | RegexOptions.CultureInvariant
                | RegexOptions.NonBacktracking
                | RegexOptions.Singleline
        );
    }

    public string Pattern { get; }

    /// <param name="path">A path of the torrent, with '/' between elements.</param>
    /// <param name="torrentName">The first element of <paramref name="path"/> where the torrent is a folder.</param>
    public bool Matches(string path, string torrentName)
    {
        var inner = path.StartsWith(torrentName + "/", StringComparison.Ordinal)
            ? path[(torrentName.Length + 1)..]
            : path;
        if (_isPath)
        {
            return _regex.IsMatch(path) || _regex.IsMatch(inner);
        }

        return inner.Split('/').Any(element => _regex.IsMatch(element)) || _regex.IsMatch(path);
    }

    private static string Translate(string pattern)
    {
        var regex = new StringBuilder("^");
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern.AsSpan(i).StartsWith("**/"))
            {
                regex.Append("(.*/)?");
                i += 2;
            }
            else if (pattern.AsSpan(i).StartsWith("**"))
            {
                regex.Append(".*");
                i++;
            }
            else
            {
                regex.Append(
                    pattern[i] switch
                    {
                        '*' => "[^/]*",
                        '?' => "[^/]",
                        var c => Regex.Escape(c.ToString()),
                    }
                );
            }
        }

        return regex.Append("(/.*)?$").ToString();
    }
}
