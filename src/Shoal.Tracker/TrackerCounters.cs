namespace Shoal.Tracker;

/// <summary>What a tracker has done since its start.</summary>
/// <param name="Swarms">Infohashes with peers.</param>
/// <param name="Peers">Peers listed, over all swarms.</param>
/// <param name="Refused">Announces and scrapes answered with a reason why not.</param>
/// <param name="Ignored">Datagrams not answered: no tracker messages, or from addresses not proven.</param>
public readonly record struct TrackerCounters(
    int Swarms,
    int Peers,
    long HttpAnnounces,
    long UdpAnnounces,
    long Scrapes,
    long Connects,
    long Refused,
    long Ignored
);
