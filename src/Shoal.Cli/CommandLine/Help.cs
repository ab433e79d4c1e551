using System.CommandLine;
using System.CommandLine.Invocation;

namespace Shoal.Cli;

/// <summary>Prints the help of a command: what it does, how it is written, its options in groups, and examples.</summary>
internal sealed class Help(CliHost host) : SynchronousCommandLineAction
{
    private const int MaxWidth = 100;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Write(parseResult.CommandResult.Command, host.Out, Math.Min(MaxWidth, host.TerminalSize().Width));
        return ExitCode.Done;
    }

    internal static void Write(Command command, TextWriter output, int width)
    {
        output.WriteLine(command.Description);
        output.WriteLine();
        output.WriteLine("Usage:");
        output.WriteLine("  " + Usage(command));
        WriteTable(
            output,
            "Commands",
            command.Subcommands.Where(sub => !sub.Hidden).Select(sub => (sub.Name, sub.Description ?? "")),
            width
        );
        WriteTable(
            output,
            "Arguments",
            command
                .Arguments.Where(argument => !argument.Hidden)
                .Select(argument => (argument.HelpName ?? argument.Name, argument.Description ?? "")),
            width
        );
        var grouped = new HashSet<Option>();
        if (command is ShoalCommand shoal)
        {
            foreach (var (title, options) in shoal.Groups)
            {
                WriteTable(output, title, options.Select(Row), width);
                grouped.UnionWith(options);
            }
        }

        WriteTable(
            output,
            grouped.Count > 0 ? "Other options" : "Options",
            AllOptions(command).Where(option => !grouped.Contains(option)).Select(Row),
            width
        );
        if (command is ShoalCommand { Notes: var notes, Examples: var examples })
        {
            foreach (var note in notes)
            {
                output.WriteLine();
                Wrap(note, width).ForEach(output.WriteLine);
            }

            output.WriteLine();
            output.WriteLine("Examples:");
            foreach (var example in examples)
            {
                output.WriteLine($"  # {example.What}");
                output.WriteLine($"  {example.Line}");
            }
        }

        if (command.Subcommands.Count > 0)
        {
            output.WriteLine();
            output.WriteLine($"'{ShoalProgram.FullName(command)} COMMAND --help' says more about a command.");
        }
    }

    private static IEnumerable<Option> AllOptions(Command command)
    {
        foreach (var option in command.Options.Where(option => !option.Hidden))
        {
            yield return option;
        }

        foreach (var parent in command.Parents.OfType<Command>())
        {
            foreach (var option in parent.Options.Where(option => option.Recursive && !option.Hidden))
            {
                yield return option;
            }
        }
    }

    private static string Usage(Command command)
    {
        var name = ShoalProgram.FullName(command);
        var arguments = command
            .Arguments.Where(argument => !argument.Hidden)
            .Select(argument =>
            {
                var text = argument.HelpName ?? argument.Name;
                text = argument.Arity.MaximumNumberOfValues > 1 ? text + "..." : text;
                return argument.Arity.MinimumNumberOfValues == 0 ? $"[{text}]" : text;
            });
        return string.Join(' ', [name, .. command.Subcommands.Count > 0 ? ["COMMAND"] : arguments, "[options]"]);
    }

    private static (string Left, string Right) Row(Option option)
    {
        var names = option.Aliases.Where(alias => alias is not "-?" and not "/?" and not "/h").Append(option.Name);
        var left = string.Join(", ", names.Distinct().OrderBy(name => name.Length));
        return (option.HelpName is null ? left : $"{left} {option.HelpName}", option.Description ?? "");
    }

    private static void WriteTable(
        TextWriter output,
        string title,
        IEnumerable<(string Left, string Right)> rows,
        int width
    )
    {
        var all = rows.ToList();
        if (all.Count == 0)
        {
            return;
        }

        output.WriteLine();
        output.WriteLine(title + ":");
        var column = Math.Min(34, all.Max(row => row.Left.Length) + 4);
        foreach (var (left, right) in all)
        {
            var lines = Wrap(right, Math.Max(20, width - column));
            if (left.Length + 4 > column)
            {
                output.WriteLine("  " + left);
                output.WriteLine(new string(' ', column) + lines[0]);
            }
            else
            {
                output.WriteLine(("  " + left).PadRight(column) + lines[0]);
            }

            foreach (var line in lines.Skip(1))
            {
                output.WriteLine(new string(' ', column) + line);
            }
        }
    }

    private static List<string> Wrap(string text, int width)
    {
        var lines = new List<string>();
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                lines.Add(line);
                line = "";
            }

            line = line.Length == 0 ? word : line + " " + word;
        }

        lines.Add(line);
        return lines;
    }
}
