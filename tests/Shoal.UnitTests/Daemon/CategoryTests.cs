using Shoal.Api;
using Shoal.Daemon;

namespace Shoal.UnitTests;

public sealed class CategoryTests
{
    // Torrent, category, labels, settings; '-' says nothing.
    [Theory]
    [InlineData("-", "-", "-", 0, 0)]
    [InlineData("-", "-", "-", 3, 3)]
    [InlineData("-", "-", "1", 3, 1)]
    [InlineData("-", "2", "1", 3, 2)]
    [InlineData("4", "2", "1", 3, 4)]
    [InlineData("0", "2", "1", 3, 0)]
    [InlineData("-", "0", "1", 3, 0)]
    [InlineData("-", "-", "1,5,2", 3, 5)]
    [InlineData("-", "-", "1,0,2", 3, 0)]
    [InlineData("-", "-", "-,2", 3, 2)]
    public void The_limit_that_is_nearest_to_the_torrent_holds(
        string torrent,
        string category,
        string labels,
        long settings,
        long holds
    )
    {
        var book = CategoryBook.Empty.With(
            new CategoryItem
            {
                Name = "c",
                RatioLimit = Number(category),
                SeedTimeLimit = (long?)Number(category),
            }
        );
        var names = new List<string> { "never decided about" };
        foreach (var limit in labels.Split(','))
        {
            names.Add($"l{names.Count}");
            book = book.With(
                new LabelItem
                {
                    Name = names[^1],
                    RatioLimit = Number(limit),
                    SeedTimeLimit = (long?)Number(limit),
                }
            );
        }

        var entry = new LibraryEntry
        {
            Id = "1",
            Name = "n",
            SaveDirectory = "/",
            Category = "c",
            Labels = names,
            RatioLimit = Number(torrent),
            SeedTimeLimit = (long?)Number(torrent),
        };
        Assert.Equal(new SeedingLimits(holds, holds), SeedingRule.Of(entry, book, settings, settings));
    }

    [Fact]
    public void Ratio_and_time_are_looked_for_each_on_their_own()
    {
        var book = CategoryBook.Empty.With(new CategoryItem { Name = "c", SeedTimeLimit = 60 });
        var entry = new LibraryEntry
        {
            Id = "1",
            Name = "n",
            SaveDirectory = "/",
            Category = "c",
        };
        Assert.Equal(new SeedingLimits(2, 60), SeedingRule.Of(entry, book, 2, 30));
    }

    [Theory]
    [InlineData(2.0, 0, 199, 100, 0, false)]
    [InlineData(2.0, 0, 200, 100, 0, true)]
    [InlineData(0.0, 0, 200, 100, 999, false)]
    [InlineData(0.0, 60, 0, 100, 59, false)]
    [InlineData(0.0, 60, 0, 100, 60, true)]
    [InlineData(2.0, 0, 0, 0, 0, false)]
    public void Enough_is_a_ratio_or_a_time(double ratio, long seconds, long up, long by, long seeded, bool isEnough) =>
        Assert.Equal(isEnough, new SeedingLimits(ratio, seconds).AreReached(up, by, seeded));

    [Fact]
    public async Task What_was_decided_survives_and_names_can_be_anything()
    {
        using var folder = new TempFolder();
        var path = folder["categories.json"];
        string[] names = ["films", "films/4k", "é \"'<>", "a", "z"];
        var store = CategoryStore.Open(path);
        foreach (var name in names)
        {
            await store.ChangeAsync(book =>
                book.With(new CategoryItem { Name = name, SaveDirectory = "/" + name })
                    .With(new LabelItem { Name = name })
            );
        }

        await store.ChangeAsync(book => book.With(new CategoryItem { Name = "a", RatioLimit = 1.5 }));
        await store.ChangeAsync(book => book.WithoutCategory("z").WithoutLabel("a"));
        var again = CategoryStore.Open(path).Book;
        Assert.Equal(4, again.Categories.Count);
        Assert.Equal("/films/4k", again.Category("films/4k")!.SaveDirectory);
        Assert.Equal((1.5, null), (again.Category("a")!.RatioLimit, again.Category("a")!.SaveDirectory));
        Assert.Null(again.Category("z"));
        Assert.Null(again.Category(null));
        Assert.Null(again.Label("a"));
        Assert.All(names.Where(name => name != "a"), name => Assert.NotNull(again.Label(name)));
    }

    [Fact]
    public async Task A_broken_file_is_named_and_a_folder_that_cannot_be_written_changes_nothing()
    {
        using var folder = new TempFolder();
        var path = folder["categories.json"];
        await File.WriteAllTextAsync(path, "{\"categories\":[{");
        var error = Assert.Throws<IOException>(() => CategoryStore.Open(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);

        var store = CategoryStore.Open(folder["gone/categories.json"]);
        var problem = await Assert.ThrowsAsync<ApiException>(() =>
            store.ChangeAsync(book => book.With(new LabelItem { Name = "x" }))
        );
        Assert.Equal("state-not-saved", problem.Code);
        Assert.Empty(store.Book.Labels);
    }

    private static double? Number(string text) => text == "-" ? null : double.Parse(text);
}
