using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>
/// Watches the torrents of one command while the engine works: tells the view what happens, and finds the moment to
/// leave. It decides nothing about the transfer itself.
/// </summary>
internal sealed class TransferLoop(TorrentEngine engine, ITransferView view, TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private readonly HashSet<Torrent> _announced = [];
    private readonly Dictionary<(string, Torrent, string), string> _troubles = [];
    private bool _isComplete;

    public TimeSpan Elapsed => time.GetElapsedTime(_start);

    /// <summary>Called once for each torrent when its files are known; may throw to end the command.</summary>
    public Func<Torrent, Metainfo, long> WantedBytes { get; init; } = (_, metainfo) => metainfo.Size;

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
        using var timer = new PeriodicTimer(view.Interval, time);
        var complete = Task.WhenAll(torrents.Select(torrent => torrent.WhenComplete(watching.Token)));
        var tick = timer.WaitForNextTickAsync(watching.Token).AsTask();
        var news = engine.Events.WaitToReadAsync(watching.Token).AsTask();
        try
        {
            while (true)
            {
                await await Task.WhenAny(_isComplete ? tick : complete, tick, news, otherVersion ?? tick);
                Drain();
                Announce(torrents);
                if (complete.IsCompletedSuccessfully && !_isComplete)
                {
                    _isComplete = true;
                    view.Show(new TransferEvent.Complete(Sum(torrents), Elapsed, PathOf(torrents)));
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
                    view.Show(new TransferEvent.Progress(Sum(torrents)));
                    tick = timer.WaitForNextTickAsync(watching.Token).AsTask();
                }

                if (news.IsCompleted)
                {
                    // An engine that has no more news to tell stays silent.
                    news = await news ? engine.Events.WaitToReadAsync(watching.Token).AsTask() : tick;
                }
            }
        }
        finally
        {
            await watching.CancelAsync();
            // Each ends by the cancellation, and nobody is left to look at how.
            await Task.WhenAll(complete, tick, news).ContinueWith(_ => { }, TaskScheduler.Default);
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
            Announce(torrents);
            if (torrents.All(torrent => torrent.Status.State != TorrentState.Checking))
            {
                return;
            }

            if (time.GetElapsedTime(shown) >= view.Interval)
            {
                shown = time.GetTimestamp();
                view.Show(new TransferEvent.Progress(Sum(torrents)));
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
            ? Path.Combine(torrent.SaveDirectory, metainfo.Name)
            : torrents[0].SaveDirectory;

    private void Announce(IReadOnlyList<Torrent> torrents)
    {
        foreach (var torrent in torrents)
        {
            if (torrent.Metainfo is { } metainfo && _announced.Add(torrent))
            {
                view.Show(new TransferEvent.MetadataKnown(metainfo, WantedBytes(torrent, metainfo)));
            }
        }
    }

    private void Drain()
    {
        while (Publishing is not null && Publishing.TryTake(out var published))
        {
            view.Show(published);
        }

        while (engine.Events.TryRead(out var happening))
        {
            switch (happening)
            {
                case EngineEvent.Failed(var torrent, var message) when IsHopeless(torrent.Status):
                    throw new UserErrorException("disk-failed", message);
                case EngineEvent.Failed(_, var message):
                    view.Show(new TransferEvent.Warning("disk-failed", message));
                    break;
                case EngineEvent.Recovered:
                    view.Show(new TransferEvent.Warning("disk-recovered", "the disk works again, going on"));
                    break;
                case EngineEvent.Faulted(_, var fault):
                    throw Bug(fault);
                case EngineEvent.EngineFaulted(var fault):
                    view.Show(new TransferEvent.Warning("internal-error", Bug(fault).Message));
                    break;
                case EngineEvent.PeerSeen(_, var peer):
                    view.Show(new TransferEvent.PeerConnected(peer));
                    break;
                case EngineEvent.PeerGone(_, var peer, var reason):
                    view.Show(new TransferEvent.PeerGone(peer, reason));
                    break;
                case EngineEvent.PortMapped(var protocol, var port, var external, var address, var method):
                    view.Show(new TransferEvent.PortMapping(protocol, port, external, address, method));
                    break;
                case EngineEvent.PortUnmapped(var protocol, var port):
                    view.Show(new TransferEvent.PortMapping(protocol, port, null, null, null));
                    break;
                case EngineEvent.ExternalAddressKnown(var address):
                    view.Show(new TransferEvent.AddressKnown(address));
                    break;
                case EngineEvent.Warning(var code, var message):
                    view.Show(new TransferEvent.Warning(code, message));
                    break;
                case EngineEvent.TrackerFailed(var torrent, var url, var message):
                    WarnOnce("tracker-failed", torrent, url, message);
                    break;
                case EngineEvent.WebSeedFailed(var torrent, var url, var message):
                    WarnOnce("web-seed-failed", torrent, url, message);
                    break;
            }
        }
    }

    /// <summary>A server that stays silent is told about once, not each time it is asked.</summary>
    private void WarnOnce(string code, Torrent torrent, string url, string message)
    {
        if (_troubles.GetValueOrDefault((code, torrent, url)) != message)
        {
            _troubles[(code, torrent, url)] = message;
            view.Show(new TransferEvent.Warning(code, $"{url}: {message}"));
        }
    }

    /// <summary>
    /// A full or failing disk may recover, and what is here can still be seeded; but what may not be written now may not
    /// be written later either.
    /// </summary>
    private static bool IsHopeless(TorrentStatus status) =>
        status is { IsComplete: false, FailureKind: DiskFailureKind.Denied or DiskFailureKind.ReadOnly };

    private static UserErrorException Bug(Exception fault) =>
        new(
            "internal-error",
            $"this is a bug in Shoal, please report it: {fault.GetType().Name}: {fault.Message} "
                + $"({fault.StackTrace?.Split('\n').FirstOrDefault()?.Trim()})"
        );
}
