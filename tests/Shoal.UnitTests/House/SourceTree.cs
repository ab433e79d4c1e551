using System.Text;

namespace Shoal.UnitTests;

/// <summary>The repository as files, for the tests that hold it to its own rules.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    /// <summary>All C# files below the folder, as paths relative to the root with '/' between elements, sorted.</summary>
    public static IReadOnlyList<string> CSharpFiles(string folder) => Files(folder, "*.cs");

    public static IReadOnlyList<string> Files(string folder, string pattern)
    {
        var full = Path.Combine(Root, folder);
        return Directory.Exists(full)
            ?
            [
                .. Directory
                    .EnumerateFiles(full, pattern, SearchOption.AllDirectories)
                    .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
                    .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal),
            ]
            : [];
    }

    public static string Read(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    /// <summary>Code without its comments and without the text of its strings, line breaks kept.</summary>
    public static string WithoutCommentsAndStrings(string code)
    {
        var result = new StringBuilder(code.Length);
        var at = 0;
        while (at < code.Length)
        {
            var end = EndOfSilentPart(code, at);
            if (end == at)
            {
                result.Append(code[at++]);
                continue;
            }

            result.Append(' ').Append('\n', code.AsSpan(at, end - at).Count('\n'));
            at = end;
        }

        return result.ToString();
    }

    // Where the comment, string or character that starts here ends; the same place when none does. The holes of
    // interpolated strings go with the string: a rule that a hole could break is broken elsewhere as well.
    private static int EndOfSilentPart(string code, int at)
    {
        var rest = code.AsSpan(at);
        if (rest.StartsWith("//"))
        {
            return After(code, "\n", at, keep: true);
        }

        if (rest.StartsWith("/*"))
        {
            return After(code, "*/", at + 2);
        }

        if (rest.StartsWith("\"\"\""))
        {
            var quotes = rest.Length - rest.TrimStart('"').Length;
            return After(code, new string('"', quotes), at + quotes);
        }

        if (rest.StartsWith("\"") || rest.StartsWith("'"))
        {
            var verbatim = at > 0 && code[at - 1] == '@' || at > 1 && code.AsSpan(at - 2, 2) is "@$";
            return EndOfLiteral(code, at, verbatim);
        }

        return at;
    }

    private static int EndOfLiteral(string code, int at, bool verbatim)
    {
        var quote = code[at];
        for (var i = at + 1; i < code.Length; i++)
        {
            if (!verbatim && code[i] == '\\')
            {
                i++;
            }
            else if (code[i] == quote)
            {
                if (!verbatim || i + 1 >= code.Length || code[i + 1] != quote)
                {
                    return i + 1;
                }

                i++;
            }
        }

        return code.Length;
    }

    private static int After(string code, string what, int from, bool keep = false)
    {
        var at = code.IndexOf(what, from, StringComparison.Ordinal);
        return at < 0 ? code.Length
            : keep ? at
            : at + what.Length;
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Shoal.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("Shoal.slnx is in no folder above " + AppContext.BaseDirectory);
    }
}
