using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>The Debian package, from the script that builds it to its removal, on a system that is thrown away.</summary>
public sealed class PackagingTests
{
    [Fact]
    public async Task The_package_is_built_installed_run_as_its_unit_says_removed_and_purged()
    {
        Tools.Require("dpkg-deb", "systemd-analyze", "unshare", "setpriv");
        using var folder = new StateFolder();
        var root = RootOf(AppContext.BaseDirectory);
        var built = await RunAsync(Path.Combine(root, "packaging", "deb"), folder.Path);
        var package = built.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.True(File.Exists(package), built);
        var life = await RunAsync(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            Tools.Script("package-life.sh"),
            package,
            Directory.CreateDirectory(Path.Combine(folder.Path, "system")).FullName
        );
        foreach (var step in new[] { "install", "unit", "start", "use", "stop", "again", "remove", "purge", "done" })
        {
            Assert.Contains($"== {step}", life, StringComparison.Ordinal);
        }
    }

    private static string RootOf(string folder) =>
        File.Exists(Path.Combine(folder, "Shoal.slnx"))
            ? folder
            : RootOf(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the sources are not here"));

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // packaging/deb packs what is tested.
        start.Environment["SHOAL_EXE"] = Tools.Shoal;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{await output}\n{await error}");
        return await output;
    }
}
