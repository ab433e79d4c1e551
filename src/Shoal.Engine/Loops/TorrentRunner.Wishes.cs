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

    /// <summary>Peers reach us at another port than before (<see cref="EngineServices.PublicPort"/>).</summary>
    public void PortChanged()
    {
        Command(new SwarmCommand.SetListenPort(_services.PublicPort));
        _sources.PortChanged();
    }
}
