using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>The Debian package, from the script that builds it to its removal, on systems that are thrown away.</summary>
public sealed class PackagingTests
{
    [Fact]
    public async Task The_package_is_built_installed_run_as_its_unit_says_removed_and_purged()
    {
        Tools.Require("dpkg-deb", "systemd-analyze", "unshare", "setpriv");
        using var folder = new StateFolder();
        var (code, said) = await RunAsync(
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            Tools.Script("package-life.sh"),
            await BuildAsync(folder),
            Directory.CreateDirectory(Path.Combine(folder.Path, "system")).FullName
        );
        Assert.True(code == 0, said);
        AssertSteps("install unit start use stop again remove purge done", said);
    }

    [Fact]
    public async Task Under_a_real_systemd_the_service_does_all_its_work_within_its_cage()
    {
        Tools.Require("dpkg-deb", "systemctl", "unshare", "nsenter", "findmnt", "curl");
        using var folder = new StateFolder();
        var (code, said) = await RunAsync(
            Tools.Script("package-boot.sh"),
            await BuildAsync(folder),
            Directory.CreateDirectory(Path.Combine(folder.Path, "system")).FullName
        );
        Assert.True(code == 0, said);
        AssertSteps("boot start cage download upload folder reload https watchdog stop removal done", said);
    }

    private static void AssertSteps(string steps, string said) =>
        Assert.Equal(
            steps.Split(' '),
            said.Split('\n').Where(line => line.StartsWith("== ", StringComparison.Ordinal)).Select(line => line[3..])
        );

    /// <summary>The path of the package.</summary>
    private static async Task<string> BuildAsync(StateFolder folder)
    {
        var root = RootOf(AppContext.BaseDirectory);
        var (code, said) = await RunAsync(Path.Combine(root, "packaging", "deb"), folder.Path);
        Assert.True(code == 0, said);
        var package = said.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1];
        Assert.True(File.Exists(package), said);
        return package;
    }

    private static string RootOf(string folder) =>
        File.Exists(Path.Combine(folder, "Shoal.slnx"))
            ? folder
            : RootOf(Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the sources are not here"));

    /// <summary>What it said; where it failed, on the standard error too.</summary>
    private static async Task<(int Code, string Said)> RunAsync(string program, params string[] arguments)
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
        return (process.ExitCode, process.ExitCode == 0 ? await output : await output + await error);
    }
}
