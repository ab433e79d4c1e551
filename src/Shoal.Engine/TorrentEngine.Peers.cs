using System.Net;

namespace Shoal.Engine;

// Who is out there, and whom the user does not want.
public sealed partial class TorrentEngine
{
    /// <summary>Has nothing to do with an address for twelve hours; who is connected there has to go.</summary>
    public void Ban(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        _services.Slots.Ban(address);
        foreach (var runner in _runners.Values)
        {
            runner.FilterChanged();
        }
    }

    /// <summary>Nodes of the DHT that are known now; 0 where it is not used.</summary>
    public int DhtNodes => _services.Dht?.NodeCount ?? 0;

    /// <summary>How long the disk took, over all torrents, since the start.</summary>
    public DiskDurations DiskDurations => _services.Disk.Times.Read();
}
