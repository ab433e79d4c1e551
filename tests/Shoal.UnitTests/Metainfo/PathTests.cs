using System.Text;
using System.Text.Json;
using Shoal.Protocol;

namespace Shoal.UnitTests;

public sealed class PathTests
{
    private static string Join(IEnumerable<byte[]> elements, PathRules rules)
    {
        var kept = elements.Select(e => PathSanitizer.SanitizeOrNull(e, rules)).Where(e => e is not null);
        return string.Join(rules == PathRules.Windows ? '\\' : '/', kept);
    }

    private static List<byte[]> Elements(JsonElement array) =>
        [.. array.EnumerateArray().Select(e => Encoding.Latin1.GetBytes(e.GetString()!))];

    [Fact]
    public void Vectors_of_elements()
    {
        using var vectors = TestVectors.Load("path_sanitize.json");
        var cases = vectors.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var item in cases)
        {
            var elements = Elements(item.GetProperty("elements"));
            Assert.Equal(
                item.GetProperty("posix").GetString(),
                Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Join(elements, PathRules.Posix)))
            );
            Assert.Equal(
                item.GetProperty("windows").GetString(),
                Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(Join(elements, PathRules.Windows)))
            );
        }

        foreach (var item in vectors.RootElement.GetProperty("names").EnumerateArray())
        {
            var name = Encoding.UTF8.GetBytes(item.GetProperty("name").GetString()!);
            Assert.Equal(item.GetProperty("out").GetString(), PathSanitizer.Sanitize(name, PathRules.Posix));
        }
    }

    [Theory]
    [InlineData(PathRules.Posix)]
    [InlineData(PathRules.Windows)]
    public void Hostile_paths_stay_inside(PathRules rules)
    {
        using var vectors = TestVectors.Load("path_sanitize.json");
        foreach (var item in vectors.RootElement.GetProperty("must_stay_inside_root").EnumerateArray())
        {
            var safe = Elements(item).Select(e => PathSanitizer.Sanitize(e, rules)).ToList();
            Assert.All(
                safe,
                element =>
                {
                    Assert.NotEmpty(element);
                    Assert.DoesNotContain('/', element);
                    Assert.DoesNotContain('\\', element);
                    Assert.True(element is not ("." or ".."));
                    Assert.True(rules == PathRules.Posix || !element.Contains(':', StringComparison.Ordinal));
                }
            );
        }
    }

    [Fact]
    public void Names_that_Windows_reserves_are_changed_there()
    {
        using var vectors = TestVectors.Load("path_sanitize.json");
        foreach (var item in vectors.RootElement.GetProperty("windows_reserved").EnumerateArray())
        {
            var name = item.GetString()!;
            var bytes = Encoding.UTF8.GetBytes(name);
            var safe = PathSanitizer.Sanitize(bytes, PathRules.Windows);
            Assert.NotEqual(name, safe);
            Assert.Equal(safe, PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(safe), PathRules.Windows));
            Assert.Equal(name, PathSanitizer.Sanitize(bytes, PathRules.Posix));
        }

        foreach (var item in vectors.RootElement.GetProperty("never_portable").EnumerateArray())
        {
            var name = item.GetString()!;
            Assert.NotEqual(name, PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(name), PathRules.Posix));
        }
    }

    [Theory]
    [InlineData(PathRules.Posix)]
    [InlineData(PathRules.Windows)]
    public void Long_names_are_cut_between_characters_and_keep_their_extension(PathRules rules)
    {
        foreach (var unit in new[] { "a", "é", "語", "🐟", "." })
        {
            var name = string.Concat(Enumerable.Repeat(unit, 400)) + ".torrent";
            var safe = PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(name), rules);
            Assert.InRange(Encoding.UTF8.GetByteCount(safe), 240, PathSanitizer.MaxElementBytes);
            Assert.EndsWith(".torrent", safe, StringComparison.Ordinal);
            Assert.DoesNotContain('\ufffd', safe);
        }

        var exactly = new string('x', 255);
        Assert.Equal(exactly, PathSanitizer.Sanitize(Encoding.UTF8.GetBytes(exactly), rules));
        Assert.Equal(255, PathSanitizer.Sanitize(new byte[1_000_000], rules).Length);
    }

    private static List<string>? Deduplicate(IEnumerable<string> paths)
    {
        var drafts = paths.Select(p => new FileDraft { Path = p, Size = 1 }).ToList();
        return DuplicateNames.Resolve(drafts, 500) ? [.. drafts.Select(d => d.Path)] : null;
    }

    [Fact]
    public void Vectors_of_duplicate_names()
    {
        using var vectors = TestVectors.Load("duplicate_names.json");
        var cases = vectors.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        foreach (var item in cases)
        {
            var pairs = item.EnumerateArray().ToList();
            Assert.Equal(pairs.Select(p => p[1].GetString()), Deduplicate(pairs.Select(p => p[0].GetString()!)) ?? []);
        }
    }

    [Fact]
    public void More_than_500_duplicates_are_refused()
    {
        Assert.NotNull(Deduplicate(Enumerable.Repeat("t/a", 501)));
        Assert.Null(Deduplicate(Enumerable.Repeat("t/a", 502)));
    }

    [Fact]
    public void New_names_collide_with_nothing_and_fit()
    {
        var names = Deduplicate(["t/b.exe", "t/B.exe", "t/B.1.exe", "t/b.2.exe", "t/b.EXE"])!;
        Assert.Equal(5, names.Distinct(StringComparer.OrdinalIgnoreCase).Count());

        var longName = new string('x', 251) + ".txt";
        var renamed = Deduplicate([$"t/{longName}", $"t/{longName}"])![1];
        Assert.InRange(renamed.Length, 2, 2 + 255);
        Assert.EndsWith(".1.txt", renamed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("t/caf\u00e9", "t/cafe\u0301")]
    [InlineData("t/\u00c5", "t/\u212b")]
    [InlineData("t/\u1e69", "t/s\u0307\u0323")]
    [InlineData("t/\uac01", "t/\u1100\u1161\u11a8")]
    [InlineData("t/\u00c9x", "t/e\u0301X")]
    public void Names_of_other_composition_are_the_same(string first, string second) =>
        Assert.Equal([first, second + ".1"], Deduplicate([first, second]) ?? []);
}
