using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Watches the torrents of one command while the engine works: tells the view what happens, and finds the moment to
/// leave. It decides nothing about the transfer itself.
/// </summary>
internal sealed class TransferLoop(EngineNews news, TimeProvider time)
{
    private readonly ITransferView _view = news.View;
    private readonly long _start = time.GetTimestamp();
    private readonly HashSet<Torrent> _announced = [];
    private bool _isComplete;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    /// <summary>Called once for each torrent when its files are known; may throw to end the command.</summary>
    public Func<Torrent, Metainfo, long> WantedBytes { get; init; } = (_, metainfo) => metainfo.Size;

    /// <summary>Done once for each torrent after that; may throw to end the command.</summary>
    public Func<Torrent, Metainfo, Task> FilesKnown { get; init; } = (_, _) => Task.CompletedTask;

    /// <summary>Done once, when everything wanted of all torrents is here.</summary>
    public Func<Task> Completed { get; init; } = () => Task.CompletedTask;

    /// <summary>Published beside; null: nothing is.</summary>
    public Publishing? Publishing { get; set; }

    /// <summary>Until the rules say so.</summary>
    /// <param name="torrents">At least one, all of the engine.</param>
    /// <param name="rules">When to leave.</param>
    /// <param name="stop">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="otherVersion">Completes when another torrent is to be fetched instead; null: never.</param>
    public async Task<LeaveReason> RunAsync(
        IReadOnlyList<Torrent> torrents,
        LeaveRules rules,
        CancellationToken stop,
        Task? otherVersion = null
    )
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var timer = new PeriodicTimer(_view.Interval, time);
        var complete = Task.WhenAll(torrents.Select(torrent => torrent.WhenComplete(watching.Token)));
        var tick = timer.WaitForNextTickAsync(watching.Token).AsTask();
        var more = news.Engine.Events.WaitToReadAsync(watching.Token).AsTask();
        try
        {
            while (true)
            {
                await await Task.WhenAny(_isComplete ? tick : complete, tick, more, otherVersion ?? tick);
                Drain();
                await AnnounceAsync(torrents);
                if (complete.IsCompletedSuccessfully && !_isComplete)
                {
                    _isComplete = true;
                    // It may have become complete just now: what led to it comes before.
                    Drain();
                    _view.Show(new TransferEvent.Complete(Sum(torrents), Elapsed, PathOf(torrents)));
                    await Completed();
                }

                if (otherVersion is { IsCompleted: true })
                {
                    return LeaveReason.OtherVersion;
                }

                if (rules.Check(Sum(torrents), _isComplete, Elapsed) is { } reason)
                {
                    return reason;
                }

                if (tick.IsCompleted)
                {
                    _view.Show(new TransferEvent.Progress(Sum(torrents)));
                    tick = timer.WaitForNextTickAsync(watching.Token).AsTask();
                }

                if (more.IsCompleted)
                {
                    // An engine that has no more news to tell stays silent.
                    more = await more ? news.Engine.Events.WaitToReadAsync(watching.Token).AsTask() : tick;
                }
            }
        }
        finally
        {
            await watching.CancelAsync();
            // Each ends by the cancellation, and nobody is left to look at how.
            await Task.WhenAll(complete, tick, more).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    /// <summary>Until what is on disk has been hashed; the torrents were added paused.</summary>
    public async Task WhenCheckedAsync(IReadOnlyList<Torrent> torrents, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50), time);
        var shown = time.GetTimestamp();
        do
        {
            Drain();
            await AnnounceAsync(torrents);
            if (torrents.All(torrent => torrent.Status.State != TorrentState.Checking))
            {
                return;
            }

            if (time.GetElapsedTime(shown) >= _view.Interval)
            {
                shown = time.GetTimestamp();
                _view.Show(new TransferEvent.Progress(Sum(torrents)));
            }
        } while (await timer.WaitForNextTickAsync(stop));
    }

    /// <summary>Several torrents seen as one, so that one line can say how they are.</summary>
    public static TorrentStatus Sum(IReadOnlyList<Torrent> torrents)
    {
        if (torrents.Count == 1)
        {
            return torrents[0].Status;
        }

        var all = torrents.Select(torrent => torrent.Status).ToList();
        return new TorrentStatus
        {
            // The least advanced one speaks for all.
            State = all.Min(status => status.State),
            WantedBytes = all.Sum(status => status.WantedBytes),
            DoneBytes = all.Sum(status => status.DoneBytes),
            TotalBytes = all.Sum(status => status.TotalBytes),
            PieceCount = all.Sum(status => status.PieceCount),
            PiecesChecked = all.Sum(status => status.PiecesChecked),
            Downloaded = all.Sum(status => status.Downloaded),
            Uploaded = all.Sum(status => status.Uploaded),
            Wasted = all.Sum(status => status.Wasted),
            HashFailures = all.Sum(status => status.HashFailures),
            DownloadRate = all.Sum(status => status.DownloadRate),
            UploadRate = all.Sum(status => status.UploadRate),
            PeerCount = all.Sum(status => status.PeerCount),
            SeedCount = all.Sum(status => status.SeedCount),
            WebSeedCount = all.Sum(status => status.WebSeedCount),
            Error = all.Find(status => status.Error is not null)?.Error,
        };
    }

    /// <summary>Where the content lies: the file, the folder, or the folder of several.</summary>
    public static string PathOf(IReadOnlyList<Torrent> torrents) =>
        torrents is [{ Metainfo: { } metainfo } torrent]
            ? Path.Combine(torrent.SaveDirectory, FileNames.TopOf(metainfo, torrent.RenamedFiles) ?? "")
            : torrents[0].SaveDirectory;

    private async Task AnnounceAsync(IReadOnlyList<Torrent> torrents)
    {
        foreach (var torrent in torrents)
        {
            if (torrent.Metainfo is { } metainfo && _announced.Add(torrent))
            {
                _view.Show(new TransferEvent.MetadataKnown(metainfo, WantedBytes(torrent, metainfo)));
                await FilesKnown(torrent, metainfo);
            }
        }
    }

    private void Drain()
    {
        while (Publishing is not null && Publishing.TryTake(out var published))
        {
            _view.Show(published);
        }

        news.Tell();
    }
}
