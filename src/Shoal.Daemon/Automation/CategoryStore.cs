using System.Text.Json;
using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>The file of categories and labels in the state folder (docs/formats/library.md), and what it says now.</summary>
internal sealed class CategoryStore
{
    private readonly string _path;
    private readonly Lock _turn = new();
    private volatile CategoryBook _book;

    private CategoryStore(string path, CategoryBook book)
    {
        _path = path;
        _book = book;
    }

    public CategoryBook Book => _book;

    /// <exception cref="IOException">The file cannot be read, or is broken.</exception>
    public static CategoryStore Open(string path)
    {
        if (!File.Exists(path))
        {
            return new CategoryStore(path, CategoryBook.Empty);
        }

        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), StateJson.Default.CategoryBook);
            // Whatever order somebody left in it.
            var book = CategoryBook.Empty;
            foreach (var category in file?.Categories.OfType<CategoryItem>() ?? [])
            {
                book = book.With(category);
            }

            foreach (var label in file?.Labels.OfType<LabelItem>() ?? [])
            {
                book = book.With(label);
            }

            return new CategoryStore(path, book);
        }
        catch (JsonException error)
        {
            throw new IOException(
                $"'{path}' is broken ({error.Message}); without it categories have no folders and no limits: remove it",
                error
            );
        }
    }

    /// <summary>Changes the book; durable when it completes.</summary>
    /// <exception cref="ApiException">It is full, or cannot be saved: nothing was changed.</exception>
    public Task ChangeAsync(Func<CategoryBook, CategoryBook> change) => Task.Run(() => Change(change));

    private void Change(Func<CategoryBook, CategoryBook> change)
    {
        lock (_turn)
        {
            var next = change(_book);
            if (next.Categories.Count > CategoryBook.MaxEntries || next.Labels.Count > CategoryBook.MaxEntries)
            {
                throw new ApiException(
                    507,
                    "too-many-categories",
                    $"there are {CategoryBook.MaxEntries} of them already"
                );
            }

            try
            {
                AtomicFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(next, StateJson.Default.CategoryBook));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new ApiException(500, "state-not-saved", $"the state folder cannot be written: {error.Message}");
            }

            _book = next;
        }
    }
}
