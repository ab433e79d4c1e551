using System.CommandLine;

namespace Shoal.Cli;

/// <summary>Prints what a shell must read to complete Shoal's commands and options.</summary>
internal static class CompletionCommand
{
    // Each asks the program itself (the hidden command below), so completion always knows this version's options.
    private const string Bash = """
        _shoal() {
            local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]}
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" __complete "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)" -- "$cur"))
        }
        complete -o default -o bashdefault -F _shoal shoal ./shoal
        """;

    private const string Zsh = """
        #compdef shoal
        _shoal() {
            local -a found
            found=("${(@f)$("${words[1]}" __complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
            found=(${found:#})
            compadd -a found
            _files
        }
        compdef _shoal shoal ./shoal
        """;

    private const string Fish = """
        complete -c shoal -a '(commandline -cp | read -l line; shoal __complete "$line" 2>/dev/null)'
        """;

    public static Command Build(CliHost host)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        string[] shells = ["bash", "zsh", "fish"];
        shell.CompletionSources.Add(shells);
        shell.Validators.Add(value =>
        {
            if (value.Tokens is [var token] && !shells.Contains(token.Value))
            {
                value.AddError($"there is no completion for '{token.Value}', only for bash, zsh and fish");
            }
        });
        var command = new ShoalCommand("completion", "Print the script that lets a shell complete shoal's commands")
        {
            Examples =
            [
                new("bash, for this session", "source <(shoal completion bash)"),
                new("bash, for good", "shoal completion bash > ~/.local/share/bash-completion/completions/shoal"),
                new("zsh", "shoal completion zsh > ~/.zfunc/_shoal"),
                new("fish", "shoal completion fish > ~/.config/fish/completions/shoal.fish"),
            ],
        };
        command.Add(shell);
        command.SetAction(result =>
        {
            host.Out.WriteLine(
                result.GetRequiredValue(shell) switch
                {
                    "bash" => Bash,
                    "zsh" => Zsh,
                    _ => Fish,
                }
            );
            return ExitCode.Done;
        });
        return command;
    }
}

/// <summary>Answers the scripts of <see cref="CompletionCommand"/>: what could stand at the end of this line.</summary>
internal static class CompleteCommand
{
    public static Command Build(CliHost host, RootCommand root)
    {
        var line = new Argument<string>("LINE") { Description = "The command line up to the cursor" };
        var command = new Command("__complete", "For completion scripts") { Hidden = true };
        command.Add(line);
        command.SetAction(result =>
        {
            foreach (var word in Complete(root, result.GetRequiredValue(line)))
            {
                host.Out.WriteLine(word);
            }

            return ExitCode.Done;
        });
        return command;
    }

    internal static IReadOnlyList<string> Complete(RootCommand root, string line)
    {
        // Up to the first space stands the program's own name, whatever it is called here.
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var rest = space < 0 ? "" : line[(space + 1)..];
        var word = rest[(rest.LastIndexOf(' ') + 1)..];
        // Asked without the word that is being typed: a whole option ("--seed") would count as given, and hide those
        // that begin like it.
        var before = rest[..^word.Length];
        return
        [
            .. root.Parse(before, ShoalProgram.Parsing)
                .GetCompletions(before.Length)
                .Select(item => item.InsertText ?? item.Label)
                .Where(label => label.StartsWith(word, StringComparison.Ordinal) && label is not ("/?" or "-?" or "/h"))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }
}
