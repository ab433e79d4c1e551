using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>What the user decided about categories and labels. Immutable; replaced whole.</summary>
internal sealed record CategoryBook
{
    /// <summary>Categories, and labels too; beyond it none is taken. Default 10,000.</summary>
    public const int MaxEntries = 10_000;

    public static CategoryBook Empty { get; } = new();

    /// <summary>Sorted by name.</summary>
    public IReadOnlyList<CategoryItem> Categories
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Sorted by name.</summary>
    public IReadOnlyList<LabelItem> Labels
    {
        get;
        init => field = value ?? [];
    } = [];

    /// <summary>Null: nothing was decided about it.</summary>
    public CategoryItem? Category(string? name) => name is null ? null : Find(Categories, name, item => item.Name);

    /// <summary>Null: nothing was decided about it.</summary>
    public LabelItem? Label(string name) => Find(Labels, name, item => item.Name);

    /// <summary>The book with this category instead of the one of its name.</summary>
    public CategoryBook With(CategoryItem category) =>
        this with
        {
            Categories = With(Categories, category, item => item.Name),
        };

    /// <summary>The book with this label instead of the one of its name.</summary>
    public CategoryBook With(LabelItem label) => this with { Labels = With(Labels, label, item => item.Name) };

    public CategoryBook WithoutCategory(string name) =>
        this with
        {
            Categories = [.. Categories.Where(item => item.Name != name)],
        };

    public CategoryBook WithoutLabel(string name) =>
        this with
        {
            Labels = [.. Labels.Where(item => item.Name != name)],
        };

    private static T? Find<T>(IReadOnlyList<T> items, string name, Func<T, string> nameOf)
        where T : class
    {
        // Sorted, and asked for each torrent once a second.
        var (low, high) = (0, items.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(nameOf(items[middle]), name);
            if (order == 0)
            {
                return items[middle];
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return null;
    }

    private static IReadOnlyList<T> With<T>(IReadOnlyList<T> items, T item, Func<T, string> nameOf) =>
        [.. items.Where(other => nameOf(other) != nameOf(item)).Append(item).OrderBy(nameOf, StringComparer.Ordinal)];
}
