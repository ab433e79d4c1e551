using System.Globalization;
using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Gives files and folders of torrents other names. What cannot be is 409, as from qBittorrent.</summary>
internal static class QBittorrentRenaming
{
    public static IReadOnlyDictionary<string, QBittorrentRoute> Routes { get; } =
        new Dictionary<string, QBittorrentRoute>
        {
            ["torrents/renameFile"] = new(AccessScope.Control, true, RenameFileAsync),
            ["torrents/renameFolder"] = new(AccessScope.Control, true, RenameFolderAsync),
        };

    private static Task RenameFileAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        // Before version 2.8 of the API a file was named by its number, and had to stay in its folder.
        if (call.Text("newPath") is null && call.Text("id") is { } id)
        {
            return RenameByNumberAsync(call, torrent, id);
        }

        var (from, to) = (call.Need("oldPath"), call.Need("newPath"));
        return PathRenames.TryFile(NamesOf(torrent), from, to, out var renames, out var fault)
            ? RenameAsync(call, torrent, renames)
            : throw Refused(fault);
    }

    private static Task RenameByNumberAsync(QBittorrentCall call, LibraryTorrent torrent, string id)
    {
        var name = call.Need("name").Trim();
        if (name.Length == 0)
        {
            throw ApiException.Bad("name", "Name cannot be empty");
        }

        var names = NamesOf(torrent);
        if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var place) || place >= names.Count)
        {
            throw Refused("File ID is not valid");
        }

        return PathRenames.TryName(names, names[place].Path, name, out var renames, out var fault)
            ? RenameAsync(call, torrent, renames)
            : throw Refused(fault);
    }

    private static Task RenameFolderAsync(QBittorrentCall call)
    {
        var torrent = call.Torrent();
        var (from, to) = (call.Need("oldPath"), call.Need("newPath"));
        return PathRenames.TryFolder(NamesOf(torrent), from, to, out var renames, out var fault)
            ? RenameAsync(call, torrent, renames)
            : throw Refused(fault);
    }

    private static async Task RenameAsync(
        QBittorrentCall call,
        LibraryTorrent torrent,
        IReadOnlyList<FileRename> renames
    )
    {
        try
        {
            await call.Library.RenameFilesAsync(torrent, renames, call.AllowedFolders).ConfigureAwait(false);
        }
        catch (ApiException error) when (error.Status == 400)
        {
            throw Refused(error.Message);
        }

        await call.WriteTextAsync("").ConfigureAwait(false);
    }

    private static IReadOnlyList<(int Index, string Path)> NamesOf(LibraryTorrent torrent) =>
        TransmissionFacts.NamesOf(torrent);

    private static ApiException Refused(string why) => new(409, "bad-value", why);
}
