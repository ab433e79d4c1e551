using Shoal.Api;

namespace Shoal.Daemon;

// Categories and labels: what holds for many torrents at once.
internal sealed partial class TorrentLibrary
{
    public CategoryBook Book => _categories.Book;

    /// <summary>Where the content of a new torrent goes: where the caller says, else where its category says, else where the settings say.</summary>
    /// <param name="wished">Of the caller; null: he does not mind.</param>
    /// <param name="category">Null: none.</param>
    /// <param name="roots">Folders that the caller may name. That of a category was allowed when it was decided.</param>
    /// <exception cref="ApiException">The caller may not name this folder.</exception>
    public string FolderFor(string? wished, string? category, IReadOnlyList<string>? roots) =>
        wished is null && Book.Category(category)?.SaveDirectory is { } folder
            ? folder
            : PathJail.Check(wished ?? _settings.Current.DownloadFolder, roots);

    /// <summary>When it has seeded enough, by whoever decides that.</summary>
    public SeedingLimits SeedingLimitsOf(LibraryEntry entry) =>
        SeedingRule.Of(entry, Book, _settings.Current.Ratio, _settings.Current.SeedTime);

    /// <summary>All that were decided about, and all that torrents name.</summary>
    public CategoryList Categories()
    {
        lock (_lock)
        {
            var names = _order.Select(torrent => torrent.Entry.Category).OfType<string>().Distinct();
            return new CategoryList([
                .. names
                    .Select(name => Book.Category(name) ?? new CategoryItem { Name = name })
                    .UnionBy(Book.Categories, item => item.Name)
                    .OrderBy(item => item.Name, StringComparer.Ordinal),
            ]);
        }
    }

    /// <summary>All that were decided about, and all that torrents have.</summary>
    public LabelList Labels()
    {
        lock (_lock)
        {
            var names = _order.SelectMany(torrent => torrent.Entry.Labels).Distinct();
            return new LabelList([
                .. names
                    .Select(name => Book.Label(name) ?? new LabelItem { Name = name })
                    .UnionBy(Book.Labels, item => item.Name)
                    .OrderBy(item => item.Name, StringComparer.Ordinal),
            ]);
        }
    }

    /// <summary>Makes a category, or decides otherwise about one. Torrents that are in it stay where they are.</summary>
    /// <param name="category">Its folder checked already.</param>
    public Task SetCategoryAsync(CategoryItem category)
    {
        if (category.Name.Length == 0)
        {
            throw ApiException.Bad("name", "name: a category has a name");
        }

        CheckLabels(null, category.Name);
        CheckNumbers(0, 0, category.RatioLimit, category.SeedTimeLimit, least: 0);
        return _categories.ChangeAsync(book => book.With(category));
    }

    /// <summary>Makes a label, or decides otherwise about one.</summary>
    public Task SetLabelAsync(LabelItem label)
    {
        CheckLabels([label.Name], null);
        CheckNumbers(0, 0, label.RatioLimit, label.SeedTimeLimit, least: 0);
        return _categories.ChangeAsync(book => book.With(label));
    }

    /// <summary>Torrents that are in it have none then.</summary>
    public async Task RemoveCategoryAsync(string name)
    {
        await _categories.ChangeAsync(book => book.WithoutCategory(name)).ConfigureAwait(false);
        await ChangeAllAsync(entry => entry.Category == name, entry => entry with { Category = null })
            .ConfigureAwait(false);
    }

    /// <summary>Torrents lose it.</summary>
    public async Task RemoveLabelAsync(string name)
    {
        await _categories.ChangeAsync(book => book.WithoutLabel(name)).ConfigureAwait(false);
        await ChangeAllAsync(
                entry => entry.Labels.Contains(name),
                entry => entry with { Labels = [.. entry.Labels.Where(label => label != name)] }
            )
            .ConfigureAwait(false);
    }

    private Task ChangeAllAsync(Func<LibraryEntry, bool> which, Func<LibraryEntry, LibraryEntry> change)
    {
        lock (_lock)
        {
            var saved = Task.WhenAll(
                _order.Where(torrent => which(torrent.Entry)).Select(torrent => Keep(torrent, change(torrent.Entry)))
            );
            return SavedAsync(saved);
        }
    }
}
