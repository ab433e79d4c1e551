using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What stands in every query of ours.</summary>
internal readonly record struct QueryHead(
    byte[] TransactionId,
    byte[] Version,
    NodeId Id,
    bool IsReadOnly,
    KrpcWant Want
);

/// <summary>A lookup with a purpose: what to ask each node, what to do with the answers, what to store at the end.</summary>
internal abstract class DhtSearch(int number, NodeId target, DhtLimits limits)
{
    public int Number => number;

    public DhtLookup Lookup { get; } = new(target, limits);

    /// <summary>Nothing more is to be found: the rest of the nodes need not be asked.</summary>
    public virtual bool HasEnough => false;

    /// <summary>The lookup is over and what is to be stored is under way.</summary>
    public bool IsStoring { get; private set; }

    /// <summary>Stores that wait for an answer.</summary>
    public int StoresWaiting { get; private set; }

    public int StoredAt { get; private set; }

    /// <summary>What to ask that node.</summary>
    public abstract KrpcQuery Ask(QueryHead head, IPEndPoint to);

    public abstract void Take(LookupCandidate from, KrpcResponse response, DhtEffects effects);

    /// <summary>What others stored with us is as good as what they stored elsewhere. Called once, at the start.</summary>
    public virtual void TakeOwn(PeerStore peers, ItemStore items, DhtEffects effects) { }

    /// <summary>What to store with a node; null: nothing.</summary>
    public virtual KrpcQuery? Store(QueryHead head, LookupCandidate at) => null;

    public virtual void StoreRefused(KrpcErrorCode code) { }

    public abstract void Finish(DhtEffects effects);

    public void BeginStoring(int stores) => (IsStoring, StoresWaiting) = (true, stores);

    public void StoreEnded(bool isStored)
    {
        StoresWaiting--;
        StoredAt += isStored ? 1 : 0;
    }
}

/// <summary>Looks for nodes only, to fill the routing table, which takes every node that answers.</summary>
internal sealed class NodeSearch(NodeId target, DhtLimits limits) : DhtSearch(0, target, limits)
{
    public override KrpcQuery Ask(QueryHead head, IPEndPoint to) =>
        new()
        {
            TransactionId = head.TransactionId,
            Version = head.Version,
            Id = head.Id,
            IsReadOnly = head.IsReadOnly,
            Want = head.Want,
            Method = KrpcMethod.FindNode,
            Target = Lookup.Target,
        };

    public override void Take(LookupCandidate from, KrpcResponse response, DhtEffects effects) { }

    public override void Finish(DhtEffects effects) { }
}

/// <summary>What the user wants to know about an infohash, and to tell.</summary>
internal sealed record PeerQuery(NodeId InfoHash)
{
    /// <summary>The TCP port to announce; null: announce nothing.</summary>
    public int? AnnouncePort { get; init; }

    /// <summary>Peers reach us by the port that our datagrams come from.</summary>
    public bool ImpliedPort { get; init; }

    /// <summary>BEP 33: announce as a seed.</summary>
    public bool IsSeed { get; init; }

    /// <summary>BEP 33: rather no seeds.</summary>
    public bool NoSeeds { get; init; }

    /// <summary>BEP 33: estimate how many there are.</summary>
    public bool Scrape { get; init; }
}

/// <summary>get_peers, then announce_peer.</summary>
internal sealed class PeerSearch(int number, PeerQuery query, DhtLimits limits)
    : DhtSearch(number, query.InfoHash, limits)
{
    private readonly int _limit = limits.LookupPeers;
    private readonly HashSet<IPEndPoint> _found = [];
    private readonly ScrapeFilter _seeds = new();
    private readonly ScrapeFilter _peers = new();

    public override bool HasEnough => query.AnnouncePort is null && !query.Scrape && _found.Count >= _limit;

    public override KrpcQuery Ask(QueryHead head, IPEndPoint to) =>
        new()
        {
            TransactionId = head.TransactionId,
            Version = head.Version,
            Id = head.Id,
            IsReadOnly = head.IsReadOnly,
            Want = head.Want,
            Method = KrpcMethod.GetPeers,
            Target = query.InfoHash,
            NoSeeds = query.NoSeeds,
            Scrape = query.Scrape,
        };

    public override void Take(LookupCandidate from, KrpcResponse response, DhtEffects effects)
    {
        if (response.SeedFilter is not null)
        {
            _seeds.Unite(response.SeedFilter);
        }

        if (response.PeerFilter is not null)
        {
            _peers.Unite(response.PeerFilter);
        }

        List<IPEndPoint>? fresh = null;
        foreach (var peer in response.Values ?? [])
        {
            if (_found.Count >= _limit || !DhtAddress.MayBeNamedBy(peer, from.EndPoint.Address))
            {
                continue;
            }

            if (_found.Add(peer))
            {
                (fresh ??= []).Add(peer);
            }

            // BEP 33: "If a response only contains a "values" list when a scrape has been requested then an
            // implementation may generate a bloom filter for that list locally." "it should check if the IPs are not
            // present in the seed filters of other nodes".
            if (query.Scrape && response.PeerFilter is null && !_seeds.MayContain(peer.Address))
            {
                _peers.Add(peer.Address);
            }
        }

        if (fresh is not null)
        {
            effects.Results.Add(new DhtResult.PeersFound(Number, fresh));
        }
    }

    public override void TakeOwn(PeerStore peers, ItemStore items, DhtEffects effects)
    {
        var own = peers.Sample(query.InfoHash, KrpcReader.MaxValues, query.NoSeeds);
        if (own is not null)
        {
            _found.UnionWith(own);
            effects.Results.Add(new DhtResult.PeersFound(Number, own));
        }
    }

    public override KrpcQuery? Store(QueryHead head, LookupCandidate at) =>
        query.AnnouncePort is not { } port
            ? null
            : new KrpcQuery
            {
                TransactionId = head.TransactionId,
                Version = head.Version,
                Id = head.Id,
                IsReadOnly = head.IsReadOnly,
                Method = KrpcMethod.AnnouncePeer,
                Target = query.InfoHash,
                Token = at.Token,
                Port = port,
                ImpliedPort = query.ImpliedPort,
                IsSeed = query.IsSeed,
            };

    public override void Finish(DhtEffects effects)
    {
        var scrape = query.Scrape ? new ScrapeResult(_seeds.Estimate(), _peers.Estimate()) : null;
        effects.Results.Add(
            new DhtResult.PeersDone(Number, Lookup.Asked, Lookup.Answered, _found.Count, StoredAt, scrape)
            {
                Hops = Lookup.Hops,
            }
        );
    }
}

/// <summary>An item to look for (BEP 44).</summary>
/// <param name="Target">Where it is stored.</param>
/// <param name="PublicKey">Null: an immutable item.</param>
/// <param name="Salt">Empty when it has none.</param>
internal sealed record ItemQuery(NodeId Target, byte[]? PublicKey, byte[] Salt)
{
    public static ItemQuery Immutable(NodeId target) => new(target, null, []);

    public static ItemQuery Mutable(byte[] publicKey, byte[] salt) =>
        new(DhtItem.TargetOf(publicKey, salt), publicKey, salt);
}

/// <summary>An item to put; CompareAndSwap: only over the one with that number.</summary>
internal sealed record ItemPut(DhtItem Item, long? CompareAndSwap = null);

/// <summary>get, then put if there is something to put.</summary>
internal sealed class ItemSearch(int number, ItemQuery query, ItemPut? put, SignatureVerifier? verify, DhtLimits limits)
    : DhtSearch(number, query.Target, limits)
{
    private readonly int _maxValue = limits.ItemValueBytes;
    private readonly int _maxChecks = limits.LookupSignatureChecks;
    private DhtItem? _best;
    private KrpcErrorCode? _refusal;
    private int _checks;

    // An immutable item is the only one of its name; of a mutable one somebody may have a newer one.
    public override bool HasEnough => put is null && query.PublicKey is null && _best is not null;

    public override KrpcQuery Ask(QueryHead head, IPEndPoint to) =>
        new()
        {
            TransactionId = head.TransactionId,
            Version = head.Version,
            Id = head.Id,
            IsReadOnly = head.IsReadOnly,
            Want = head.Want,
            Method = KrpcMethod.Get,
            Target = query.Target,
        };

    public override void Take(LookupCandidate from, KrpcResponse response, DhtEffects effects)
    {
        if (response.Value is null || response.Value.Length > _maxValue)
        {
            return;
        }

        if (query.PublicKey is null)
        {
            // BEP 44: "A node making a lookup SHOULD verify the data it receives from the network, to verify that its
            // hash matches the target that was looked up."
            if (DhtItem.TargetOf(response.Value) == query.Target)
            {
                from.Sequence = 0;
                Found(DhtItem.Immutable(response.Value), effects);
            }

            return;
        }

        // "the key they get back from a get request MUST be verified to hash to the target ID the lookup was made for, as
        // well as verifying the signature."
        if (
            response.Signature is not { Sequence: >= 0 } signature
            || verify is null
            || !signature.PublicKey.AsSpan().SequenceEqual(query.PublicKey)
        )
        {
            return;
        }

        var item = new DhtItem(response.Value, signature, query.Salt);
        if (_best?.Signature is { } best && Same(best, signature) && _best.Value.AsSpan().SequenceEqual(item.Value))
        {
            from.Sequence = signature.Sequence;
        }
        else if (_best?.Signature?.Sequence is not { } known || signature.Sequence > known)
        {
            if (_checks < _maxChecks && item.HasGoodSignature(verify))
            {
                from.Sequence = signature.Sequence;
                Found(item, effects);
            }

            _checks++;
        }
    }

    public override void TakeOwn(PeerStore peers, ItemStore items, DhtEffects effects)
    {
        if (items.Find(query.Target) is { } own)
        {
            // Checked when it was put with us.
            Found(own, effects);
        }
    }

    public override KrpcQuery? Store(QueryHead head, LookupCandidate at) =>
        put is null
            ? null
            : new KrpcQuery
            {
                TransactionId = head.TransactionId,
                Version = head.Version,
                Id = head.Id,
                IsReadOnly = head.IsReadOnly,
                Method = KrpcMethod.Put,
                Token = at.Token,
                Value = put.Item.Value,
                Signature = put.Item.Signature,
                Salt = put.Item.Salt,
                // BEP 44: "When sending a put request to a node that did not return any data for the get, the cas field
                // SHOULD NOT be included."
                CompareAndSwap = at.Sequence is null ? null : put.CompareAndSwap,
            };

    public override void StoreRefused(KrpcErrorCode code) => _refusal = code;

    public override void Finish(DhtEffects effects) =>
        effects.Results.Add(new DhtResult.ItemDone(Number, Lookup.Answered, _best, StoredAt, _refusal));

    private static bool Same(KrpcSignature a, KrpcSignature b) =>
        a.Sequence == b.Sequence && a.Signature.AsSpan().SequenceEqual(b.Signature);

    private void Found(DhtItem item, DhtEffects effects)
    {
        if (_best is not null && query.PublicKey is null)
        {
            return;
        }

        _best = item;
        effects.Results.Add(new DhtResult.ItemFound(Number, item));
    }
}
