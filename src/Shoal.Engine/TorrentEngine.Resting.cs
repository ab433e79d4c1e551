namespace Shoal.Engine;

// Torrents that have nothing to do.
public sealed partial class TorrentEngine
{
    /// <summary>
    /// Told when a torrent that was at rest (<see cref="Torrent.IsAtRest"/>) is not any more, so that nobody has to look at thousands
    /// of them to find one. Any thread, and must not wait. Set before torrents are added.
    /// </summary>
    public Action<Torrent>? RestEnded
    {
        get => _services.RestEnded;
        set => _services.RestEnded = value;
    }
}
