using System.Buffers;
using System.Net;
using Shoal.Protocol;

namespace Shoal.Tracker;

/// <summary>
/// A tracker without a server of its own, for a program that has one and decides itself who may ask. Safe to use from any
/// thread.
/// </summary>
public sealed class EmbeddedTracker
{
    private readonly ShardedRegistry _registry;
    private readonly HttpTrackerHandler _handler;

    /// <param name="options">Endpoints and path are not used.</param>
    public EmbeddedTracker(TrackerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _registry = new ShardedRegistry(options);
        _handler = new HttpTrackerHandler(_registry);
    }

    public TrackerCounters Counters => _registry.Counters;

    /// <summary>Answers an announce as over HTTP: bencoded, a refusal too.</summary>
    /// <param name="query">Behind the '?', still encoded.</param>
    /// <param name="from">Whose connection it is: the only address that is listed.</param>
    /// <param name="local">Our end of the connection.</param>
    /// <param name="output">Gets the answer.</param>
    public void Announce(ReadOnlySpan<char> query, IPAddress from, IPAddress local, IBufferWriter<byte> output) =>
        _handler.Announce(query, PeerAddress.From(from), PeerAddress.From(local), output);

    /// <summary>Answers why not, as over HTTP.</summary>
    /// <param name="reason">In a few words.</param>
    /// <param name="retryIn">When to try again; null: nothing is said.</param>
    /// <param name="output">Gets the answer.</param>
    public void Refuse(string reason, TimeSpan? retryIn, IBufferWriter<byte> output) =>
        _handler.Refuse(reason, retryIn, output);

    /// <summary>Lists, or with a stop takes off the list, a peer that told somebody else; answers nothing.</summary>
    public void Note(in AnnounceRequest request, IPAddress from)
    {
        if (_registry.IsAllowed(request.InfoHash))
        {
            _registry.Announce(request, PeerAddress.From(from), 0, [], [], _registry.Now);
        }
    }

    /// <summary>Zero for a swarm that is not there.</summary>
    public ScrapeCounts Scrape(InfoHash infoHash) => _registry.Scrape(infoHash);

    /// <summary>With <see cref="TrackerOptions.AllowOnlyListed"/>: serve this infohash from now on.</summary>
    public void Allow(InfoHash infoHash) => _registry.Allow(infoHash);

    /// <summary>Takes <see cref="Allow"/> back; peers already listed are forgotten in their time.</summary>
    public void Disallow(InfoHash infoHash) => _registry.Disallow(infoHash);

    /// <summary>Forgets some of the peers that are due; called once a second it gets round in less than a minute.</summary>
    public void Expire() => _registry.Expire();
}
