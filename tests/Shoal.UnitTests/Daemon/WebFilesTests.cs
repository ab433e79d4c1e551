namespace Shoal.UnitTests;

/// <summary>The page stays light, and has nothing that its content security policy would refuse.</summary>
public sealed class WebFilesTests
{
    private const long MaxScript = 150_000;

    [Fact]
    public void All_scripts_together_are_below_150_kB() =>
        Assert.InRange(Scripts().Sum(path => new FileInfo(path).Length), 1, MaxScript);

    [Fact]
    public void The_page_has_no_inline_scripts_and_takes_nothing_from_elsewhere()
    {
        var page = File.ReadAllText(Path.Combine(Folder(), "index.html"));
        Assert.DoesNotMatch("<script(?![^>]*\\bsrc=)", page);
        Assert.DoesNotMatch("\\son[a-z]+=|\\sstyle=|https?:", page);
    }

    private static IEnumerable<string> Scripts() =>
        Directory
            .EnumerateFiles(Folder(), "*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".js" or ".mjs");

    private static string Folder() => Path.Combine(SourceTree.Root, "src/Shoal.Daemon/wwwroot");
}
