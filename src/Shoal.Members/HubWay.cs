using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Hub;

namespace Shoal.Members;

/// <summary>The way out to a hub: as the engine's, so that what the user decided about it holds here too.</summary>
public static class HubWay
{
    /// <param name="network">The way out.</param>
    /// <param name="family">Only by addresses of this one; null: by any.</param>
    public static HubConnect By(OutboundNetwork network, AddressFamily? family = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        return async (host, port, cancel) =>
            (await network.ConnectAsync(host, port, family, _ => null, cancel).ConfigureAwait(false)).Stream;
    }
}
