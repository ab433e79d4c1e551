using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Some of the nodes that share a certain number of leading bits with us, and those waiting to replace one.</summary>
internal sealed class RoutingBucket(int capacity, TimeSpan now)
{
    // As many as there are places: a bucket can be renewed as a whole.
    private const int MaxReplacements = 8;

    public List<RoutingNode> Nodes { get; } = [];

    /// <summary>Best last.</summary>
    public List<RoutingNode> Replacements { get; } = [];

    public int Capacity => capacity;

    /// <summary>BEP 5: "Each bucket should maintain a "last changed" property to indicate how "fresh" the contents are."</summary>
    public TimeSpan LastChanged { get; set; } = now;

    /// <summary>
    /// Puts the node in if there is room, or somebody to make room: a bad node, or, for a node with a proper id, one
    /// without. Nodes without a proper id, which may choose their place, get half of the room at most. The one it replaces comes out in <paramref name="replaced"/>.
    /// </summary>
    public bool TryAdd(RoutingNode node, TimeSpan now, out RoutingNode? replaced)
    {
        replaced = null;
        if (HasSubnet(Nodes, node) || !node.IsVerified && Nodes.Count(other => !other.IsVerified) >= capacity / 2)
        {
            return false;
        }

        if (Nodes.Count >= capacity)
        {
            replaced = Weakest(node.IsVerified);
            if (replaced is null)
            {
                return false;
            }

            Nodes.Remove(replaced);
        }

        Nodes.Add(node);
        LastChanged = now;
        return true;
    }

    /// <summary>Remembers a node that there is no room for now.</summary>
    public void AddReplacement(RoutingNode node)
    {
        Replacements.RemoveAll(other =>
            other.EndPoint.Equals(node.EndPoint) || other.Subnet is not null && other.Subnet == node.Subnet
        );
        if (Replacements.Count >= MaxReplacements)
        {
            // The oldest without a proper id goes first.
            var index = Replacements.FindIndex(other => !other.IsVerified);
            if (index < 0 && !node.IsVerified)
            {
                return;
            }

            Replacements.RemoveAt(Math.Max(index, 0));
        }

        Replacements.Add(node);
    }

    /// <summary>The best of those that wait, taken out; null when there is none.</summary>
    public RoutingNode? TakeReplacement()
    {
        for (var wantVerified = true; ; wantVerified = false)
        {
            for (var i = Replacements.Count - 1; i >= 0; i--)
            {
                var node = Replacements[i];
                if ((node.IsVerified || !wantVerified) && !HasSubnet(Nodes, node))
                {
                    Replacements.RemoveAt(i);
                    return node;
                }
            }

            if (!wantVerified)
            {
                return null;
            }
        }
    }

    private RoutingNode? Weakest(bool mayReplaceUnverified)
    {
        RoutingNode? weakest = null;
        foreach (var node in Nodes)
        {
            if (node.IsBad && (weakest is null || node.Failures > weakest.Failures))
            {
                weakest = node;
            }
        }

        return weakest ?? (mayReplaceUnverified ? Nodes.Find(node => !node.IsVerified) : null);
    }

    private static bool HasSubnet(List<RoutingNode> nodes, RoutingNode node) =>
        node.Subnet is not null && nodes.Exists(other => other.Subnet == node.Subnet);
}
