using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Categories with folders and limits, and labels with limits. Names stand in the query: they may have any character.</summary>
internal static class CategoryEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        ApiRoute.Read(
            "/categories",
            "All categories, those included that only torrents name.",
            call => call.Library.Categories(),
            ApiJson.Default.CategoryList
        ),
        new("PUT", "/categories", AccessScope.Control, "Makes a category, or changes the one of this name.", SetAsync)
        {
            Body = ApiJson.Default.CategoryItem,
            Answer = ApiJson.Default.CategoryList,
        },
        new(
            "DELETE",
            "/categories",
            AccessScope.Control,
            "Removes a category; its torrents stay, without one.",
            async call =>
            {
                await call.Library.RemoveCategoryAsync(NameOf(call)).ConfigureAwait(false);
                await call.WriteNothingAsync().ConfigureAwait(false);
            }
        )
        {
            Query = [("name", "Of the category.")],
            Status = 204,
        },
        ApiRoute.Read(
            "/labels",
            "All labels, those included that only torrents have.",
            call => call.Library.Labels(),
            ApiJson.Default.LabelList
        ),
        ApiRoute.Change(
            "PUT",
            "/labels",
            "Makes a label, or changes the one of this name.",
            ApiJson.Default.LabelItem,
            (call, label) => call.Library.SetLabelAsync(label),
            call => call.Library.Labels(),
            ApiJson.Default.LabelList
        ),
        new(
            "DELETE",
            "/labels",
            AccessScope.Control,
            "Removes a label, from torrents too.",
            async call =>
            {
                await call.Library.RemoveLabelAsync(NameOf(call)).ConfigureAwait(false);
                await call.WriteNothingAsync().ConfigureAwait(false);
            }
        )
        {
            Query = [("name", "Of the label.")],
            Status = 204,
        },
    ];

    private static async Task SetAsync(ApiCall call)
    {
        var category = await call.ReadAsync(ApiJson.Default.CategoryItem).ConfigureAwait(false);
        if (category.SaveDirectory is { } folder)
        {
            category = category with { SaveDirectory = PathJail.Check(folder, call.AllowedFolders) };
        }

        await call.Library.SetCategoryAsync(category).ConfigureAwait(false);
        await call.WriteAsync(call.Library.Categories(), ApiJson.Default.CategoryList).ConfigureAwait(false);
    }

    private static string NameOf(ApiCall call) =>
        call.Query("name") is { Length: > 0 } name ? name : throw ApiException.Bad("name", "name: which one?");
}
