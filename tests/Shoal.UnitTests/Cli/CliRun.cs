using Shoal.Cli;

namespace Shoal.UnitTests;

/// <summary>One run of the program inside the test: what it wrote, and how it ended.</summary>
internal sealed record CliRun(int Exit, string Out, string Error)
{
    /// <summary>For command lines that are looked at and not run.</summary>
    public static CliHost Nowhere { get; } =
        new()
        {
            Out = TextWriter.Null,
            Error = TextWriter.Null,
            StateDirectory = "",
        };

    public static Task<CliRun> Of(params string[] args) => Of(CancellationToken.None, args);

    public static Task<CliRun> Of(CancellationToken stop, params string[] args) => With(null, null, args, stop);

    /// <param name="input">What is piped in; null: nothing.</param>
    /// <param name="state">The state folder; null: one that is not there.</param>
    /// <param name="args">The command line.</param>
    public static Task<CliRun> With(string? input, string? state, params string[] args) =>
        With(input, state, args, CancellationToken.None);

    private static async Task<CliRun> With(string? input, string? state, string[] args, CancellationToken stop)
    {
        using var piped = new StringReader(input ?? "");
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Out = output,
            Error = error,
            In = piped,
            StateDirectory = state ?? Path.Combine(Path.GetTempPath(), "shoal-no-such-state"),
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
