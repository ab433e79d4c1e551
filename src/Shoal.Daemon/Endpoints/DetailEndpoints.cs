using Shoal.Api;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>One torrent in detail: files, peers, trackers, pieces.</summary>
internal static class DetailEndpoints
{
    public static IReadOnlyList<ApiRoute> Routes { get; } =
    [
        ApiRoute.Read(
            "/torrents/{id}",
            "Everything of one torrent that is not a list of its own.",
            call => Details(call),
            ApiJson.Default.TorrentDetails
        ),
        ApiRoute.Read(
            "/torrents/{id}/files",
            "The files of a torrent; none while they are not known.",
            call => Files(call.Torrent),
            ApiJson.Default.FileList
        ),
        ApiRoute.Change(
            "PATCH",
            "/torrents/{id}/files",
            "Changes how much files are wanted, and what they are called.",
            ApiJson.Default.FileChange,
            ChangeFilesAsync,
            call => Files(call.Torrent),
            ApiJson.Default.FileList
        ),
        ApiRoute.Read(
            "/torrents/{id}/peers",
            "The connections of a torrent.",
            call => Peers(call.Torrent),
            ApiJson.Default.PeerList
        ),
        ApiRoute.Change(
            "POST",
            "/torrents/{id}/peers",
            "Names peers to try.",
            ApiJson.Default.AddPeers,
            (call, wish) => call.Library.AddPeersAsync(call.Torrent, wish.Peers),
            call => Peers(call.Torrent),
            ApiJson.Default.PeerList
        ),
        ApiRoute.Read(
            "/torrents/{id}/trackers",
            "The trackers of a torrent, and what they said last.",
            call => Trackers(call.Torrent),
            ApiJson.Default.TrackerList
        ),
        ApiRoute.Change(
            "PUT",
            "/torrents/{id}/trackers",
            "Announces to these trackers instead.",
            ApiJson.Default.TrackerChange,
            (call, wish) => call.Library.SetTrackersAsync(call.Torrent, wish.Tiers),
            call => Trackers(call.Torrent),
            ApiJson.Default.TrackerList
        ),
        ApiRoute.Read(
            "/torrents/{id}/pieces",
            "Which pieces are here, and how many peers have each.",
            call => Pieces(call.Torrent),
            ApiJson.Default.PieceMap
        ),
        new(
            "GET",
            "/torrents/{id}/metainfo",
            AccessScope.Read,
            "The .torrent file; of what came by a link once its metadata is known.",
            WriteMetainfoAsync
        ),
    ];

    public static FileList Files(LibraryTorrent torrent) =>
        new(
            torrent.Engine is { Metainfo: { } metainfo } engine
                ? TorrentItems.Files(
                    metainfo,
                    torrent.Entry.Priorities,
                    TorrentItems.RenamedFiles(torrent),
                    engine.Status.Pieces
                )
                : []
        );

    public static PeerList Peers(LibraryTorrent torrent) =>
        new([.. (torrent.Engine?.Status.Peers ?? []).Select(TorrentItems.Peer)]);

    public static TrackerList Trackers(LibraryTorrent torrent) =>
        new(
            TorrentItems.Trackers(
                torrent.Engine?.Trackers ?? torrent.Entry.Trackers ?? [],
                torrent.Engine?.Status.Trackers ?? []
            )
        );

    /// <summary>A link to a torrent with its trackers and web seeds, as many of them as there is room for.</summary>
    /// <param name="most">Characters.</param>
    public static string MagnetOf(LibraryTorrent torrent, int most)
    {
        if (!MagnetLink.TryParse(MagnetOf(torrent), out var link, out _))
        {
            return "";
        }

        link = link with { WebSeeds = [] };
        while (link.Trackers.Count > 0 && link.ToString().Length > most)
        {
            link = link with { Trackers = [.. link.Trackers.Take(link.Trackers.Count - 1)] };
        }

        return link.ToString().Length > most ? (link with { Name = null }).ToString() : link.ToString();
    }

    /// <summary>A link to a torrent with its trackers; empty where it is for members only, whom no link leads to it.</summary>
    public static string MagnetOf(LibraryTorrent torrent)
    {
        var entry = torrent.Entry;
        if (entry.Publication is not null)
        {
            return "";
        }

        var known = entry.Magnet is { } link && MagnetLink.TryParse(link, out var parsed, out _) ? parsed : null;
        return new MagnetLink
        {
            InfoHashes = torrent.Engine?.InfoHashes ?? entry.InfoHashes,
            Name = entry.Name == entry.Id ? null : entry.Name,
            Trackers = [.. Trackers(torrent).Trackers.Select(tracker => tracker.Url)],
            WebSeeds = torrent.Engine?.Metainfo?.WebSeeds ?? known?.WebSeeds ?? [],
        }.ToString();
    }

    /// <summary>Why there is no .torrent file to hand out.</summary>
    public const string NoMetainfo =
        "it came by a link, and peers have not told everything yet that its .torrent file has to say";

    /// <summary>The .torrent file: the one it came by, or one that is made of what peers have told.</summary>
    /// <returns>Null: that is not known yet; or it is for members only and came by a link.</returns>
    public static Task<byte[]?> MetainfoOfAsync(DaemonServices services, LibraryTorrent torrent) =>
        Task.Run(() =>
        {
            try
            {
                return services.Files.Read(torrent.Entry);
            }
            catch (IOException)
            {
                return torrent.Entry.Publication is null ? torrent.Engine?.ToTorrentFile() : null;
            }
        });

    private static TorrentDetails Details(ApiCall call)
    {
        var torrent = call.Torrent;
        var status = torrent.Engine?.Status;
        var metainfo = torrent.Engine?.Metainfo;
        return new TorrentDetails
        {
            Torrent = call.Library.Item(torrent),
            Format = metainfo?.Format.ToString().ToLowerInvariant(),
            Magnet = MagnetOf(torrent),
            Pieces = metainfo?.Layout.PieceCount ?? 0,
            PieceLength = metainfo?.Layout.PieceLength ?? 0,
            PiecesDone = status?.Pieces?.Count ?? 0,
            Files = metainfo?.Files.Count(file => !file.IsPad) ?? 0,
            Comment = metainfo?.Comment,
            CreatedBy = metainfo?.CreatedBy,
            CreatedAt = metainfo?.CreationDate,
            Source = metainfo?.Source,
            Wasted = status?.Wasted ?? 0,
            HashFailures = status?.HashFailures ?? 0,
            Candidates = status?.CandidateCount ?? 0,
            WebSeedsInUse = status?.WebSeedCount ?? 0,
            WebSeeds = metainfo?.WebSeeds ?? [],
        };
    }

    private static PieceMap Pieces(LibraryTorrent torrent)
    {
        var pieces = torrent.Engine?.Status.Pieces;
        return new PieceMap
        {
            Count = pieces?.Length ?? 0,
            Length = torrent.Engine?.Metainfo?.Layout.PieceLength ?? 0,
            Done = pieces?.Count ?? 0,
            Bits = Convert.ToBase64String(pieces is null ? [] : pieces.Bytes),
            Copies = torrent.Engine?.AskForCopies() is { } copies ? Convert.ToBase64String(copies) : null,
        };
    }

    private static async Task ChangeFilesAsync(ApiCall call, FileChange change)
    {
        var torrent = call.Torrent;
        if (change is { Priorities: null, Renames: null })
        {
            throw ApiException.Bad("priorities", "priorities or renames are needed");
        }

        if (change.Priorities is { } priorities)
        {
            await call.Library.ChangeFilesAsync(torrent, priorities).ConfigureAwait(false);
        }

        await call.Library.RenameFilesAsync(torrent, change.Renames, call.AllowedFolders).ConfigureAwait(false);
    }

    private static async Task WriteMetainfoAsync(ApiCall call)
    {
        var torrent = call.Torrent;
        var bytes =
            await MetainfoOfAsync(call.Services, torrent).ConfigureAwait(false)
            ?? throw new ApiException(404, "no-metainfo", NoMetainfo);
        var response = call.Context.Response;
        response.ContentType = "application/x-bittorrent";
        response.Headers.ContentDisposition = $"attachment; filename=\"{torrent.Entry.Id}.torrent\"";
        await response.Body.WriteAsync(bytes, call.Aborted).ConfigureAwait(false);
    }
}
