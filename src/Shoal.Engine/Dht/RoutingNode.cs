using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A node that has answered us at least once.</summary>
internal sealed class RoutingNode(NodeContact contact, TimeSpan now)
{
    public NodeId Id { get; } = contact.Id;
    public IPEndPoint EndPoint { get; } = contact.EndPoint;
    public NodeContact Contact => new(Id, EndPoint);

    /// <summary>Whether the id fits the address (BEP 42).</summary>
    public bool IsVerified { get; } = NodeIdRule.IsValid(contact.Id, contact.EndPoint.Address);

    /// <summary>Null where many nodes may share a network: on this machine and in local networks.</summary>
    public ulong? Subnet { get; } =
        DhtAddress.IsLocal(contact.EndPoint.Address) ? null : DhtAddress.Subnet(contact.EndPoint.Address);

    public TimeSpan LastResponse { get; private set; } = now;

    /// <summary>The last answer or query.</summary>
    public TimeSpan LastSeen { get; private set; } = now;

    /// <summary>The last ping to find out whether it is still there.</summary>
    public TimeSpan LastChecked { get; set; } = now;

    /// <summary>Queries without an answer, in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>BEP 5: "Nodes become bad when they fail to respond to multiple queries in a row."</summary>
    public bool IsBad => Failures >= 2;

    public void Responded(TimeSpan now)
    {
        LastResponse = now;
        LastSeen = now;
        Failures = 0;
    }

    /// <summary>
    /// BEP 5: "A node is also good if it has ever responded to one of our queries and has sent us a query within the
    /// last 15 minutes."
    /// </summary>
    public void Queried(TimeSpan now) => LastSeen = now;

    public void Failed() => Failures++;
}
