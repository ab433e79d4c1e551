using System.Text;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>
/// Adds what is put into the watch folders. Files are looked at again and again: notices of changes do not come from network
/// file systems, and tell of beginnings more than of ends.
/// </summary>
internal sealed class WatchFolders(
    SettingsStore settings,
    TorrentLibrary library,
    OutboundNetwork network,
    TimeProvider time
)
{
    /// <summary>Bytes of a .magnet file.</summary>
    private const int MaxLink = 64 * 1024;

    private readonly Dictionary<string, WatchRule> _rules = new(StringComparer.Ordinal);
    private readonly HashSet<string> _unreadable = new(StringComparer.Ordinal);

    public async Task LookAsync(CancellationToken stop)
    {
        var folders = settings.Current.WatchFolders;
        foreach (var gone in _rules.Keys.Except(folders).ToList())
        {
            _rules.Remove(gone);
        }

        foreach (var folder in folders)
        {
            if (!_rules.TryGetValue(folder, out var rule))
            {
                _rules[folder] = rule = new WatchRule();
            }

            foreach (var path in rule.Look(FilesOf(folder), Now))
            {
                stop.ThrowIfCancellationRequested();
                await TakeAsync(folder, path, rule, stop).ConfigureAwait(false);
            }
        }
    }

    private TimeSpan Now => time.GetElapsedTime(0);

    /// <summary>Of the folder, and of folders right in it.</summary>
    private List<WatchedFile> FilesOf(string folder)
    {
        try
        {
            var files = FilesIn(folder).ToList();
            foreach (var below in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            {
                if (new DirectoryInfo(below).LinkTarget is null && !Path.GetFileName(below).StartsWith('.'))
                {
                    files.AddRange(FilesIn(below));
                }
            }

            _unreadable.Remove(folder);
            return files;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            if (_unreadable.Add(folder))
            {
                library.Warn("watch-folder", $"the watch folder '{folder}' cannot be read: {error.Message}");
            }

            return [];
        }
    }

    private static IEnumerable<WatchedFile> FilesIn(string folder) =>
        new DirectoryInfo(folder)
            .EnumerateFiles()
            .Where(file => file.Extension is ".torrent" or ".magnet" && file.LinkTarget is null)
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .Take(WatchRule.MaxFiles)
            .Select(file => new WatchedFile(file.FullName, file.Length, file.LastWriteTimeUtc.Ticks));

    private async Task TakeAsync(string folder, string path, WatchRule rule, CancellationToken stop)
    {
        var parent = Path.GetDirectoryName(path)!;
        var category = parent == folder ? null : Path.GetFileName(parent);
        try
        {
            var torrent = await ReadAsync(path, stop).ConfigureAwait(false);
            var wish = new AddTorrent { Category = category };
            var target = library.FolderFor(null, category, roots: null);
            var item = await library.AddAsync(new Addition(torrent, wish, target)).ConfigureAwait(false);
            Rename(path, ".added", item.Name);
        }
        catch (ApiException error) when (error.Code == "torrent-exists")
        {
            Rename(path, ".duplicate", error.Message);
        }
        catch (ApiException error) when (error.Code is "not-a-torrent" or "bad-magnet" or "bad-source" or "bad-value")
        {
            if (rule.IsBroken(path, Now))
            {
                library.Warn("watch-file", $"'{path}' cannot be added: {error.Message}");
                Rename(path, ".failed", error.Message);
            }
        }
        catch (ApiException error)
        {
            // Not the file's fault: it stays, and is tried again.
            library.Warn("watch-file", $"'{path}' cannot be added now: {error.Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            library.Warn("watch-file", $"'{path}' cannot be read: {error.Message}");
        }
    }

    private async Task<NewTorrent> ReadAsync(string path, CancellationToken stop)
    {
        var isLink = path.EndsWith(".magnet", StringComparison.Ordinal);
        await using var file = new FileStream(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.ReadWrite,
            1,
            useAsync: true
        );
        var limit = isLink ? MaxLink : MetainfoLimits.Default.MaxBytes;
        var bytes =
            await BoundedRead.AllAsync(file, limit, stop).ConfigureAwait(false)
            ?? throw new ApiException(400, "not-a-torrent", $"it is larger than {limit} bytes");
        if (!isLink)
        {
            return NewTorrent.OfFile(bytes);
        }

        var link = Encoding.UTF8.GetString(bytes).Trim();
        return link.StartsWith("magnet:", StringComparison.OrdinalIgnoreCase)
            ? await NewTorrent.OfSourceAsync(link, network, mayBeLocal: false, stop).ConfigureAwait(false)
            : throw new ApiException(400, "bad-magnet", "there is no magnet link in it");
    }

    /// <summary>Never over a file that is there.</summary>
    private void Rename(string path, string ending, string why)
    {
        try
        {
            var to = path + ending;
            for (var number = 2; Path.Exists(to); number++)
            {
                to = $"{path}.{number}{ending}";
            }

            File.Move(path, to, overwrite: false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            library.Warn("watch-file", $"'{path}' cannot be renamed ({error.Message}); what became of it: {why}");
        }
    }
}
