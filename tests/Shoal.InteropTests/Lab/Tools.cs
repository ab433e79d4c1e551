namespace Shoal.InteropTests;

/// <summary>The programs the tests need. A missing one fails the test, it is never skipped.</summary>
internal static class Tools
{
    /// <summary>Debian's own interpreter: the one that sees the python3-libtorrent package.</summary>
    public const string Python = "/usr/bin/python3";

    /// <summary>The scripts that lie beside the tests.</summary>
    public static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "clients", name);

    /// <summary>Our own program: the one built with the tests, unless SHOAL_EXE names another.</summary>
    public static string Shoal { get; } =
        Environment.GetEnvironmentVariable("SHOAL_EXE") is { Length: > 0 } exe
            ? exe
            : Path.Combine(AppContext.BaseDirectory, "shoal");

    public static void Require(params string[] programs)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        foreach (var program in programs)
        {
            if (!path.Any(folder => File.Exists(Path.Combine(folder, program))))
            {
                var packages = File.ReadAllLines(Script("packages.txt"));
                Assert.Fail(
                    $"{program} is not installed; the interop tests need: apt-get install {string.Join(' ', packages)}"
                );
            }
        }
    }
}
