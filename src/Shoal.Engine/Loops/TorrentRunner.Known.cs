using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// What the next run is to know.
internal sealed partial class TorrentRunner
{
    /// <summary>Peers that the user named and that are kept, reached or not. Default 100: the last.</summary>
    private const int MaxNamed = 100;

    private readonly Lock _saving = new();
    private (long Downloaded, long Uploaded) _savedTotals;
    private IPEndPoint[] _savedPeers = [];
    private IPEndPoint[] _namedPeers = [];

    /// <summary>At the start: peers that the user or the link names.</summary>
    private void TryNamedPeers(MagnetLink? magnet)
    {
        if (_options.Peers.Count > 0)
        {
            AddCandidates(new CandidateBatch(_options.Peers, PeerSource.User));
        }

        foreach (var (host, port) in magnet?.Peers ?? [])
        {
            Connections?.AddNamed(host, port, isOfUser: false);
        }

        foreach (var named in _options.NamedPeers)
        {
            Connections?.AddNamed(named.Host, named.Port, isOfUser: true);
        }
    }

    /// <summary>
    /// Keeps peers that the user named at once: a torrent may fail before one of them is reached, and who named them does not do so
    /// again. Any thread.
    /// </summary>
    private void KeepNamed(IReadOnlyList<IPEndPoint> peers)
    {
        lock (_saving)
        {
            _namedPeers = [.. _namedPeers.Except(peers).Concat(peers).TakeLast(MaxNamed)];
        }

        SaveWhatIsKnown();
    }

    /// <summary>For the next run: whom we reached or were told of, and how much went to and fro. What did not change is not said again.</summary>
    private void SaveWhatIsKnown()
    {
        if (_disk is not { } disk)
        {
            return;
        }

        var status = Status;
        var totals = (status.AllTimeDownloaded, status.AllTimeUploaded);
        lock (_saving)
        {
            if (totals != _savedTotals)
            {
                _savedTotals = totals;
                disk.SaveTotals(totals.AllTimeDownloaded, totals.AllTimeUploaded);
            }

            // Of those that called us we do not know where they listen. Who has everything is not in need of those it was told of.
            IPEndPoint[] known =
            [
                .. (status.State == TorrentState.Seeding ? [] : _namedPeers).Union(
                    status
                        .Peers.Where(peer => peer is { IsOutgoing: true, WebSeed: null })
                        .Select(peer => peer.EndPoint)
                ),
            ];
            // Whoever loses its network, or stops, is to find them again: none says less than those of before.
            if (known.Length > 0 && !known.AsSpan().SequenceEqual(_savedPeers))
            {
                _savedPeers = known;
                disk.SavePeers(known);
            }
        }
    }
}
