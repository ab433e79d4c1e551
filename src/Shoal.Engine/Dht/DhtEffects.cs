using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A datagram to send, by the socket with that number.</summary>
internal readonly record struct DhtDatagram(int Via, IPEndPoint To, byte[] Bytes);

/// <summary>What came of something the user of the DHT asked for. Number: what the asking returned.</summary>
internal abstract record DhtResult(int Number)
{
    /// <summary>Peers not reported before by this search; comes any number of times.</summary>
    internal sealed record PeersFound(int Number, IReadOnlyList<IPEndPoint> Peers) : DhtResult(Number);

    /// <summary>The search for peers is over, and we are announced if that was asked.</summary>
    /// <param name="Number">See <see cref="DhtResult"/>.</param>
    /// <param name="Asked">Nodes that were asked.</param>
    /// <param name="Answered">Nodes that answered; 0: there is no way into the DHT at present.</param>
    /// <param name="Found">Peers reported.</param>
    /// <param name="StoredAt">Nodes that took our announce.</param>
    /// <param name="Scrape">When asked for.</param>
    internal sealed record PeersDone(int Number, int Asked, int Answered, int Found, int StoredAt, ScrapeResult? Scrape)
        : DhtResult(Number)
    {
        /// <summary>Queries one after the other to the closest node that answered; 0: none has.</summary>
        public int Hops { get; init; }
    }

    /// <summary>The search for samples is over.</summary>
    /// <param name="Number">See <see cref="DhtResult"/>.</param>
    /// <param name="Answered">Nodes that answered; not all of them sample.</param>
    /// <param name="InfoHashes">Each once.</param>
    /// <param name="Stored">Infohashes that the nodes say they have, those known to several counted several times.</param>
    internal sealed record SamplesDone(int Number, int Answered, IReadOnlyList<InfoHash> InfoHashes, long Stored)
        : DhtResult(Number);

    /// <summary>An item, proven; for mutable ones each time a newer one comes in.</summary>
    internal sealed record ItemFound(int Number, DhtItem Item) : DhtResult(Number);

    /// <summary>The search for an item, or the putting of one, is over.</summary>
    /// <param name="Number">See <see cref="DhtResult"/>.</param>
    /// <param name="Answered">Nodes that answered.</param>
    /// <param name="Best">The newest item found.</param>
    /// <param name="StoredAt">Nodes that took the item that was to be put.</param>
    /// <param name="Refusal">Why a node did not take it, if one refused.</param>
    internal sealed record ItemDone(int Number, int Answered, DhtItem? Best, int StoredAt, KrpcErrorCode? Refusal)
        : DhtResult(Number);

    /// <summary>An item that is kept was put, or could not be; comes again each time.</summary>
    /// <param name="Number">See <see cref="DhtResult"/>.</param>
    /// <param name="Item">The newest one: what is put next.</param>
    /// <param name="StoredAt">Nodes that took it; 0: it is tried again soon.</param>
    internal sealed record ItemKept(int Number, DhtItem Item, int StoredAt) : DhtResult(Number);
}

/// <summary>BEP 33: how many there are, about.</summary>
internal sealed record ScrapeResult(double Seeds, double Peers);

/// <summary>Where the DHT puts what it decided; reused, and emptied by the caller.</summary>
internal sealed class DhtEffects
{
    public List<DhtDatagram> Datagrams { get; } = [];

    public List<DhtResult> Results { get; } = [];

    public void Clear()
    {
        Datagrams.Clear();
        Results.Clear();
    }
}
