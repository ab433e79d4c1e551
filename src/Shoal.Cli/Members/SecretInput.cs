namespace Shoal.Cli;

/// <summary>Secrets that are typed or piped in, so that they stand in no argument list.</summary>
internal static class SecretInput
{
    // A link has some 150 characters; whoever pipes more pipes something else.
    private const int MaxLength = 4096;

    /// <summary>A line that is typed and not shown.</summary>
    /// <exception cref="UserErrorException">Nothing was typed.</exception>
    public static string ReadHidden(CliHost host, string prompt)
    {
        return (host.ReadHidden ?? ReadShown)(prompt) is { Length: > 0 } typed
            ? typed
            : throw UserErrorException.Usage("nothing was typed");

        string? ReadShown(string asked)
        {
            host.Error.Write(asked);
            host.Error.Flush();
            return host.In.ReadLine();
        }
    }

    /// <summary>One line of the standard input.</summary>
    /// <param name="host">Where the command runs.</param>
    /// <param name="prompt">Shown when somebody sits there.</param>
    /// <exception cref="UserErrorException">There is no line, or a far too long one.</exception>
    public static string ReadLine(CliHost host, string prompt)
    {
        if (host.IsInputTerminal)
        {
            host.Error.Write(prompt);
            host.Error.Flush();
        }

        var line = new System.Text.StringBuilder();
        int c;
        while ((c = host.In.Read()) is not (-1 or '\n'))
        {
            if (line.Append((char)c).Length > MaxLength)
            {
                throw UserErrorException.Usage("what comes from the standard input is far too long");
            }
        }

        var text = line.ToString().Trim();
        return text.Length > 0 ? text : throw UserErrorException.Usage("nothing came from the standard input");
    }
}
