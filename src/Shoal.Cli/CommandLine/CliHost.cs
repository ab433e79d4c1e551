namespace Shoal.Cli;

/// <summary>Where a command runs: what it writes to, and how it learns that it should stop. Tests bring their own.</summary>
internal sealed class CliHost
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>What is piped or typed in.</summary>
    public TextReader In { get; init; } = TextReader.Null;

    /// <summary>Whether somebody sits at <see cref="In"/> and can be asked.</summary>
    public bool IsInputTerminal { get; init; }

    /// <summary>Reads a line of <see cref="In"/> that nobody who looks on shall see; null: there is none.</summary>
    public Func<string?>? ReadHidden { get; init; }

    /// <summary>Whether <see cref="Out"/> is a terminal that understands cursor movement.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Cells across and down; asked again for each picture, since windows change size.</summary>
    public Func<(int Width, int Height)> TerminalSize { get; init; } = () => (80, 24);

    /// <summary>Where resume data lives unless --state says otherwise.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>The user wants files read again (SIGHUP).</summary>
    public ReloadSignal Reload { get; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The process's own terminal and folders.</summary>
    public static CliHost ForProcess()
    {
        var isTerminal =
            !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
        return new CliHost
        {
            Out = Console.Out,
            Error = Console.Error,
            In = Console.In,
            IsInputTerminal = !Console.IsInputRedirected,
            ReadHidden = Console.IsInputRedirected ? null : ReadKeys,
            IsTerminal = isTerminal,
            TerminalSize = MeasureTerminal,
            StateDirectory = DefaultStateDirectory(Environment.GetEnvironmentVariable),
        };
    }

    /// <summary>
    /// XDG base directory specification: "$XDG_STATE_HOME defines the base directory relative to which
    /// user-specific state files should be stored. If $XDG_STATE_HOME is either not set or empty, a default equal
    /// to $HOME/.local/state should be used." A relative value is to be ignored.
    /// </summary>
    internal static string DefaultStateDirectory(Func<string, string?> environment)
    {
        var xdg = environment("XDG_STATE_HOME");
        if (!string.IsNullOrEmpty(xdg) && Path.IsPathFullyQualified(xdg))
        {
            return Path.Combine(xdg, "shoal");
        }

        if (OperatingSystem.IsWindows())
        {
            return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "Shoal");
        }

        var home = environment("HOME");
        return string.IsNullOrEmpty(home)
            ? Path.Combine(Path.GetTempPath(), "shoal-" + Environment.UserName)
            : Path.Combine(home, ".local", "state", "shoal");
    }

    private static string? ReadKeys()
    {
        var line = new System.Text.StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    Console.Error.WriteLine();
                    return line.ToString();
                case ConsoleKey.Backspace when line.Length > 0:
                    line.Length--;
                    break;
                case ConsoleKey.D when key.Modifiers == ConsoleModifiers.Control && line.Length == 0:
                    Console.Error.WriteLine();
                    return null;
                default:
                    line.Append(char.IsControl(key.KeyChar) ? "" : key.KeyChar);
                    break;
            }
        }
    }

    private static (int Width, int Height) MeasureTerminal()
    {
        try
        {
            return (Math.Max(20, Console.WindowWidth), Math.Max(4, Console.WindowHeight));
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }
}
