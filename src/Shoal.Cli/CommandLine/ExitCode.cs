namespace Shoal.Cli;

/// <summary>What the shell learns from a command.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Data is incomplete or does not match.</summary>
    public const int Incomplete = 3;

    /// <summary>Interrupted, after a clean stop.</summary>
    public const int Interrupted = 130;
}

/// <summary>
/// A failure that the user can understand and mend: one line that names the input and the fault. Commands throw
/// it, and only the entry to the program catches it.
/// </summary>
/// <param name="code">Stable, kebab-case, for programs that read --json.</param>
/// <param name="message">One line; text from outside in it is made safe when it is printed.</param>
internal sealed class UserErrorException(string code, string message, int exitCode = ExitCode.Failed)
    : Exception(message)
{
    public string Code { get; } = code;

    public int Exit { get; } = exitCode;

    public static UserErrorException Usage(string message) => new("usage", message, ExitCode.Usage);
}
