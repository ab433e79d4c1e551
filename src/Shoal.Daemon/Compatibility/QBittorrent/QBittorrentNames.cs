using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Categories and tags; tags are our labels.</summary>
internal static class QBittorrentNames
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrents/categories"] = new(AccessScope.Read, false, CategoriesAsync),
            ["torrents/createCategory"] = new(AccessScope.Control, true, call => SetAsync(call, isNew: true)),
            ["torrents/editCategory"] = new(AccessScope.Control, true, call => SetAsync(call, isNew: false)),
            ["torrents/removeCategories"] = new(AccessScope.Control, true, RemoveAsync),
            ["torrents/setCategory"] = new(AccessScope.Control, true, ChooseAsync),
            ["torrents/tags"] = new(AccessScope.Read, false, TagsAsync),
            ["torrents/createTags"] = new(AccessScope.Control, true, CreateTagsAsync),
            ["torrents/deleteTags"] = new(AccessScope.Control, true, DeleteTagsAsync),
            ["torrents/addTags"] = Tags((has, named) => [.. has, .. named]),
            ["torrents/removeTags"] = Tags((has, named) => named.Count == 0 ? [] : [.. has.Except(named)]),
            ["torrents/setTags"] = Tags((_, named) => named),
        };

    /// <summary>A category as the protocol has it.</summary>
    public static QBittorrentValue PathOf(CategoryItem category) => category.SaveDirectory ?? "";

    private static Task CategoriesAsync(QBittorrentCall call) =>
        call.WriteJsonAsync(json =>
        {
            json.WriteStartObject();
            foreach (var category in call.Library.Categories().Categories)
            {
                json.WritePropertyName(category.Name);
                QBittorrentDetails.WriteObject(json, [("name", category.Name), ("savePath", PathOf(category))]);
            }

            json.WriteEndObject();
        });

    private static async Task SetAsync(QBittorrentCall call, bool isNew)
    {
        var name = call.Need("category");
        if (name.Length == 0)
        {
            throw ApiException.Bad("category", "Category cannot be empty");
        }

        var known = Find(call, name);
        if (isNew == known is not null)
        {
            throw new ApiException(409, "bad-value", isNew ? "Unable to create category" : "Unable to edit category");
        }

        var folder = call.Text("savePath")?.Trim() is { Length: > 0 } path
            ? QBittorrentAdding.FolderOf(call, "savePath", path)
            : null;
        var category = (known ?? new CategoryItem { Name = name }) with { SaveDirectory = folder };
        await call.Library.SetCategoryAsync(category).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task RemoveAsync(QBittorrentCall call)
    {
        call.Need("categories");
        foreach (var name in call.List("categories", '\n'))
        {
            await call.Library.RemoveCategoryAsync(name).ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static async Task ChooseAsync(QBittorrentCall call)
    {
        var name = call.Need("category");
        if (name.Length > 0 && Find(call, name) is null)
        {
            throw new ApiException(409, "bad-value", "Incorrect category name");
        }

        await call.EachAsync(torrent => call.Library.ChangeAsync(torrent, new TorrentChange { Category = name }))
            .ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static CategoryItem? Find(QBittorrentCall call, string name) =>
        call.Library.Categories().Categories.FirstOrDefault(category => category.Name == name);

    private static Task TagsAsync(QBittorrentCall call) =>
        call.WriteJsonAsync(json =>
        {
            json.WriteStartArray();
            foreach (var label in call.Library.Labels().Labels)
            {
                json.WriteStringValue(label.Name);
            }

            json.WriteEndArray();
        });

    private static async Task CreateTagsAsync(QBittorrentCall call)
    {
        call.Need("tags");
        await KeepAsync(call, call.List("tags", ',')).ConfigureAwait(false);
        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    /// <summary>A tag stays when no torrent has it any more, until it is deleted.</summary>
    private static async Task KeepAsync(QBittorrentCall call, IReadOnlyList<string> tags)
    {
        var book = call.Library.Book;
        foreach (var tag in tags.Where(tag => book.Label(tag) is null))
        {
            await call.Library.SetLabelAsync(new LabelItem { Name = tag }).ConfigureAwait(false);
        }
    }

    private static async Task DeleteTagsAsync(QBittorrentCall call)
    {
        call.Need("tags");
        foreach (var tag in call.List("tags", ','))
        {
            await call.Library.RemoveLabelAsync(tag).ConfigureAwait(false);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static QBittorrentRoute Tags(
        Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<string>> change
    ) =>
        new(
            AccessScope.Control,
            true,
            async call =>
            {
                var named = call.List("tags", ',');
                await call.EachAsync(torrent =>
                        call.Library.ChangeAsync(
                            torrent,
                            new TorrentChange { Labels = change(torrent.Entry.Labels, named) }
                        )
                    )
                    .ConfigureAwait(false);
                await call.WriteTextAsync("").ConfigureAwait(false);
            }
        );
}
