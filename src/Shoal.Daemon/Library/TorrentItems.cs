using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>What the API says of a torrent, made of what the library keeps and what the engine publishes. Never waits.</summary>
internal static class TorrentItems
{
    /// <param name="torrent">Read under the library's lock.</param>
    /// <param name="status">Of the engine; null: it has it not.</param>
    /// <param name="position">In the queue.</param>
    /// <param name="revision">What it gets as such.</param>
    public static TorrentItem Create(LibraryTorrent torrent, TorrentStatus? status, int position, long revision)
    {
        var entry = torrent.Entry;
        var size = status is null ? entry.Size : torrent.Engine?.Metainfo?.Size ?? 0;
        var (wanted, done) = status is null ? (entry.WantedSize, entry.Done) : (status.WantedBytes, status.DoneBytes);
        var (down, up) = status is null
            ? (entry.Downloaded, entry.Uploaded)
            : (status.AllTimeDownloaded, status.AllTimeUploaded);
        var (seeds, peers) = SwarmOf(status);
        // In one go: thousands are made of those that come to rest, and what is made to be copied is garbage.
        return new TorrentItem
        {
            Revision = revision,
            Id = entry.Id,
            InfoHashV1 = entry.InfoHashV1,
            InfoHashV2 = entry.InfoHashV2,
            Name = entry.Title ?? entry.Name,
            State = PhaseOf(torrent, status),
            Error = torrent.Problem ?? torrent.HeldFor ?? status?.Error,
            Size = entry.Size,
            AddedAt = entry.AddedAt,
            CompletedAt = entry.CompletedAt,
            ActiveAt = entry.ActiveAt,
            // A minute's worth: a list of seeds would else change each second for nothing but this.
            SeedingSeconds = entry.SeedingSeconds / 60 * 60,
            SaveDirectory = entry.SaveDirectory,
            IncompleteDirectory = entry.IncompleteDirectory,
            MovingTo = entry.MoveTarget,
            Category = entry.Category,
            Labels = entry.Labels,
            QueuePosition = position,
            Paused = entry.Paused,
            Forced = entry.Forced,
            Private = entry.Private,
            Publication = entry.Publication,
            Sequential = entry.Sequential,
            FirstLast = entry.FirstLast,
            SuperSeeding = entry.SuperSeeding,
            DownloadLimit = entry.DownloadLimit,
            UploadLimit = entry.UploadLimit,
            RatioLimit = entry.RatioLimit,
            SeedTimeLimit = entry.SeedTimeLimit,
            WantedSize = wanted,
            Done = done,
            Progress = status is { State: TorrentState.Checking }
                ? Share(status.PiecesChecked, status.PieceCount)
                : Share(done, wanted),
            DownloadRate = status?.DownloadRate ?? 0,
            UploadRate = status?.UploadRate ?? 0,
            Downloaded = down,
            Uploaded = up,
            Ratio = RatioOf(up, down, size),
            Peers = status?.PeerCount ?? 0,
            Seeds = status?.SeedCount ?? 0,
            SwarmSeeds = seeds,
            SwarmPeers = peers,
            SecondsLeft = status is { DownloadRate: > 0 and var rate } && wanted > done ? (wanted - done) / rate : null,
            Availability = Math.Round(status?.Availability ?? 0, 2),
        };
    }

    /// <summary>Of a torrent that is not here yet.</summary>
    public static IReadOnlyList<FileItem> Files(Metainfo metainfo) =>
        Files(metainfo, null, new Dictionary<int, string>(), null);

    public static IReadOnlyList<FileItem> Files(
        Metainfo metainfo,
        IReadOnlyDictionary<int, FileWish>? priorities,
        IReadOnlyDictionary<int, string> renamed,
        Bitfield? pieces
    )
    {
        var files = new List<FileItem>(metainfo.Files.Count);
        for (var i = 0; i < metainfo.Files.Count; i++)
        {
            var file = metainfo.Files[i];
            if (!file.IsPad)
            {
                files.Add(
                    new FileItem
                    {
                        Index = i,
                        Path = FileNames.PathOf(metainfo, renamed, i),
                        Size = file.Size,
                        Done = DoneOf(metainfo, file, pieces),
                        Priority = priorities?.GetValueOrDefault(i, FileWish.Normal) ?? FileWish.Normal,
                    }
                );
            }
        }

        return files;
    }

    /// <summary>
    /// The file or folder in which all of the content lies, below its folder; empty: files were renamed so that there is none. Null: not
    /// known yet.
    /// </summary>
    public static string? TopOf(LibraryTorrent torrent) =>
        torrent.Engine?.Metainfo is { } metainfo ? FileNames.TopOf(metainfo, RenamedFiles(torrent)) ?? "" : null;

    /// <summary>Names that the user gave to files, by their place, with those that files are about to get.</summary>
    public static IReadOnlyDictionary<int, string> RenamedFiles(LibraryTorrent torrent)
    {
        var done = torrent.Engine?.RenamedFiles ?? new Dictionary<int, string>();
        if (torrent.Entry.Renames is not { } coming)
        {
            return done;
        }

        var names = new Dictionary<int, string>(done);
        foreach (var (file, path) in coming)
        {
            names[file] = path;
        }

        return names;
    }

    public static PeerItem Peer(PeerStatus peer) =>
        new()
        {
            Address = PeerText.Address(peer),
            Client = peer.Client,
            Sources = PeerText.AllSources(peer.Source),
            Transport = PeerText.Transport(peer.Transport),
            Encryption = PeerText.Encryption(peer.Encryption),
            Outgoing = peer.IsOutgoing,
            Progress = Math.Round(peer.Progress, 4),
            DownloadRate = peer.DownloadRate,
            UploadRate = peer.UploadRate,
            Downloaded = peer.Downloaded,
            Uploaded = peer.Uploaded,
            ChokesUs = peer.IsChokingUs,
            Choked = peer.AreWeChoking,
            IsInterested = peer.IsInterested,
            Interesting = peer.AreWeInterested,
        };

    /// <summary>Every tracker that is announced to, asked or not yet, and those that peers named.</summary>
    public static IReadOnlyList<TrackerItem> Trackers(
        IReadOnlyList<IReadOnlyList<string>> tiers,
        IReadOnlyList<TrackerStatus> known
    )
    {
        var items = known
            .Select(tracker => new TrackerItem
            {
                Url = tracker.Url,
                Tier = tracker.Tier,
                Working = tracker.IsWorking,
                Message = tracker.Message,
                Seeds = tracker.Seeds,
                Peers = tracker.Leeches,
                NextAnnounceAt = tracker.NextAnnounce?.ToUnixTimeSeconds(),
            })
            .ToList();
        var seen = items.Select(item => item.Url).ToHashSet(StringComparer.Ordinal);
        for (var tier = 0; tier < tiers.Count; tier++)
        {
            items.AddRange(tiers[tier].Where(seen.Add).Select(url => new TrackerItem { Url = url, Tier = tier }));
        }

        return [.. items.OrderBy(item => item.Tier)];
    }

    /// <summary>Copies of the rarest of some pieces, and the share of pieces with more.</summary>
    public static double AvailabilityOf(ReadOnlySpan<byte> copies)
    {
        var (rarest, more) = ((int)byte.MaxValue, 0);
        foreach (var count in copies)
        {
            rarest = Math.Min(rarest, count);
        }

        foreach (var count in copies)
        {
            more += count > rarest ? 1 : 0;
        }

        return Math.Round(rarest + (double)more / copies.Length, 2);
    }

    /// <summary>Bytes of a file in proven pieces.</summary>
    public static long DoneOf(Metainfo metainfo, MetainfoFile file, Bitfield? pieces)
    {
        if (pieces is null || file.Size == 0 || file.SymlinkTarget is not null)
        {
            return 0;
        }

        if (pieces.IsFull)
        {
            return file.Size;
        }

        long done = 0;
        var layout = metainfo.Layout;
        var last = layout.PieceAt(file.End - 1).Value;
        for (var i = layout.PieceAt(file.Offset).Value; i <= last; i++)
        {
            if (pieces[i])
            {
                var start = layout.OffsetOf(layout.Piece(i));
                var end = start + layout.SizeOf(layout.Piece(i));
                done += Math.Min(end, file.End) - Math.Max(start, file.Offset);
            }
        }

        return done;
    }

    private static TorrentPhase PhaseOf(LibraryTorrent torrent, TorrentStatus? status) =>
        (torrent, status) switch
        {
            ({ Problem: not null, Engine: null }, _) => TorrentPhase.Failed,
            (_, null) => TorrentPhase.Loading,
            (_, { State: TorrentState.Checking }) => TorrentPhase.Checking,
            ({ Entry.Paused: true }, _) => TorrentPhase.Paused,
            ({ IsQueued: true }, _) => TorrentPhase.Queued,
            (_, { State: TorrentState.FetchingMetadata }) => TorrentPhase.Metadata,
            (_, { State: TorrentState.Failed }) => TorrentPhase.Failed,
            (_, { State: TorrentState.Seeding }) => TorrentPhase.Seeding,
            (_, { State: TorrentState.Downloading }) => TorrentPhase.Downloading,
            // The engine has not heard yet that it may go on.
            (_, { IsComplete: true }) => TorrentPhase.Seeding,
            (_, { WantedBytes: 0 }) => TorrentPhase.Metadata,
            _ => TorrentPhase.Downloading,
        };

    /// <summary>How large the whole swarm is, by whoever says most.</summary>
    private static (int? Seeds, int? Peers) SwarmOf(TorrentStatus? status)
    {
        var (seeds, peers) = (status?.DhtSeeds, status?.DhtPeers);
        for (var i = 0; i < status?.Trackers.Count; i++)
        {
            if (status.Trackers[i] is { IsWorking: true } tracker)
            {
                (seeds, peers) = (Most(seeds, tracker.Seeds), Most(peers, tracker.Leeches));
            }
        }

        return (seeds, peers);
    }

    private static int? Most(int? one, int? other) => one is { } a && other is { } b ? Math.Max(a, b) : one ?? other;

    private static double Share(long part, long whole) => whole > 0 ? Math.Round((double)part / whole, 4) : 0;

    private static double RatioOf(long up, long down, long size)
    {
        var by = down > 0 ? down : size;
        return by > 0 ? Math.Round((double)up / by, 3) : 0;
    }
}
