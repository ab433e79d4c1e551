using Shoal.Cli;

namespace Shoal.UnitTests;

/// <summary>One run of the program inside the test: what it wrote, and how it ended.</summary>
internal sealed record CliRun(int Exit, string Out, string Error)
{
    public static Task<CliRun> Of(params string[] args) => Of(CancellationToken.None, args);

    public static async Task<CliRun> Of(CancellationToken stop, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Out = output,
            Error = error,
            StateDirectory = Path.Combine(Path.GetTempPath(), "shoal-no-such-state"),
        };
        var exit = await ShoalProgram.RunAsync(args, host, stop);
        return new CliRun(exit, output.ToString(), error.ToString());
    }

    /// <summary>One line on stderr, nothing on stdout, and nothing that looks like a stack trace.</summary>
    public void IsOneLine(int exit, params string[] words)
    {
        Assert.Equal(exit, Exit);
        Assert.Equal("", Out);
        Assert.Equal(1, Error.Count(c => c == '\n'));
        Assert.StartsWith("shoal: ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", Error, StringComparison.Ordinal);
        Assert.All(words, word => Assert.Contains(word, Error, StringComparison.Ordinal));
    }
}
