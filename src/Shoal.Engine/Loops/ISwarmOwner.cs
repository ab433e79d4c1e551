using System.Net;
using Shoal.Membership;

namespace Shoal.Engine;

/// <summary>What a swarm's loop needs of the torrent around it. Called on the loop's strand; must not wait.</summary>
internal interface ISwarmOwner
{
    void Connect(IPEndPoint endPoint, DialHints hints);
    void Ban(IPAddress address);
    void BanWebSeed(WebSeedUrl url);
    void MetadataFetched(byte[] infoBytes);
    void PieceLayersFetched(byte[] layers);
    void PieceCompleted(int piece);
    void Completed();
    void NeedPeers();

    /// <summary>A reader may read on, or less far than before. Told before anything of it can be overwritten.</summary>
    void ReaderAdvanced(ReaderProgress progress);

    /// <summary>A peer says at which address it sees us.</summary>
    void AddressSeen(AddressSighting seen);

    /// <summary>A peer says that a node of the DHT is there.</summary>
    void NodeFound(IPEndPoint node);

    /// <summary>Peers named trackers.</summary>
    void TrackersHeard(IReadOnlyList<HearsayTracker> trackers);

    /// <summary>A peer sent a newer list of who is no member any more, and it is good.</summary>
    void RevocationsHeard(RevocationList list);

    /// <summary>We are no member any more.</summary>
    void MembershipEnded();
    void StateChanged(TorrentStatus status);

    /// <summary>Something happened besides that time passed. Called on any thread, often.</summary>
    void Stirred();

    /// <summary>A peer was met, or left for a reason.</summary>
    void PeerChanged(PeerStatus peer, DisconnectReason? left);

    /// <summary>The swarm threw: a bug. The torrent is stopped; the others go on.</summary>
    void Faulted(Exception exception);
}
