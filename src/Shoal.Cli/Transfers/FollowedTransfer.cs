using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Fetches what a publication names (BEP 46), and each version that follows while it runs: the new one beside the old,
/// which is served until the new one is complete and whose files stay.
/// </summary>
internal sealed class FollowedTransfer(EngineNews news, TimeProvider time)
{
    /// <summary>Older versions that lend their files to a newer one; the oldest leaves first.</summary>
    private const int MaxOlder = 2;

    /// <summary>How long nothing may be found before the user is told why.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly long _start = time.GetTimestamp();
    private readonly List<Torrent> _older = [];
    private Torrent? _current;

    public required MagnetLink Link { get; init; }

    /// <summary>Where the user wants it.</summary>
    public required string Directory { get; init; }

    /// <summary>What a torrent is added with, but for its folder.</summary>
    public required TorrentOptions Options { get; init; }

    /// <summary>A fresh set for each version.</summary>
    public required Func<LeaveRules> Rules { get; init; }

    public required Func<Torrent, Metainfo, long> WantedBytes { get; init; }

    /// <summary>The torrent fetched now; null while the link leads nowhere yet.</summary>
    public Torrent? Current => _current;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    /// <summary>Until the rules say so about the version that is current then.</summary>
    public async Task<LeaveReason> RunAsync(PublicationFeed feed, CancellationToken cancel)
    {
        // What waits for the next version must end with this, however it ends.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var next = feed.NextAsync(ending.Token).AsTask();
        try
        {
            PublishedVersion? version = null;
            if (Link.HasInfoHash)
            {
                await AddAsync(feed, new PublishedVersion(0, Link.InfoHashes), cancel);
            }
            else
            {
                version = await FirstAsync(feed, next, cancel);
            }

            while (true)
            {
                if (version is not null)
                {
                    next = feed.NextAsync(ending.Token).AsTask();
                    if (!IsCurrent(version))
                    {
                        await ShowAndAddAsync(feed, version, cancel);
                    }
                }

                var loop = new TransferLoop(news, time) { WantedBytes = WantedBytes, Completed = RetireOlderAsync };
                var reason = await loop.RunAsync([_current!], Rules(), cancel, next);
                if (reason != LeaveReason.OtherVersion)
                {
                    return reason;
                }

                version = await next;
            }
        }
        finally
        {
            await ending.CancelAsync();
            await next.ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task<PublishedVersion> FirstAsync(
        PublicationFeed feed,
        Task<PublishedVersion> next,
        CancellationToken cancel
    )
    {
        news.View.Show(new TransferEvent.Resolving(feed.Name));
        var timeout = Rules().Timeout;
        var hasWarned = false;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250), time);
        while (!next.IsCompleted)
        {
            await Task.WhenAny(next, timer.WaitForNextTickAsync(cancel).AsTask());
            cancel.ThrowIfCancellationRequested();
            if (!next.IsCompleted && Elapsed >= timeout)
            {
                throw new UserErrorException(
                    "not-found",
                    $"{feed.Name}: not found within {Duration.Format(timeout.Value)}: {WhyNot(feed.Status)}"
                );
            }

            if (!next.IsCompleted && Elapsed >= Patience && !hasWarned)
            {
                hasWarned = true;
                news.View.Show(new TransferEvent.Warning("not-found", $"not found yet: {WhyNot(feed.Status)}"));
            }
        }

        return await next;
    }

    private static string WhyNot(PublicationStatus status) =>
        status.Answered == 0 ? "no node of the DHT answers (--dht-bootstrap HOST:PORT names one)"
        : status.NamesNoTorrent ? $"version {status.Sequence} of it names no torrent"
        : $"{TorrentText.Count(status.Answered, "node")} of the DHT answered, and none knows of it: its owner has not "
            + "published it lately, or the key or the salt is another";

    private bool IsCurrent(PublishedVersion version) => _current is { } current && Matches(current, version.InfoHashes);

    private async Task ShowAndAddAsync(PublicationFeed feed, PublishedVersion version, CancellationToken cancel)
    {
        var folder = feed.FolderFor(version, Directory);
        news.View.Show(new TransferEvent.VersionFound(feed.Name, version, folder, IsUpdate: _current is not null));
        if (feed.Status.IsRemembered)
        {
            news.View.Show(
                new TransferEvent.Warning(
                    "remembered-version",
                    "nobody in the DHT knows this publication now: going on with the version an earlier run saw"
                )
            );
        }

        await AddAsync(feed, version, cancel);
    }

    private async Task AddAsync(PublicationFeed feed, PublishedVersion version, CancellationToken cancel)
    {
        if (_current is { } old)
        {
            // What is half here is not worth finishing, but it may hold files of the new version.
            if (!old.Status.IsComplete)
            {
                old.Pause();
            }

            _older.Add(old);
        }

        if (_older.Find(torrent => Matches(torrent, version.InfoHashes)) is { } back)
        {
            // Its owner went back to it.
            _older.Remove(back);
            back.Resume();
            _current = back;
        }
        else
        {
            var magnet = Link with { InfoHashes = version.InfoHashes, Publication = null };
            var options = Options with { SaveDirectory = feed.FolderFor(version, Directory) };
            _current = await news.Engine.AddAsync(magnet, options, cancel);
        }

        while (_older.Count > MaxOlder)
        {
            var oldest = _older[0];
            _older.RemoveAt(0);
            await news.Engine.RemoveAsync(oldest, deleteData: false);
        }
    }

    /// <summary>The new version is complete: the old ones are served no more. Their files stay.</summary>
    private async Task RetireOlderAsync()
    {
        foreach (var torrent in _older)
        {
            await news.Engine.RemoveAsync(torrent, deleteData: false);
        }

        _older.Clear();
    }

    private static bool Matches(Torrent torrent, InfoHashes names) =>
        torrent.InfoHashes.OnTheWire.Intersect(names.OnTheWire).Any();
}
