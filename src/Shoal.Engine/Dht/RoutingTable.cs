using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The nodes one of our addresses knows, many near its own id and few far away (BEP 5, "Routing Table"). Only nodes
/// that have answered are in it; one per address, and one per network (/24, /64) in a bucket, so that nobody with a
/// few addresses can fill it.
/// </summary>
/// <remarks>
/// Bucket i holds nodes that share exactly i leading bits with our id; the last holds all that share more, and is
/// split when it is full. The first buckets are larger, as half of all lookups start in the first.
/// </remarks>
internal sealed class RoutingTable
{
    private static readonly TimeSpan CheckAgainAfter = TimeSpan.FromSeconds(20);

    private readonly DhtLimits _limits;
    private readonly List<RoutingBucket> _buckets = [];
    private readonly Dictionary<IPEndPoint, RoutingNode> _byEndPoint = [];
    private readonly Dictionary<IPAddress, int> _byAddress = [];

    public RoutingTable(DhtLimits limits, NodeId own, TimeSpan now)
    {
        _limits = limits;
        Own = own;
        _buckets.Add(new RoutingBucket(Capacity(0), now));
    }

    public NodeId Own { get; }

    public int Count => _byEndPoint.Count;

    public int BucketCount => _buckets.Count;

    public IEnumerable<RoutingNode> Nodes => _byEndPoint.Values;

    public RoutingNode? Find(IPEndPoint endPoint) => _byEndPoint.GetValueOrDefault(endPoint);

    /// <summary>A node answered a query of ours: put it in, or note that it lives.</summary>
    public void Responded(NodeContact contact, TimeSpan now)
    {
        if (contact.Id == Own)
        {
            return;
        }

        if (_byEndPoint.TryGetValue(contact.EndPoint, out var known))
        {
            if (known.Id == contact.Id)
            {
                known.Responded(now);
                BucketOf(contact.Id).LastChanged = now;
                return;
            }

            Remove(known);
        }

        Add(new RoutingNode(contact, now), now);
    }

    /// <summary>
    /// The node at the address has not the id it should have. BEP 45: "when receiving a valid response ... from a remote
    /// node whose socket address is found in the routing table but whose ID does not match the entry in the routing table
    /// then this entry may be evicted immediately."
    /// </summary>
    public void Evict(IPEndPoint endPoint)
    {
        if (_byEndPoint.TryGetValue(endPoint, out var known))
        {
            Remove(known);
        }
    }

    /// <summary>A node sent us a query. False: we do not know it, and it may be worth a ping.</summary>
    public bool Queried(NodeContact contact, TimeSpan now)
    {
        if (_byEndPoint.TryGetValue(contact.EndPoint, out var known) && known.Id == contact.Id)
        {
            known.Queried(now);
            return true;
        }

        return contact.Id == Own
            || known is not null
            || !HasRoomFor(contact)
            || BucketOf(contact.Id).Replacements.Exists(node => node.EndPoint.Equals(contact.EndPoint));
    }

    /// <summary>A node did not answer.</summary>
    /// <param name="endPoint">Its address; it may be unknown.</param>
    /// <param name="mayForget">False while nobody answers: a network that is down must not empty the table.</param>
    /// <param name="now">The time.</param>
    public void Failed(IPEndPoint endPoint, bool mayForget, TimeSpan now)
    {
        if (!_byEndPoint.TryGetValue(endPoint, out var node))
        {
            return;
        }

        node.Failed();
        var bucket = BucketOf(node.Id);
        var replacement = node.IsBad && mayForget ? bucket.TakeReplacement() : null;
        if (replacement is not null)
        {
            Remove(node);
            Add(replacement, now);
        }
        else if (node.Failures >= _limits.FailuresToForget && mayForget)
        {
            Remove(node);
        }
    }

    /// <summary>
    /// The good nodes closest to the target, closest first; those whose id does not fit their address (BEP 42) only to
    /// make up the number.
    /// </summary>
    /// <param name="target">Any point.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="forAnswer">Only nodes that did not miss their last query: what we tell others.</param>
    public List<NodeContact> Closest(NodeId target, int count, bool forAnswer)
    {
        var best = new List<RoutingNode>(count + 1);
        foreach (var node in _byEndPoint.Values)
        {
            if (forAnswer ? node.Failures > 0 : node.IsBad)
            {
                continue;
            }

            var at = best.Count;
            while (at > 0 && IsBetter(node, best[at - 1]))
            {
                at--;
            }

            if (at < count)
            {
                best.Insert(at, node);
                if (best.Count > count)
                {
                    best.RemoveAt(count);
                }
            }
        }

        return best.ConvertAll(node => node.Contact);

        bool IsBetter(RoutingNode a, RoutingNode b) =>
            a.IsVerified == b.IsVerified ? NodeId.CompareDistance(target, a.Id, b.Id) < 0 : a.IsVerified;
    }

    /// <summary>Whether a node with this id and address could be put in, would it answer.</summary>
    public bool HasRoomFor(NodeContact contact)
    {
        if (
            contact.Id == Own
            || !DhtAddress.IsLocal(contact.EndPoint.Address) && _byAddress.ContainsKey(contact.EndPoint.Address)
        )
        {
            return false;
        }

        var bucket = BucketOf(contact.Id);
        return bucket.Nodes.Count < bucket.Capacity
            || bucket == _buckets[^1]
            || bucket.Replacements.Count < bucket.Capacity
            || bucket.Nodes.Exists(node => node.IsBad);
    }

    /// <summary>
    /// The node that most needs to be asked whether it is still there: one that missed a query, or was not heard of for
    /// long; null when all is well.
    /// </summary>
    public RoutingNode? MostQuestionable(TimeSpan now)
    {
        RoutingNode? oldest = null;
        foreach (var node in _byEndPoint.Values)
        {
            var isDue =
                node.Failures > 0
                    ? now - node.LastChecked >= CheckAgainAfter
                    : now - node.LastSeen >= _limits.QuestionableAfter && now - node.LastChecked >= CheckAgainAfter;
            if (isDue && (oldest is null || node.LastChecked < oldest.LastChecked))
            {
                oldest = node;
            }
        }

        return oldest;
    }

    /// <summary>A random id in a bucket that has not changed for long, which is taken as fresh from then on; null when all are fresh.</summary>
    public NodeId? StaleTarget(DhtRandom random, TimeSpan now)
    {
        for (var i = 0; i < _buckets.Count; i++)
        {
            if (now - _buckets[i].LastChanged >= _limits.QuestionableAfter)
            {
                _buckets[i].LastChanged = now;
                return TargetIn(i, random);
            }
        }

        return null;
    }

    /// <summary>A random id in the bucket.</summary>
    public NodeId TargetIn(int bucket, DhtRandom random)
    {
        var target = Own.WithPrefixOf(bucket, random.NextNodeId());
        return bucket == _buckets.Count - 1 || NodeId.SharedBits(target, Own) == bucket
            ? target
            : target.FlipBit(bucket);
    }

    private void Add(RoutingNode node, TimeSpan now)
    {
        if (node.Subnet is not null && _byAddress.ContainsKey(node.EndPoint.Address))
        {
            return;
        }

        while (true)
        {
            var bucket = BucketOf(node.Id);
            var sameId = bucket.Nodes.Find(other => other.Id == node.Id);
            if (sameId is not null)
            {
                // The one we know keeps its id as long as it answers; somebody else may only say it is his.
                if (!sameId.IsBad)
                {
                    return;
                }

                Remove(sameId);
            }

            if (bucket == _buckets[^1] && bucket.Nodes.Count >= bucket.Capacity && _buckets.Count < NodeId.Bits)
            {
                Split(now);
                continue;
            }

            if (bucket.TryAdd(node, now, out var replaced))
            {
                if (replaced is not null)
                {
                    Forget(replaced);
                }

                _byEndPoint.Add(node.EndPoint, node);
                _byAddress[node.EndPoint.Address] = _byAddress.GetValueOrDefault(node.EndPoint.Address) + 1;
            }
            else
            {
                bucket.AddReplacement(node);
            }

            return;
        }
    }

    private void Split(TimeSpan now)
    {
        var index = _buckets.Count - 1;
        var old = _buckets[index];
        var closer = new RoutingBucket(Capacity(index + 1), now);
        _buckets.Add(closer);
        Move(old.Nodes, closer.Nodes);
        Move(old.Replacements, closer.Replacements);

        void Move(List<RoutingNode> from, List<RoutingNode> to)
        {
            to.AddRange(from.Where(node => NodeId.SharedBits(node.Id, Own) > index));
            from.RemoveAll(node => NodeId.SharedBits(node.Id, Own) > index);
        }
    }

    private void Remove(RoutingNode node)
    {
        BucketOf(node.Id).Nodes.Remove(node);
        Forget(node);
    }

    private void Forget(RoutingNode node)
    {
        _byEndPoint.Remove(node.EndPoint);
        var left = _byAddress[node.EndPoint.Address] - 1;
        if (left == 0)
        {
            _byAddress.Remove(node.EndPoint.Address);
        }
        else
        {
            _byAddress[node.EndPoint.Address] = left;
        }
    }

    private RoutingBucket BucketOf(NodeId id) => _buckets[Math.Min(NodeId.SharedBits(id, Own), _buckets.Count - 1)];

    private int Capacity(int index) =>
        index switch
        {
            0 => _limits.K * 4,
            1 => _limits.K * 2,
            _ => _limits.K,
        };
}
