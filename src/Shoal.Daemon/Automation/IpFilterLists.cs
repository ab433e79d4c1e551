using System.Security.Cryptography;
using System.Text;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Fetches the lists of addresses that settings name by URL. The last good one of each is kept in the state folder.</summary>
internal sealed class IpFilterLists(string folder, SettingsStore settings, TorrentLibrary library, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Bytes of a list, as it is sent. Default 64 MiB: the longest in use have some ten.</summary>
    private const int MaxBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(30);

    private readonly Dictionary<string, TimeSpan> _next = new(StringComparer.Ordinal);

    /// <summary>The files of the lists, for the engine; those that were never fetched are empty.</summary>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public static IReadOnlyList<string> Prepare(string folder, IReadOnlyList<string> urls)
    {
        var files = urls.Select(url => PathOf(folder, url)).ToList();
        if (files.Count > 0)
        {
            Directory.CreateDirectory(folder);
        }

        foreach (var file in files.Where(file => !File.Exists(file)))
        {
            AtomicFile.Write(file, []);
        }

        return files;
    }

    /// <summary>Fetches what is due; the engine uses it at once.</summary>
    public async Task LookAsync(TorrentEngine engine, OutboundNetwork network, CancellationToken stop)
    {
        var hasNew = false;
        // Those that the engine knows of since its start.
        foreach (var url in settings.AtStart.IpFilterUrls)
        {
            var now = time.GetElapsedTime(0);
            if (!_next.TryGetValue(url, out var next))
            {
                next = now + Left(PathOf(folder, url));
            }

            if (now >= next)
            {
                var isNew = await FetchAsync(url, network, stop).ConfigureAwait(false);
                hasNew |= isNew;
                next = now + (isNew ? Age : RetryAfter);
            }

            _next[url] = next;
        }

        if (hasNew)
        {
            try
            {
                await engine.ReloadIpFilterAsync(stop).ConfigureAwait(false);
            }
            catch (IpFilterException)
            {
                // The engine has told of it.
            }
        }
    }

    private TimeSpan Age => TimeSpan.FromHours((long)settings.Current["network.ip-filter-hours"]);

    /// <summary>Until a list of an earlier run is too old. A clock that went back makes it no younger than new.</summary>
    private TimeSpan Left(string path)
    {
        var file = new FileInfo(path);
        var age = time.GetUtcNow().UtcDateTime - file.LastWriteTimeUtc;
        return file.Length == 0 || age < TimeSpan.Zero || age >= Age ? TimeSpan.Zero : Age - age;
    }

    private async Task<bool> FetchAsync(string url, OutboundNetwork network, CancellationToken stop)
    {
        var path = PathOf(folder, url);
        var trial = path + ".trial";
        try
        {
            var answer = await network
                .FetchAsync(url, new FetchRequest { MaxBytes = MaxBytes, MayBeLocal = true }, stop)
                .ConfigureAwait(false);
            Take(answer.Body ?? [], trial, path, stop);
            return true;
        }
        catch (Exception error)
            when (error is DownloadException or IpFilterException or IOException or UnauthorizedAccessException)
        {
            var said = error.Message.Replace(trial, url, StringComparison.Ordinal);
            library.Warn("ip-filter", $"the list {url} cannot be used, the last one stays: {said}");
            return false;
        }
    }

    /// <summary>Puts a list in the place of the last one, which a broken or an empty one must not take.</summary>
    /// <exception cref="IpFilterException">It is broken, or has no addresses.</exception>
    internal static void Take(byte[] body, string trial, string path, CancellationToken stop)
    {
        AtomicFile.Write(trial, body);
        if (IpFilterFiles.Read([trial], stop).Count == 0)
        {
            throw new IpFilterException($"'{trial}' has no addresses");
        }

        File.Move(trial, path, overwrite: true);
    }

    private static string PathOf(string folder, string url) =>
        Path.Combine(
            folder,
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url)).AsSpan(0, 8)) + ".list"
        );
}
