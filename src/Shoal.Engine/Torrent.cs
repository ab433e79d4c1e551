using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>One torrent in a <c>TorrentEngine</c>. Safe to use from any thread.</summary>
public sealed class Torrent
{
    internal Torrent(InfoHashes infoHashes) => InfoHashes = infoHashes;

    public InfoHashes InfoHashes { get; }
}
