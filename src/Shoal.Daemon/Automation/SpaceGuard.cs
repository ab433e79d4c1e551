namespace Shoal.Daemon;

/// <summary>Lets downloads wait before a disk is full, and go on when there is room again.</summary>
internal sealed class SpaceGuard(SettingsStore settings, TorrentLibrary library)
{
    /// <summary>At 1 GB/s some two gigabytes come in between: who is so fast asks for more room to stay free.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly SpaceRule _rule = new();

    // Asks disks, which may hang: not under the library's lock, and the end of the daemon does not wait for long.
    public Task LookAsync(CancellationToken stop)
    {
        var free = new Dictionary<string, long?>(StringComparer.Ordinal);
        foreach (var folder in library.DownloadFolders)
        {
            stop.ThrowIfCancellationRequested();
            free[folder] = DiskSpace.Of(folder)?.Free;
        }

        var download = settings.Current.DownloadFolder;
        library.DownloadFree = free.TryGetValue(download, out var known) ? known : DiskSpace.Of(download)?.Free;
        var least = settings.Current.LeastFree;
        var (full, roomy) = _rule.Look(free, least);
        if (full.Count > 0 || roomy.Count > 0)
        {
            library.Hold(
                _rule.Full,
                $"less than {least} bytes are free (folders.min-free): it waits until there is room"
            );
            foreach (var folder in full)
            {
                library.Warn(
                    "disk-full",
                    $"less than {least} bytes are free at '{folder}': downloads into it wait until there is room"
                );
            }
        }

        return Task.CompletedTask;
    }
}
