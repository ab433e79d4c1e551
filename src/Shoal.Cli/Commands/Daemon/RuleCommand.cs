using System.CommandLine;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Which entries of feeds the daemon adds, and how.</summary>
internal static class RuleCommand
{
    public static Command Build(CliHost host) =>
        new ShoalCommand("rule", "Rules that say what the daemon takes of feeds")
        {
            Examples =
            [
                new("Whatever has these words in its title", "shoal rule set isos --contains 'netinst amd64'"),
                new("A series, each episode once", "shoal rule set series --pattern 'The Show S\\d+E\\d+' --once"),
                new("All of them, in their order", "shoal rule list"),
            ],
            Notes = ["The first rule that takes an entry decides. Feeds are added with 'shoal feed add'."],
        }.With(host, List(host), Set(host), Order(host), Remove(host));

    private static ShoalCommand List(CliHost host)
    {
        var command = new ShoalCommand("list", "Show the rules in the order in which they are asked")
        {
            Examples = [new("All of them", "shoal rule list")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        Show((await client.FeedRulesAsync(cancel)).Rules, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Set(CliHost host)
    {
        var name = Name();
        var feeds = Options.Texts("--feed", "URL", "Only entries of this feed");
        var contains = Options.Text("--contains", "WORDS", "The title has all of these words; empty: any title");
        var lacks = Options.Text("--lacks", "WORDS", "The title has none of these words");
        var pattern = Options.Text("--pattern", "REGEX", "A regular expression that matches in the title");
        var once = Options.Flag("--once", "Of each episode (S01E02, 1x02, a date) only the first release");
        var category = Options.Text("--category", "NAME", "The category of what it adds");
        var labels = Options.Texts("--label", "NAME", "A label of what it adds");
        var folder = Options.Text("--folder", "DIR", "Where the content goes (default: as the category says)");
        var paused = Options.Flag("--paused", "What it adds does not start");
        var off = Options.Flag("--off", "It takes nothing, until --on");
        var on = Options.Flag("--on", "It takes entries again");
        var command = new ShoalCommand("set", "Make a rule, or change what is named of the one of this name")
        {
            Examples =
            [
                new("By words", "shoal rule set isos --contains 'netinst amd64' --lacks edu --category linux"),
                new("Not for now", "shoal rule set isos --off"),
                new("Of one feed only", "shoal rule set isos --feed https://example.com/rss.xml"),
            ],
        };
        command.Add(name);
        var daemon = new DaemonAccess(
            host,
            command,
            [feeds, contains, lacks, pattern, once, category, labels, folder, paused, off, on]
        );
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        if (result.GetValue(off) && result.GetValue(on))
                        {
                            throw UserErrorException.Usage("--off and --on do not go together");
                        }

                        var called = result.GetRequiredValue(name);
                        var rules = (await client.FeedRulesAsync(cancel)).Rules;
                        var rule = rules.FirstOrDefault(rule => rule.Name == called) ?? new FeedRule { Name = called };
                        rule = rule with
                        {
                            Enabled =
                                result.GetValue(off) ? false
                                : result.GetValue(on) ? true
                                : rule.Enabled,
                            Feeds = result.GetValue(feeds) is { Length: > 0 } these ? these : rule.Feeds,
                            MustContain = Changed(result.GetValue(contains), rule.MustContain),
                            MustNotContain = Changed(result.GetValue(lacks), rule.MustNotContain),
                            Pattern = Changed(result.GetValue(pattern), rule.Pattern),
                            OnceAnEpisode = result.GetValue(once) || rule.OnceAnEpisode,
                            Category = Changed(result.GetValue(category), rule.Category),
                            Labels = result.GetValue(labels) is { Length: > 0 } set ? set : rule.Labels,
                            SaveDirectory = Changed(daemon.FolderOf(result, folder), rule.SaveDirectory),
                            Paused = result.GetValue(paused) || rule.Paused,
                        };
                        await client.SetFeedRuleAsync(rule, cancel);
                        output.Say("rule", rule, ApiJson.Default.FeedRule, () => $"{called}: {Describe(rule)}");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Order(CliHost host)
    {
        var names = new Argument<string[]>("NAME")
        {
            Description = "Rules that are to be asked first, in this order; the others come after them",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new ShoalCommand("order", "Say which rules are asked first")
        {
            Examples =
            [
                new("This one before all others", "shoal rule order series"),
                new("The first two", "shoal rule order series isos"),
            ],
        };
        command.Add(names);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var order = new FeedRuleOrder(result.GetRequiredValue(names));
                        Show((await client.OrderFeedRulesAsync(order, cancel)).Rules, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Remove(CliHost host)
    {
        var name = Name();
        var command = new ShoalCommand("remove", "Remove a rule; torrents that it added stay")
        {
            Examples = [new("One", "shoal rule remove isos")],
        };
        command.Add(name);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var rule = new FeedRule { Name = result.GetRequiredValue(name) };
                        await client.RemoveFeedRuleAsync(rule.Name, cancel);
                        output.Say("removed", rule, ApiJson.Default.FeedRule, () => $"Removed {rule.Name}");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static Argument<string> Name() => new("NAME") { Description = "Of the rule" };

    /// <summary>What was said, where something was; empty means nothing any more.</summary>
    private static string? Changed(string? said, string? before) =>
        said is null ? before
        : said.Length > 0 ? said
        : null;

    private static void Show(IReadOnlyList<FeedRule> rules, DaemonOutput output)
    {
        foreach (var rule in output.IsJson ? rules : [])
        {
            output.Json("rule", rule, ApiJson.Default.FeedRule);
        }

        if (!output.IsJson && rules.Count == 0)
        {
            output.Line("No rules; 'shoal rule set' makes one.");
        }
        else if (!output.IsJson)
        {
            foreach (var rule in rules)
            {
                output.Line($"{rule.Name}: {Describe(rule)}");
            }
        }
    }

    private static string Describe(FeedRule rule)
    {
        string?[] parts =
        [
            rule.Enabled == false ? "off" : null,
            rule.MustContain is { } words ? $"with '{words}'" : null,
            rule.MustNotContain is { } others ? $"without '{others}'" : null,
            rule.Pattern is { } pattern ? $"like /{pattern}/" : null,
            rule.OnceAnEpisode ? "each episode once" : null,
            rule.Feeds.Count > 0 ? "of " + string.Join(", ", rule.Feeds) : null,
            rule.Category is { } category ? $"into the category {category}" : null,
            rule.Labels is { Count: > 0 } labels ? "labelled " + string.Join(", ", labels) : null,
            rule.SaveDirectory is { } folder ? $"to {folder}" : null,
            rule.Paused ? "paused" : null,
        ];
        var said = string.Join(", ", parts.OfType<string>());
        return said.Length > 0 ? said : "everything";
    }
}
