using System.Diagnostics;
using Shoal.Engine;

namespace Shoal.Benchmarks;

/// <summary>Who wants one torrent of one engine, plays with it at random, and looks at the end whether it is right.</summary>
internal sealed class StressUser(
    StressRun run,
    StressHost host,
    TorrentEngine engine,
    StressContent content,
    Random random
)
{
    private static readonly TimeSpan s_untilComplete = TimeSpan.FromSeconds(90);
    private Torrent? _torrent;
    private string _folder = host.FolderOf(content);

    public async Task RunAsync(CancellationToken end)
    {
        try
        {
            while (!end.IsCancellationRequested)
            {
                await RoundAsync(end);
                run.CountRound();
            }
        }
        catch (Exception exception)
            when (end.IsCancellationRequested
                && exception is OperationCanceledException or ObjectDisposedException or IOException
            )
        {
            // The engine goes, or is gone.
        }
        catch (Exception exception)
        {
            run.Fail($"{content.Torrent.Metainfo.Name}: {exception}");
        }
    }

    private async Task RoundAsync(CancellationToken end)
    {
        _torrent ??= await AddAsync(end);
        for (var actions = random.Next(12); actions > 0; actions--)
        {
            await PauseAsync(end);
            await ActAsync(_torrent, end);
            run.CountAction();
        }

        await SettleAsync(_torrent, end);
        if (content.Check(_torrent) is { } fault)
        {
            run.Fail($"{content.Torrent.Metainfo.Name}: {fault}");
        }

        if (!host.HasOriginals && random.Next(3) > 0)
        {
            var torrent = _torrent;
            _torrent = null;
            _folder = torrent.SaveDirectory;
            await engine.RemoveAsync(torrent, deleteData: random.Next(4) > 0);
        }
    }

    private Task<Torrent> AddAsync(CancellationToken end)
    {
        var options = new TorrentOptions
        {
            SaveDirectory = _folder,
            Peers = host.Peers,
            Paused = random.Next(4) == 0,
            Recheck = random.Next(4) == 0,
            Sequential = random.Next(4) == 0,
            Preallocate = random.Next(4) == 0,
        };
        return random.Next(3) == 0 && !host.HasOriginals
            ? engine.AddAsync(content.Link, options, end)
            : engine.AddAsync(content.Torrent.Metainfo, options, end);
    }

    private Task PauseAsync(CancellationToken end) =>
        random.Next(3) switch
        {
            0 => Task.CompletedTask,
            1 => Task.Run(() => Thread.SpinWait(random.Next(100_000)), end),
            _ => Task.Delay(random.Next(60), end),
        };

    private async Task ActAsync(Torrent torrent, CancellationToken end)
    {
        var isKnown = torrent.Metainfo is not null;
        switch (random.Next(14))
        {
            case 0:
                torrent.Pause();
                break;
            case 1:
                torrent.Resume();
                break;
            case 2:
                torrent.Recheck();
                break;
            case 3 when isKnown:
                torrent.SetFilePriorities([.. content.Torrent.Metainfo.Files.Select(_ => AnyPriority())]);
                break;
            case 4:
                torrent.SetSequential(random.Next(2) == 0);
                break;
            case 5:
                torrent.SetLimits(random.Next(2) * 4_000_000, random.Next(2) * 4_000_000);
                break;
            case 6:
                torrent.AddPeers(host.Peers);
                break;
            case 7:
                torrent.SetSuperSeeding(random.Next(2) == 0);
                break;
            case 8 when isKnown:
                torrent.SetDeadline(
                    random.Next(content.Torrent.Metainfo.Layout.PieceCount),
                    TimeSpan.FromMilliseconds(50)
                );
                break;
            case 9 or 10 when isKnown:
                await ReadAsync(torrent, end);
                break;
            case 11 when isKnown:
                await TryAsync(() => torrent.MoveAsync(SomeFolder(), null, end));
                break;
            case 12 when isKnown:
                await TryAsync(() => torrent.RenameFilesAsync(new Dictionary<int, string> { [0] = AnyName() }));
                break;
            default:
                _ = torrent.Status.Peers.Sum(peer => peer.DownloadRate);
                break;
        }
    }

    /// <summary>Some of a file, as a player would; it may be paused meanwhile, so only for a moment.</summary>
    private async Task ReadAsync(Torrent torrent, CancellationToken end)
    {
        var files = content.Torrent.Metainfo.Files;
        var number = random.Next(files.Count);
        var file = files[number];
        if (file.IsPad || file.Size == 0)
        {
            return;
        }

        var from = random.NextInt64(file.Size);
        using var reader = torrent.OpenReader(number, from, file.Size);
        using var moment = CancellationTokenSource.CreateLinkedTokenSource(end);
        moment.CancelAfter(random.Next(400));
        try
        {
            while (reader is not null)
            {
                var at = (int)reader.Position;
                var bytes = await reader.ReadAsync(moment.Token);
                if (bytes.IsEmpty)
                {
                    return;
                }

                if (!bytes.Span.SequenceEqual(content.Torrent.Content(file).Slice(at, bytes.Length)))
                {
                    run.Fail($"{file.Path}: a reader was given wrong bytes at {at}");
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // The moment is over, or the torrent is paused.
            end.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Takes every hindrance away: then it has to become complete.</summary>
    private async Task SettleAsync(Torrent torrent, CancellationToken end)
    {
        var clock = Stopwatch.StartNew();
        torrent.SetLimits(0, 0);
        torrent.SetSuperSeeding(false);
        torrent.Resume();
        // Of everything: what is not wanted at the moment is not missed.
        while (
            torrent.Status is not { State: TorrentState.Seeding, PieceCount: > 0 } status
            || status.DoneBytes < status.TotalBytes
        )
        {
            if (torrent.Metainfo is not null)
            {
                torrent.SetFilePriorities([.. content.Torrent.Metainfo.Files.Select(_ => FilePriority.Normal)]);
            }

            torrent.AddPeers(host.Peers);
            if (clock.Elapsed > s_untilComplete)
            {
                run.Fail(
                    $"{content.Torrent.Metainfo.Name}: not complete after {clock.Elapsed.TotalSeconds:0} s: {torrent.Status}"
                );
                return;
            }

            await Task.Delay(100, end);
        }
    }

    /// <summary>What an earlier round left behind may stand in the way.</summary>
    private async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (IOException)
        {
            run.CountRefusal();
        }
    }

    private string SomeFolder() => Path.Combine(host.FolderOf(content), random.Next(2) == 0 ? "here" : "there");

    private FilePriority AnyPriority() =>
        random.Next(4) switch
        {
            0 => FilePriority.Skip,
            1 => FilePriority.Low,
            2 => FilePriority.High,
            _ => FilePriority.Normal,
        };

    private string AnyName() =>
        content.Torrent.Metainfo.Files.Count == 1
            ? $"film {random.Next(3)}"
            : $"{content.Torrent.Metainfo.Name}/first {random.Next(3)}";
}
