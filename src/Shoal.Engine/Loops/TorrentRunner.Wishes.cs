using System.Buffers;
using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// What the user and the engine want of the torrent, and what is kept of it.
internal sealed partial class TorrentRunner
{
    private IReadOnlyList<IReadOnlyList<string>>? _trackers;
    private int _uploadSlots = SwarmLimits.Default.UploadSlots;

    public void SetLimits(long download, long upload)
    {
        // Without a limit there is nothing to make before a peer comes.
        if (download > 0 || _downloadGate is not null)
        {
            DownloadGate.Limit = download;
        }

        if (upload > 0 || _uploadGate is not null)
        {
            UploadGate.Limit = upload;
        }
    }

    /// <summary>Tiers of URLs: what the user set, or what the torrent and the user named at the start.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Trackers =>
        Volatile.Read(ref _trackers)
        ??
        [
            .. _options.Trackers
                ?? Metainfo?.Trackers
                ?? [.. (_magnet?.Trackers ?? []).Select(url => (IReadOnlyList<string>)[url])],
            .. _options.ExtraTrackers,
        ];

    public void SetTrackers(IReadOnlyList<IReadOnlyList<string>> tiers)
    {
        Volatile.Write(ref _trackers, tiers);
        _sources.SetTrackers(tiers);
    }

    public byte[]? ToTorrentFile()
    {
        if (Metainfo is not { } metainfo)
        {
            return null;
        }

        var hashes = PieceHashes.Of(metainfo);
        if (
            hashes is { IsComplete: false }
            && InfoStore.TryLoadLayers(_services.Disk.Options.FileSystem, StateDirectory, metainfo.InfoHashes)
                is { } layers
        )
        {
            hashes.SetLayers(layers);
        }

        var output = new ArrayBufferWriter<byte>();
        var webSeeds = metainfo.WebSeeds.Count > 0 ? metainfo.WebSeeds : _magnet?.WebSeeds ?? [];
        return MetainfoWriter.TryWrite(metainfo, hashes, Trackers, webSeeds, output)
            ? output.WrittenSpan.ToArray()
            : null;
    }

    public byte[]? AskForCopies()
    {
        var status = Status;
        if (status.PeerCount == 0 && status.WebSeedCount == 0)
        {
            return null;
        }

        Command(new SwarmCommand.ShowCopies());
        return status.Copies;
    }

    /// <summary>As soon as trackers and the DHT allow.</summary>
    public void Announce() => _sources.NeedPeers();

    /// <summary>Peers that want something of us.</summary>
    public int Interested => _loop.Status.Peers.Count(peer => peer.IsInterested);

    /// <summary>How many peers may be unchoked at once.</summary>
    public void SetUploadSlots(int slots)
    {
        if (slots != _uploadSlots)
        {
            _uploadSlots = slots;
            Command(new SwarmCommand.SetUploadSlots(slots));
        }
    }

    public void SetFilePriorities(IReadOnlyList<FilePriority> priorities)
    {
        if (_disk is { } disk)
        {
            _tasks.TryRun(() => disk.SetFilePriorities(priorities));
        }

        Command(new SwarmCommand.SetFilePriorities(priorities));
    }

    /// <summary>Hashes everything again; if it is cut short the next run does.</summary>
    public void Recheck()
    {
        if (_disk is { } disk)
        {
            _tasks.TryRun(async () =>
            {
                await disk.SuspectAllAsync().ConfigureAwait(false);
                Command(new SwarmCommand.Recheck());
            });
        }
    }

    public void SetDeadline(int piece, TimeSpan? fromNow)
    {
        if (Metainfo is { } metainfo)
        {
            var now = _services.Time.GetElapsedTime(_services.Epoch);
            Command(new SwarmCommand.SetDeadline(metainfo.Layout.Piece(piece), now + fromNow));
        }
    }

    /// <summary>The world sees us at another address than before, or now we know at which.</summary>
    public void AddressChanged(IPAddress address) => Command(new SwarmCommand.SetExternalAddress(address));

    /// <summary>Peers to try, as far as the user's filters allow.</summary>
    public void AddCandidates(CandidateBatch batch)
    {
        var allowed = batch.Only(endPoint => MayCall(endPoint, batch.Source));
        if (allowed.EndPoints.Count > 0)
        {
            _loop.Post(new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: allowed));
            if (batch.Source.HasFlag(PeerSource.User))
            {
                KeepNamed(allowed.EndPoints);
            }
        }
    }

    /// <summary>The user's filter of addresses is another one.</summary>
    public void FilterChanged() => _connections?.FilterChanged();

    /// <summary>Peers reach us at another port than before (<see cref="EngineServices.PublicPort"/>).</summary>
    public void PortChanged()
    {
        Command(new SwarmCommand.SetListenPort(_services.PublicPort));
        _sources.PortChanged();
    }

    public async Task<string?> MoveAsync(string directory, Func<Task>? begin, CancellationToken cancellation)
    {
        if (_disk is not { } disk || _claim is not { } claim)
        {
            throw new InvalidOperationException("nothing to move before the metadata is known");
        }

        if (FileStorage.Normalize(directory) == disk.Storage.Root)
        {
            return null;
        }

        var place = claim.TakeAlso(directory);
        try
        {
            var left = await disk.MoveAsync(directory, begin, cancellation).ConfigureAwait(false);
            claim.Moved(place);
            return left;
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<int, string> RenamedFiles => _disk?.RenamedFiles ?? new Dictionary<int, string>();

    public Task RenameFilesAsync(IReadOnlyDictionary<int, string> changes) =>
        _disk is { } disk
            ? disk.RenameFilesAsync(changes)
            : throw new InvalidOperationException("no file has a name before the metadata is known");

    /// <summary>Files are known: which of them have a priority of their own.</summary>
    private void Choose(Metainfo? metainfo)
    {
        if (metainfo is null || _options.Priorities is not { Count: > 0 } priorities)
        {
            return;
        }

        var chosen = new Dictionary<MetainfoFile, FilePriority>();
        foreach (var (index, priority) in priorities)
        {
            if ((uint)index < (uint)metainfo.Files.Count)
            {
                chosen[metainfo.Files[index]] = priority;
            }
        }

        _chosen = chosen;
    }

    private FilePriority PriorityOf(MetainfoFile file) =>
        _chosen is not null && _chosen.TryGetValue(file, out var chosen) ? chosen
        : _options.FilePriority is { } choose ? choose(file)
        : _selected is null || _selected.Contains(file) ? FilePriority.Normal
        : FilePriority.Skip;

    private void WebSeedFailed(string url, string message) =>
        Tell(new EngineEvent.WebSeedFailed(Torrent, url, message));

    /// <summary>Whether the user's filters let us call a peer.</summary>
    private bool MayCall(IPEndPoint endPoint, PeerSource source) =>
        !_services.Filter.IsBlocked(endPoint.Address)
        && (source.HasFlag(PeerSource.User) || !_services.Filter.IsBlockedPort(endPoint.Port));

    /// <summary>
    /// After <see cref="DisposeAsync"/>: deletes the files of the torrent and what is remembered of it. What is in the same place as
    /// a file of another torrent stays: it is that one's content too.
    /// </summary>
    public Task DeleteDataAsync(IEnumerable<TorrentRunner> others) =>
        _disk is { } disk
            ? disk.DeleteAsync(disk.SharedWith(others.Select(other => other._disk).OfType<TorrentDisk>()))
            : Task.CompletedTask;
}
