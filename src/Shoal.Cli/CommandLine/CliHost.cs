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

    /// <summary>Asks for a line of <see cref="In"/> that nobody who looks on shall see; null: there is none.</summary>
    public Func<string, string?>? ReadHidden { get; init; }

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
        var (hasIn, hasOut, hasError) = OperatingSystem.IsLinux()
            ? (IsGiven(0), IsGiven(1), IsGiven(2))
            : (true, true, true);
        if (!(hasIn && hasOut && hasError))
        {
            FillStandardDescriptors();
        }

        var isTerminal =
            hasOut
            && !Console.IsOutputRedirected
            && Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } and not "dumb";
        return new CliHost
        {
            Out = hasOut ? Console.Out : TextWriter.Null,
            Error = hasError ? Console.Error : TextWriter.Null,
            In = hasIn ? Console.In : TextReader.Null,
            IsInputTerminal = hasIn && !Console.IsInputRedirected,
            ReadHidden = !hasIn || Console.IsInputRedirected ? null : ReadKeys,
            IsTerminal = isTerminal,
            TerminalSize = MeasureTerminal,
            StateDirectory = DefaultStateDirectory(
                Environment.GetEnvironmentVariable,
                Environment.GetFolderPath(
                    Environment.SpecialFolder.UserProfile,
                    Environment.SpecialFolderOption.DoNotVerify
                )
            ),
        };
    }

    /// <summary>
    /// XDG base directory specification: "$XDG_STATE_HOME defines the base directory relative to which
    /// user-specific state files should be stored. If $XDG_STATE_HOME is either not set or empty, a default equal
    /// to $HOME/.local/state should be used." A relative value is to be ignored.
    /// </summary>
    /// <param name="environment">The value of a variable, or null.</param>
    /// <param name="accountHome">
    /// The home folder by the system's list of accounts, for services and timers that have no HOME; empty: none. Only where
    /// there is none the folder of temporary files has to do, where somebody else may have made that name before.
    /// </param>
    internal static string DefaultStateDirectory(Func<string, string?> environment, string accountHome)
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

        var home = environment("HOME") is { Length: > 0 } said ? said : accountHome.TrimEnd('/');
        return home.Length == 0
            ? Path.Combine(Path.GetTempPath(), "shoal-" + Environment.UserName)
            : Path.Combine(home, ".local", "state", "shoal");
    }

    /// <summary>
    /// Whether whoever started us gave us the descriptor. A shell can close it (<c>>&amp;-</c>): then it is free, or something
    /// that the runtime has opened has its number, which unlike what is inherited is closed at an exec.
    /// </summary>
    private static bool IsGiven(int descriptor)
    {
        const int CloseOnExec = 0x80000;
        try
        {
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}")
                .First(line => line.StartsWith("flags:", StringComparison.Ordinal));
            return (Convert.ToInt32(flags[6..].Trim(), 8) & CloseOnExec) == 0;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            // No such folder: a system that does not say.
            return true;
        }
    }

    /// <summary>
    /// The next file that is opened gets the lowest number that is free: what is meant for the terminal would be written into
    /// content.
    /// </summary>
    private static void FillStandardDescriptors()
    {
        while (true)
        {
            var lowest = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            if (lowest.DangerousGetHandle() > 2)
            {
                lowest.Dispose();
                return;
            }

            // Stays open until the process ends.
            lowest.SetHandleAsInvalid();
        }
    }

    private static string? ReadKeys(string prompt)
    {
        // A terminal shows what is typed until somebody looks for keys there: whoever answers at once would be seen.
        _ = Console.KeyAvailable;
        Console.Error.Write(prompt);
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
