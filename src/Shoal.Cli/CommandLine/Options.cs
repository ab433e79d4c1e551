using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Shoal.Cli;

internal delegate bool TryParse<T>(string text, out T value);

/// <summary>Makers of options whose values are checked while the command line is read.</summary>
internal static class Options
{
    public static Option<bool> Flag(string name, string description) => new(name) { Description = description };

    /// <summary>Of the commands that seed.</summary>
    public static Option<bool> SuperSeed() =>
        Flag(
            "--super-seed",
            "Show each peer a piece at a time, and rest while others have everything (BEP 16): uploads little more than one copy"
        );

    public static Option<string?> Text(string name, string valueName, string description, params string[] aliases) =>
        new(name, aliases) { Description = description, HelpName = valueName };

    /// <summary>An option that may be given several times, one value each.</summary>
    public static Option<string[]> Texts(string name, string valueName, string description) =>
        new(name)
        {
            Description = description + " (may be repeated)",
            HelpName = valueName,
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
        };

    /// <param name="expected">Ends the sentence "'x' is not ...", with an example.</param>
    public static Option<T?> Value<T>(
        string name,
        string valueName,
        string description,
        string expected,
        TryParse<T> parse
    )
        where T : struct =>
        new(name)
        {
            Description = description,
            HelpName = valueName,
            CustomParser = result =>
            {
                if (parse(Single(result), out var value))
                {
                    return value;
                }

                result.AddError($"{name}: '{Single(result)}' is not {expected}");
                return null;
            },
        };

    /// <inheritdoc cref="Value{T}"/>
    public static Option<List<T>> Values<T>(
        string name,
        string valueName,
        string description,
        string expected,
        TryParse<T> parse
    ) =>
        new(name)
        {
            Description = description + " (may be repeated)",
            HelpName = valueName,
            Arity = ArgumentArity.OneOrMore,
            DefaultValueFactory = _ => [],
            CustomParser = result =>
            {
                var values = new List<T>();
                foreach (var token in result.Tokens)
                {
                    if (parse(token.Value, out var value))
                    {
                        values.Add(value);
                    }
                    else
                    {
                        result.AddError($"{name}: '{token.Value}' is not {expected}");
                    }
                }

                return values;
            },
        };

    public static Option<long?> Size(string name, string description) =>
        Value<long>(name, "SIZE", description, "a size like 16KiB, 1MiB or 512K", ByteSize.TryParse);

    public static Option<long?> Rate(string name, string description) =>
        Value<long>(
            name,
            "RATE",
            description,
            "a rate like 2MiB/s or 20Mbit/s",
            static (string text, out long value) => Cli.Rate.TryParse(text, out value)
        );

    public static Option<TimeSpan?> Duration(string name, string description) =>
        Value<TimeSpan>(name, "DURATION", description, "a duration like 90s, 10m or 1h30m", Cli.Duration.TryParse);

    public static Option<int?> Number(string name, string description, int min, int max) =>
        Value(
            name,
            "N",
            description,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}"),
            (string text, out int value) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)
                && value >= min
                && value <= max
        );

    /// <summary>One of a few words.</summary>
    public static Option<string?> Choice(string name, string description, params string[] words)
    {
        var option = new Option<string?>(name)
        {
            Description = description,
            HelpName = string.Join('|', words),
            CustomParser = result =>
            {
                if (!words.Contains(Single(result)))
                {
                    result.AddError($"{name}: '{Single(result)}' is not one of {string.Join(", ", words)}");
                }

                return Single(result);
            },
        };
        option.CompletionSources.Add(words);
        return option;
    }

    private static string Single(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
}
