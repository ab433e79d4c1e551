using System.CommandLine;
using System.Globalization;
using Shoal.Api;

namespace Shoal.Cli;

/// <summary>Categories: where content goes, and how long it is seeded.</summary>
internal static class CategoryCommand
{
    public static Command Build(CliHost host) =>
        new ShoalCommand("category", "Categories of the daemon: folders and limits that torrents share")
        {
            Examples =
            [
                new("With a folder", "shoal category set films --folder /srv/films"),
                new("All of them", "shoal category list"),
            ],
            Notes =
            [
                "'shoal add --category NAME' adds a torrent to one, 'shoal label --category NAME' puts one that is there into it.",
            ],
        }.With(host, List(host), Set(host), Remove(host));

    private static ShoalCommand List(CliHost host)
    {
        var command = new ShoalCommand("list", "Show all categories, those included that only torrents name")
        {
            Examples = [new("All of them", "shoal category list")],
        };
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        Show((await client.CategoriesAsync(cancel)).Categories, output);
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Set(CliHost host)
    {
        var name = Name();
        var folder = Options.Text("--folder", "DIR", "Where content of its torrents goes; empty: the download folder");
        var ratio = LimitCommand.Ratio("--ratio");
        var time = Options.Duration("--seed-time", "Pause after seeding for so long; 0: never");
        var command = new ShoalCommand("set", "Make a category, or change what is named of the one of this name")
        {
            Examples =
            [
                new("With a folder", "shoal category set films --folder /srv/films"),
                new("Seed until twice was given back", "shoal category set linux --ratio 2"),
            ],
            Notes = ["The folder is for torrents that are added from now on; what is there stays where it is."],
        };
        command.Add(name);
        var daemon = new DaemonAccess(host, command, folder, ratio, time);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var called = result.GetRequiredValue(name);
                        var all = (await client.CategoriesAsync(cancel)).Categories;
                        var category =
                            all.FirstOrDefault(category => category.Name == called)
                            ?? new CategoryItem { Name = called };
                        var place = daemon.FolderOf(result, folder) ?? category.SaveDirectory;
                        category = category with
                        {
                            SaveDirectory = place is { Length: > 0 } ? place : null,
                            RatioLimit = result.GetValue(ratio) ?? category.RatioLimit,
                            SeedTimeLimit = (long?)result.GetValue(time)?.TotalSeconds ?? category.SeedTimeLimit,
                        };
                        await client.SetCategoryAsync(category, cancel);
                        output.Say(
                            "category",
                            category,
                            ApiJson.Default.CategoryItem,
                            () => $"{called}: content goes to {category.SaveDirectory ?? "the download folder"}"
                        );
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static ShoalCommand Remove(CliHost host)
    {
        var name = Name();
        var command = new ShoalCommand("remove", "Remove a category; its torrents stay, without one")
        {
            Examples = [new("One", "shoal category remove films")],
        };
        command.Add(name);
        var daemon = new DaemonAccess(host, command);
        command.SetAction(
            (result, cancel) =>
                daemon.UseAsync(
                    result,
                    async (client, output) =>
                    {
                        var category = new CategoryItem { Name = result.GetRequiredValue(name) };
                        await client.RemoveCategoryAsync(category.Name, cancel);
                        output.Say("removed", category, ApiJson.Default.CategoryItem, () => $"Removed {category.Name}");
                        return ExitCode.Done;
                    }
                )
        );
        return command;
    }

    private static Argument<string> Name() => new("NAME") { Description = "Of the category" };

    private static void Show(IReadOnlyList<CategoryItem> categories, DaemonOutput output)
    {
        foreach (var category in output.IsJson ? categories : [])
        {
            output.Json("category", category, ApiJson.Default.CategoryItem);
        }

        if (!output.IsJson && categories.Count == 0)
        {
            output.Line("No categories; 'shoal category set' makes one.");
        }
        else if (!output.IsJson)
        {
            output.Table(
                ["CATEGORY", "FOLDER", "RATIO", "SEED TIME"],
                [
                    .. categories.Select(category =>
                        (IReadOnlyList<string>)
                            [
                                category.Name,
                                category.SaveDirectory ?? "-",
                                category.RatioLimit?.ToString("0.##", CultureInfo.InvariantCulture) ?? "-",
                                category.SeedTimeLimit is { } seconds
                                    ? Duration.Format(TimeSpan.FromSeconds(seconds))
                                    : "-",
                            ]
                    ),
                ]
            );
        }
    }
}
