using System.Net;

namespace Shoal.Daemon;

// Peers that somebody names.
internal sealed partial class TorrentLibrary
{
    /// <summary>Peers to try, and to try again after a restart as long as it is not complete.</summary>
    public async Task AddPeersAsync(LibraryTorrent torrent, IReadOnlyList<string> peers)
    {
        var named = EndPointsOf(peers);
        Task saved;
        lock (_lock)
        {
            saved =
                torrent.Entry.CompletedAt is null && named.Count > 0
                    ? Keep(torrent, torrent.Entry with { Peers = Kept(torrent.Entry.Peers, named) })
                    : Task.CompletedTask;
            Try(torrent, named);
        }

        await SavedAsync(saved).ConfigureAwait(false);
    }

    /// <summary>The last of those that were named.</summary>
    private IReadOnlyList<string>? Kept(IReadOnlyList<string>? before, List<IPEndPoint> named)
    {
        var texts = named.Select(peer => peer.ToString()).Distinct().ToList();
        return texts.Count == 0
            ? before
            : [.. (before ?? []).Except(texts).Concat(texts).TakeLast(_limits.MaxKeptPeers)];
    }

    private void Try(LibraryTorrent torrent, List<IPEndPoint> peers)
    {
        if (peers.Count > 0)
        {
            Do(
                torrent,
                () =>
                {
                    torrent.Engine?.AddPeers(peers);
                    return Task.CompletedTask;
                }
            );
        }
    }

    private List<IPEndPoint> EndPointsOf(IReadOnlyList<string> peers)
    {
        if (peers.Count > _limits.MaxPeers)
        {
            throw ApiException.Bad("peers", $"peers: more than {_limits.MaxPeers}");
        }

        var endPoints = new List<IPEndPoint>();
        foreach (var text in ApiException.Whole("peers", peers))
        {
            endPoints.Add(
                IPEndPoint.TryParse(text, out var end) && end.Port > 0
                    ? end
                    : throw ApiException.Bad("peers", $"peers: '{Shorten(text)}' is not ADDRESS:PORT")
            );
        }

        return endPoints;
    }

    private static List<IPEndPoint> PeersOf(LibraryEntry entry) =>
        [
            .. (entry.Peers ?? [])
                .Select(text => IPEndPoint.TryParse(text, out var peer) ? peer : null)
                .OfType<IPEndPoint>(),
        ];
}
