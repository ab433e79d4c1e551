using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

// What the user and the engine want of the torrent.
internal sealed partial class TorrentRunner
{
    public void SetLimits(long download, long upload)
    {
        DownloadGate.Limit = download;
        UploadGate.Limit = upload;
    }

    public void SetFilePriorities(IReadOnlyList<FilePriority> priorities)
    {
        _disk?.SetFilePriorities(priorities);
        Command(new SwarmCommand.SetFilePriorities(priorities));
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
        var allowed = batch.EndPoints.Where(endPoint => MayCall(endPoint, batch.Source)).ToArray();
        if (allowed.Length > 0)
        {
            _loop.Post(
                new SwarmEvent(SwarmEventKind.CandidatesFound, Payload: new CandidateBatch(allowed, batch.Source))
            );
        }
    }

    /// <summary>The user's filter of addresses is another one.</summary>
    public void FilterChanged() => _connections.FilterChanged();

    /// <summary>Peers reach us at another port than before (<see cref="EngineServices.PublicPort"/>).</summary>
    public void PortChanged()
    {
        Command(new SwarmCommand.SetListenPort(_services.PublicPort));
        _sources.PortChanged();
    }

    /// <summary>Whether the user's filters let us call a peer.</summary>
    private bool MayCall(IPEndPoint endPoint, PeerSource source) =>
        !_services.Filter.IsBlocked(endPoint.Address)
        && (source.HasFlag(PeerSource.User) || !_services.Filter.IsBlockedPort(endPoint.Port));
}
