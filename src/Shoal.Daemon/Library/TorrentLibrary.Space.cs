namespace Shoal.Daemon;

// Disks that are almost full.
internal sealed partial class TorrentLibrary
{
    /// <summary>
    /// Bytes free where the download folder is, as last looked at: no caller waits for a disk that hangs. Null: not known.
    /// </summary>
    public long? DownloadFree
    {
        get => Interlocked.Read(ref _downloadFree) is >= 0 and var free ? free : null;
        set => Interlocked.Exchange(ref _downloadFree, value ?? -1);
    }

    private long _downloadFree = -1;

    /// <summary>Folders that running downloads write to, and those that would if they did not wait.</summary>
    public IReadOnlyList<string> DownloadFolders
    {
        get
        {
            lock (_lock)
            {
                return _downloadFolders ??= [
                    .. _order
                        .Where(torrent => torrent.Entry is { CompletedAt: null, Paused: false })
                        .Select(torrent => torrent.Entry.ContentDirectory)
                        .Distinct(),
                ];
            }
        }
    }

    // Null: torrents have come, gone or become others since.
    private string[]? _downloadFolders;

    /// <summary>Downloads into these folders wait, those into others go on.</summary>
    /// <param name="why">For people.</param>
    public void Hold(IReadOnlySet<string> full, string why)
    {
        lock (_lock)
        {
            foreach (var torrent in _order)
            {
                var isHeld = torrent.Entry.CompletedAt is null && full.Contains(torrent.Entry.ContentDirectory);
                torrent.HeldFor = isHeld ? why : null;
            }

            Requeue();
            PublishAll();
        }
    }
}
