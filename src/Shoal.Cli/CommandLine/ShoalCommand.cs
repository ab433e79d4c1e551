using System.CommandLine;

namespace Shoal.Cli;

/// <summary>One line of a command's help that a user can copy.</summary>
internal sealed record Example(string What, string Line);

/// <summary>A command that explains itself: examples, notes, and options in groups.</summary>
internal sealed class ShoalCommand(string name, string description) : Command(name, description)
{
    private readonly List<(string Title, List<Option> Options)> _groups = [];

    public required IReadOnlyList<Example> Examples { get; init; }

    /// <summary>Paragraphs below the options.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>In the order of the help.</summary>
    public IReadOnlyList<(string Title, List<Option> Options)> Groups => _groups;

    /// <summary>A command that only holds others: alone it shows its help.</summary>
    public ShoalCommand With(CliHost host, params IEnumerable<Command> commands)
    {
        foreach (var command in commands)
        {
            Add(command);
        }

        SetAction(_ =>
        {
            Help.Write(this, host.Error, host.TerminalSize().Width);
            return ExitCode.Usage;
        });
        return this;
    }

    public void AddGroup(string title, IEnumerable<Option> options)
    {
        var group = (title, new List<Option>(options));
        _groups.Add(group);
        foreach (var option in group.Item2)
        {
            Add(option);
        }
    }
}
