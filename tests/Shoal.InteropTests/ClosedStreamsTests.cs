using System.Diagnostics;

namespace Shoal.InteropTests;

/// <summary>Started by a script or a service that closed standard streams: a line never ends in a file that was opened instead.</summary>
public sealed class ClosedStreamsTests
{
    [Theory]
    [InlineData(">&-")]
    [InlineData("2>&-")]
    [InlineData("<&-")]
    [InlineData("<&- >&- 2>&-")]
    public async Task Without_standard_streams_the_work_is_done_and_nothing_else_is_written(string closed)
    {
        var folder = Directory.CreateTempSubdirectory("shoal-closed-").FullName;
        try
        {
            var content = Path.Combine(folder, "content");
            await File.WriteAllBytesAsync(content, new byte[100_000]);
            string[] command = [Tools.Shoal, "create", content, "--no-date", "-o"];
            Assert.Equal(0, await ShellAsync("exec \"$@\"", [.. command, Path.Combine(folder, "open")]));
            Assert.Equal(0, await ShellAsync($"exec \"$@\" {closed}", [.. command, Path.Combine(folder, "closed")]));
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(folder, "open")),
                await File.ReadAllBytesAsync(Path.Combine(folder, "closed"))
            );
            Assert.Equal(1, await ShellAsync($"exec \"$@\" {closed}", [.. command[..2], folder + "/nothing"]));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> ShellAsync(string script, string[] arguments)
    {
        using var shell = Process.Start("sh", ["-c", script, "sh", .. arguments]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await shell.WaitForExitAsync(patience.Token);
        return shell.ExitCode;
    }
}
