using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What torrents need of the DHT (<see cref="DhtLoop"/>). Safe to use from any thread.</summary>
internal interface IPeerSearch
{
    /// <summary>How often there has come to be somebody to ask after there was nobody.</summary>
    int Joins { get; }

    /// <summary>Looks for peers, and announces if the query says so.</summary>
    /// <param name="query">What for.</param>
    /// <param name="found">Called with peers as they come in; quick.</param>
    /// <param name="done">Called once at the end, but not when the DHT stops before.</param>
    void FindPeers(PeerQuery query, Action<IReadOnlyList<IPEndPoint>> found, Action<DhtResult.PeersDone> done);
}
