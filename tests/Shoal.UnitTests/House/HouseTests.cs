using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Shoal.UnitTests;

/// <summary>
/// The rules of the house that a compiler does not know. A failure says which file breaks which rule; change the
/// file, or change the rule in ARCHITECTURE.md and here together.
/// </summary>
public sealed partial class HouseTests
{
    private const int MaxLines = 400;

    // Complete: a project under src that is not here fails, and so does a reference that is not.
    private static readonly Dictionary<string, string[]> Edges = new()
    {
        ["Shoal.Protocol"] = [],
        ["Shoal.Membership"] = ["Shoal.Protocol"],
        ["Shoal.Files"] = [],
        ["Shoal.Engine"] = ["Shoal.Files", "Shoal.Membership", "Shoal.Protocol"],
        ["Shoal.Tracker"] = ["Shoal.Protocol"],
        ["Shoal.Hub"] = ["Shoal.Files", "Shoal.Membership", "Shoal.Tracker", "Shoal.Protocol"],
        ["Shoal.Members"] = ["Shoal.Engine", "Shoal.Hub"],
        ["Shoal.Api"] = [],
        ["Shoal.Daemon"] = ["Shoal.Engine", "Shoal.Members", "Shoal.Tracker", "Shoal.Api"],
        ["Shoal.Cli"] = ["Shoal.Daemon", "Shoal.Engine", "Shoal.Hub", "Shoal.Members", "Shoal.Tracker", "Shoal.Api"],
    };

    private static readonly string[] PureFolders =
    [
        "src/Shoal.Protocol",
        "src/Shoal.Membership",
        "src/Shoal.Engine/Swarm",
        "src/Shoal.Engine/Dht",
        "src/Shoal.Engine/Utp",
        "src/Shoal.Engine/Announcing",
        "src/Shoal.Engine/Mapping",
        "src/Shoal.Engine/WebSeeds",
        "src/Shoal.Tracker/Registry",
        "src/Shoal.Daemon/Rules",
    ];

    [Fact]
    public void Projects_reference_exactly_what_the_architecture_allows()
    {
        var projects = SourceTree.Files("src", "*.csproj");
        var existing = projects.Select(path => Path.GetFileNameWithoutExtension(path)).ToHashSet();
        Assert.NotEmpty(existing);
        foreach (var path in projects)
        {
            var name = Path.GetFileNameWithoutExtension(path);
            Assert.True(Edges.ContainsKey(name), $"{path} is not in the list of projects");
            var found = XDocument
                .Parse(SourceTree.Read(path))
                .Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value))
                .Order(StringComparer.Ordinal);
            var allowed = Edges[name].Where(existing.Contains).Order(StringComparer.Ordinal);
            Assert.True(
                found.SequenceEqual(allowed),
                $"{path} references {string.Join(", ", found)}; the architecture says {string.Join(", ", allowed)}"
            );
        }
    }

    [Fact]
    public void Internals_are_visible_to_tests_and_benchmarks_only()
    {
        var friends = SourceTree
            .Files("src", "*.csproj")
            .Append("Directory.Build.props")
            .SelectMany(path => XDocument.Parse(SourceTree.Read(path)).Descendants("InternalsVisibleTo"))
            .Select(element => element.Attribute("Include")!.Value)
            .ToList();
        Assert.NotEmpty(friends);
        Assert.All(
            friends,
            name => Assert.True(name.Contains("Test") || name == "Shoal.Benchmarks", $"{name} sees internals")
        );
        Assert.Empty(
            Offenders(
                SourceTree.CSharpFiles("src"),
                code => code.Contains("assembly: InternalsVisibleTo", StringComparison.Ordinal)
            )
        );
    }

    [Fact]
    public void Nothing_is_named_after_a_place_to_put_things()
    {
        string[] words = ["Core", "Common", "Shared", "Utils", "Util", "Helpers", "Helper", "Manager"];
        var bad = SourceTree
            .CSharpFiles("src")
            .Concat(SourceTree.CSharpFiles("tests"))
            .Concat(SourceTree.Files("src", "*.csproj"))
            .Where(path =>
                path.Split('/', '.')
                    .SelectMany(SplitWords)
                    .Any(word => words.Contains(word, StringComparer.OrdinalIgnoreCase))
            );
        Assert.Empty(bad);
    }

    // The analyzer does this at build time; this is the backstop for someone who silences it.
    [Fact]
    public void Pure_folders_do_not_wait_lock_or_touch_the_world()
    {
        var files = PureFolders.SelectMany(SourceTree.CSharpFiles).ToList();
        Assert.NotEmpty(files);
        Assert.Empty(Offenders(files, code => ImpureCode().IsMatch(code)));
    }

    [Fact]
    public void Pure_folders_in_editorconfig_are_the_pure_folders_here()
    {
        var config = SourceTree.Read(".editorconfig");
        var section = config[
            config.IndexOf("[src/Shoal.Protocol/**.cs]", StringComparison.Ordinal)..config.IndexOf(
                "[tests/**.cs]",
                StringComparison.Ordinal
            )
        ];
        foreach (var folder in PureFolders)
        {
            var parts = folder.Split('/');
            Assert.Contains(string.Join('/', parts[..2]), section, StringComparison.Ordinal);
            Assert.Contains(parts[^1], section, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Files_are_short_or_on_the_list_that_only_shrinks()
    {
        // Each line: how long the file may be, and the file.
        var allowed = SourceTree
            .Read("tests/Shoal.UnitTests/House/LongFiles.txt")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split(' ', 2))
            .ToDictionary(part => part[1], part => int.Parse(part[0], CultureInfo.InvariantCulture));
        var long_ = SourceTree
            .CSharpFiles("src")
            .Concat(SourceTree.CSharpFiles("tests"))
            .Select(path => (Path: path, Lines: SourceTree.Read(path).AsSpan().Count('\n')))
            .Where(file => file.Lines > MaxLines)
            .ToList();
        foreach (var (path, lines) in long_)
        {
            Assert.True(
                allowed.TryGetValue(path, out var limit) && lines <= limit,
                $"{path} has {lines} lines, more than {Math.Max(limit, MaxLines)}: split it, or give the reason for its "
                    + "length in House/LongFiles.txt"
            );
        }

        Assert.All(
            allowed.Keys,
            path => Assert.True(long_.Any(file => file.Path == path), $"{path} is short now: take it off LongFiles.txt")
        );
    }

    [Fact]
    public void Nothing_is_started_and_forgotten()
    {
        Assert.Empty(
            Offenders(
                [.. SourceTree.CSharpFiles("src"), .. SourceTree.CSharpFiles("tests")],
                code => AsyncVoid().IsMatch(code)
            )
        );
    }

    [Fact]
    public void Unit_and_simulation_tests_do_not_sleep()
    {
        var files = SourceTree
            .CSharpFiles("tests/Shoal.UnitTests")
            .Concat(SourceTree.CSharpFiles("tests/Shoal.SimTests"));
        Assert.Empty(Offenders(files, code => Sleep().IsMatch(code)));
    }

    [Fact]
    public void What_documents_name_as_a_file_exists()
    {
        var documents = SourceTree.Files("docs", "*.md").Concat(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"]);
        var named = documents
            .SelectMany(document =>
                NamedPath().Matches(SourceTree.Read(document)).Select(match => (document, Path: match.Groups[1].Value))
            )
            .ToList();
        Assert.True(named.Count > 50, "the pattern finds the paths no more");
        Assert.All(
            named,
            entry =>
                Assert.True(
                    Path.Exists(Path.Combine(SourceTree.Root, entry.Path)),
                    $"{entry.document} names {entry.Path}, which is not there"
                )
        );
    }

    [Fact]
    public void Every_bep_has_one_status_and_what_is_done_has_code_and_tests()
    {
        var rows = SourceTree
            .Read("docs/beps.md")
            .Split('\n')
            .Where(line => BepRow().IsMatch(line))
            .Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray())
            .ToList();
        Assert.True(rows.Count > 25);
        Assert.All(
            rows,
            row =>
            {
                Assert.Matches("^(done|partly|data|no|messages only)", row[3]);
                Assert.True(
                    row[3] == "no" || (row[4].Contains("`src/") && row[5].Contains("`tests/")),
                    row[1] + row[3]
                );
            }
        );
    }

    [Fact]
    public void No_test_is_skipped()
    {
        Assert.Empty(Offenders(SourceTree.CSharpFiles("tests"), code => Skip().IsMatch(code)));
    }

    [Fact]
    public void The_reader_of_code_sees_no_comments_and_no_strings()
    {
        const string code = """
            a(); // lock (x)
            b("lock (\"x\")", @"lock ""y"" \", 'l', '\''); /* lock
            (z) */ c($"{1} lock (x)");
            """;
        var seen = SourceTree.WithoutCommentsAndStrings(code);
        Assert.DoesNotContain("lock", seen, StringComparison.Ordinal);
        Assert.Equal(code.Count(c => c == '\n'), seen.Count(c => c == '\n'));
        Assert.Matches(@"a\(\);\s+b\(\s*,\s*@?\s*,\s*,\s*\);\s+c\(\$?\s*\);", seen);
    }

    private static List<string> Offenders(IEnumerable<string> files, Func<string, bool> breaksTheRule) =>
        [.. files.Where(path => breaksTheRule(SourceTree.WithoutCommentsAndStrings(SourceTree.Read(path))))];

    private static IEnumerable<string> SplitWords(string name) => Words().Split(name).Where(word => word.Length > 0);

    [GeneratedRegex(@"(?<=[a-z0-9])(?=[A-Z])|[_\-]")]
    private static partial Regex Words();

    [GeneratedRegex(
        @"\b(async|await|Stopwatch|TimeProvider|RandomNumberGenerator|HttpClient|Socket|TcpClient|UdpClient"
            + @"|SemaphoreSlim|ThreadPool|FileStream|RandomAccess)\b"
            + @"|\block\s*\(|\bMonitor\.|\bTask[.<]|\bThread\.|Random\.Shared|new Random\(\)|Guid\.NewGuid"
            + @"|DateTime(Offset)?\.(Utc)?Now|Environment\.TickCount|\bConsole\.|\bDns\."
            + @"|(?<![\w.])(File|Directory)\.(Open|Read|Write|Exists|Delete|Create|Move|Copy|Append|Get|Set|Enumerate)"
            + @"|#pragma warning disable[^\n]*RS0030"
    )]
    private static partial Regex ImpureCode();

    [GeneratedRegex(@"\basync\s+void\b")]
    private static partial Regex AsyncVoid();

    [GeneratedRegex(@"\bThread\.Sleep\b|\bTask\.Delay\b|\bSpinWait\b")]
    private static partial Regex Sleep();

    [GeneratedRegex(@"\bSkip(When|Unless|Type)?\s*=[^=>]|\bAssert\.Skip")]
    private static partial Regex Skip();

    [GeneratedRegex(@"`((src|tests|docs|bench)/[\w./-]*\w)/?`")]
    private static partial Regex NamedPath();

    [GeneratedRegex(@"^\| \d+ \|")]
    private static partial Regex BepRow();
}
