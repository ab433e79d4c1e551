using System.Net;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Our part in the DHT as a whole: a <see cref="DhtNode"/> for each of our addresses, which looks to others like so many
/// separate nodes (BEP 45), and to our user like one. Synchronous, single-threaded; numbers of sockets are those of
/// <c>families</c>.
/// </summary>
internal sealed class Dht
{
    /// <summary>
    /// BEP 45: "Implementations should avoid querying the same targets from multiple sockets at once ... Temporally
    /// spacing lookups to the same target keys may accomplish this."
    /// </summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMinutes(1);

    private readonly DhtCommons _commons;
    private readonly DhtNode[] _nodes;
    private readonly Dictionary<int, Wish> _wishes = [];
    private readonly ItemKeeper _keeper;
    private readonly List<(TimeSpan At, DhtNode Node, DhtSearch Search)> _later = [];
    private TimeSpan _nextExpiry;
    private int _lastNumber;

    /// <param name="limits">Bounds.</param>
    /// <param name="seed">32 bytes from a good source: tokens and transaction ids come of them.</param>
    /// <param name="families">The family of each socket; several may have the same.</param>
    /// <param name="verify">Null: mutable items are neither stored nor looked for.</param>
    /// <param name="isReadOnly">BEP 43.</param>
    /// <param name="saved">What <see cref="Save"/> gave; each is used by the first node of its family that has none.</param>
    /// <param name="now">Time since any fixed moment; never goes back.</param>
    public Dht(
        DhtLimits limits,
        ReadOnlySpan<byte> seed,
        IReadOnlyList<AddressFamily> families,
        SignatureVerifier? verify,
        bool isReadOnly,
        IReadOnlyList<DhtNodeState> saved,
        TimeSpan now
    )
    {
        _commons = new DhtCommons(limits, new DhtRandom(seed), verify, isReadOnly);
        _keeper = new ItemKeeper(_commons.Random);
        var states = saved.ToList();
        _nodes = new DhtNode[families.Count];
        for (var i = 0; i < _nodes.Length; i++)
        {
            var state = states.Find(candidate => candidate.Family == families[i]);
            if (state is not null)
            {
                states.Remove(state);
            }

            // BEP 45: "Each socket address must have a distinct Node ID."
            if (state is not null && _nodes.Take(i).Any(node => node.Id == state.Id))
            {
                state = state with { Id = _commons.Random.NextNodeId() };
            }

            _nodes[i] = new DhtNode(_commons, i, families[i], state, now);
        }

        foreach (var node in _nodes)
        {
            node.Sibling = Array.Find(_nodes, other => other.Family != node.Family);
        }
    }

    public IReadOnlyList<DhtNode> Nodes => _nodes;

    public bool IsBusy => _wishes.Count > 0 || Array.Exists(_nodes, node => node.IsBusy);

    /// <summary>Nodes in all routing tables.</summary>
    public int NodeCount => _nodes.Sum(node => node.Table.Count);

    public void Receive(int socket, IPEndPoint source, ReadOnlySpan<byte> datagram, TimeSpan now, DhtEffects effects)
    {
        _nodes[socket].Receive(source, datagram, now, effects);
        Merge(now, effects);
    }

    public void Tick(TimeSpan now, DhtEffects effects)
    {
        foreach (var kept in _keeper.Due(now))
        {
            kept.Search = ++_lastNumber;
            Put(kept.Search, new ItemPut(kept.Item), now);
        }

        for (var i = _later.Count - 1; i >= 0; i--)
        {
            if (now >= _later[i].At)
            {
                var (_, node, search) = _later[i];
                _later.RemoveAt(i);
                node.Start(search, now, effects);
            }
        }

        foreach (var node in _nodes)
        {
            node.Tick(now, effects);
        }

        if (now >= _nextExpiry)
        {
            _nextExpiry = now + ExpiryInterval;
            _commons.PeersIPv4.Expire(now);
            _commons.PeersIPv6.Expire(now);
            _commons.Items.Expire(now);
        }

        Merge(now, effects);
    }

    /// <inheritdoc cref="DhtNode.AddBootstrap"/>
    public void AddBootstrap(IPEndPoint endPoint)
    {
        foreach (var node in _nodes)
        {
            node.AddBootstrap(endPoint);
        }
    }

    /// <summary>
    /// Somebody else than the DHT knows at which address we are seen. Of use only where one node has the family: of several
    /// it is not known which.
    /// </summary>
    public void TakeExternalAddress(IPAddress address, TimeSpan now)
    {
        if (Array.FindAll(_nodes, node => node.Family == address.AddressFamily) is [var only])
        {
            only.TakeExternalAddress(address, now);
        }
    }

    /// <summary>Somebody says that a node is there (BEP 5, PORT message): ask it.</summary>
    public void AddNode(IPEndPoint endPoint, TimeSpan now, DhtEffects effects) =>
        Array.Find(_nodes, node => node.Family == endPoint.AddressFamily)?.Ping(endPoint, now, effects);

    /// <summary>Looks for peers, and announces where that is asked, from each of our addresses.</summary>
    /// <returns>The number of the results to come.</returns>
    public int FindPeers(PeerQuery query, TimeSpan now, DhtEffects effects)
    {
        var number = ++_lastNumber;
        Begin(number, query.AnnouncePort is not null, () => new PeerSearch(number, query, _commons.Limits), now);
        Tick(now, effects);
        return number;
    }

    /// <summary>Asks the nodes on the way to a target which infohashes they have (BEP 51).</summary>
    /// <returns>The number of the results to come.</returns>
    public int SampleInfoHashes(NodeId target, TimeSpan now, DhtEffects effects)
    {
        var number = ++_lastNumber;
        Begin(number, false, () => new SampleSearch(number, target, _commons.Sampled, now, _commons.Limits), now);
        Tick(now, effects);
        return number;
    }

    /// <inheritdoc cref="FindPeers"/>
    public int GetItem(ItemQuery query, TimeSpan now, DhtEffects effects)
    {
        var number = ++_lastNumber;
        Begin(number, false, () => new ItemSearch(number, query, null, _commons.Verify, _commons.Limits), now);
        Tick(now, effects);
        return number;
    }

    /// <summary>Puts an item that is signed already, if it is a mutable one.</summary>
    /// <returns>The number of the results to come.</returns>
    public int PutItem(ItemPut put, TimeSpan now, DhtEffects effects)
    {
        var number = ++_lastNumber;
        Put(number, put, now);
        Tick(now, effects);
        return number;
    }

    /// <summary>Puts an item now and about once an hour, until <see cref="Cancel"/>; of a mutable one always the newest.</summary>
    /// <param name="item">Signed already, if it is mutable.</param>
    /// <param name="wasPut">It was put just now: an hour from now first.</param>
    /// <param name="now">The time.</param>
    /// <param name="effects">What follows.</param>
    /// <returns>The number of the results to come: <see cref="DhtResult.ItemKept"/> each time.</returns>
    public int KeepItem(DhtItem item, bool wasPut, TimeSpan now, DhtEffects effects)
    {
        var number = ++_lastNumber;
        _keeper.Add(number, item, wasPut, now);
        Tick(now, effects);
        return number;
    }

    /// <summary>Gives up; no result comes any more.</summary>
    public void Cancel(int number)
    {
        if (_keeper.Remove(number) is > 0 and var search)
        {
            number = search;
        }

        _wishes.Remove(number);
        _later.RemoveAll(later => later.Search.Number == number);
        foreach (var node in _nodes)
        {
            node.Cancel(number);
        }
    }

    public List<DhtNodeState> Save() => [.. _nodes.Select(node => node.Save())];

    private void Put(int number, ItemPut put, TimeSpan now)
    {
        var query = new ItemQuery(put.Item.Target, put.Item.Signature?.PublicKey, put.Item.Salt);
        Begin(number, false, () => new ItemSearch(number, query, put, _commons.Verify, _commons.Limits), now);
    }

    // The searches start with the next tick.
    private void Begin(int number, bool fromAll, Func<DhtSearch> make, TimeSpan now)
    {
        var wish = new Wish();
        _wishes.Add(number, wish);
        foreach (var family in _nodes.GroupBy(node => node.Family))
        {
            var delay = TimeSpan.Zero;
            foreach (var node in fromAll ? family : family.Take(1))
            {
                wish.Parts++;
                _later.Add((now + delay, node, make()));
                delay += Spacing;
            }
        }
    }

    // The results of several nodes become those of one.
    private void Merge(TimeSpan now, DhtEffects effects)
    {
        var results = effects.Results;
        for (var i = 0; i < results.Count; i++)
        {
            var keep = results[i];
            if (_wishes.TryGetValue(keep.Number, out var wish))
            {
                keep = wish.Take(keep);
                if (wish.Parts == 0)
                {
                    _wishes.Remove(results[i].Number);
                }
            }

            if (keep is not null && !_keeper.IsEmpty && _keeper.OfSearch(keep.Number) is { } kept)
            {
                keep = keep is DhtResult.ItemDone done ? _keeper.Done(kept, done, now) : null;
            }

            if (keep is null)
            {
                results.RemoveAt(i--);
            }
            else
            {
                results[i] = keep;
            }
        }
    }

    /// <summary>Something asked for that several nodes work at.</summary>
    private sealed class Wish
    {
        private DhtResult? _sum;
        private DhtItem? _best;

        /// <summary>Nodes that are not done.</summary>
        public int Parts { get; set; }

        /// <summary>What to report now; null: nothing yet.</summary>
        public DhtResult? Take(DhtResult result)
        {
            switch (result)
            {
                case DhtResult.ItemFound found:
                    if (_best is not null && !(found.Item.Signature?.Sequence > _best.Signature?.Sequence))
                    {
                        return null;
                    }

                    _best = found.Item;
                    return found;
                case DhtResult.PeersDone done:
                    _sum = _sum is DhtResult.PeersDone sum
                        ? sum with
                        {
                            Asked = sum.Asked + done.Asked,
                            Answered = sum.Answered + done.Answered,
                            Found = sum.Found + done.Found,
                            StoredAt = sum.StoredAt + done.StoredAt,
                            Scrape = Larger(sum.Scrape, done.Scrape),
                            Hops = Math.Max(sum.Hops, done.Hops),
                        }
                        : done;
                    return --Parts == 0 ? _sum : null;
                case DhtResult.SamplesDone done:
                    _sum = _sum is DhtResult.SamplesDone samples
                        ? samples with
                        {
                            Answered = samples.Answered + done.Answered,
                            InfoHashes = [.. samples.InfoHashes.Union(done.InfoHashes)],
                            Stored = samples.Stored + done.Stored,
                        }
                        : done;
                    return --Parts == 0 ? _sum : null;
                case DhtResult.ItemDone done:
                    _sum = _sum is DhtResult.ItemDone before
                        ? before with
                        {
                            Answered = before.Answered + done.Answered,
                            Best = _best,
                            StoredAt = before.StoredAt + done.StoredAt,
                            Refusal = before.Refusal ?? done.Refusal,
                        }
                        : done;
                    return --Parts == 0 ? _sum : null;
                default:
                    return result;
            }
        }

        // Addresses of the same family are asked about the same peers; those of another know others.
        private static ScrapeResult? Larger(ScrapeResult? a, ScrapeResult? b) =>
            a is null || b is null ? a ?? b : new ScrapeResult(Math.Max(a.Seeds, b.Seeds), Math.Max(a.Peers, b.Peers));
    }
}
