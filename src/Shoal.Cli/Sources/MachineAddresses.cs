using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Shoal.Cli;

/// <summary>The addresses by which others can reach this machine, the likeliest first.</summary>
internal static class MachineAddresses
{
    /// <summary>"All addresses", to listen on: both families where the machine has IPv6.</summary>
    public static IPAddress Any => Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;

    /// <summary>Without loopback and link-local addresses; empty on a machine without a network.</summary>
    public static IReadOnlyList<IPAddress> All()
    {
        try
        {
            return
            [
                .. NetworkInterface
                    .GetAllNetworkInterfaces()
                    .Where(card =>
                        card.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown
                        && card.NetworkInterfaceType != NetworkInterfaceType.Loopback
                    )
                    // The card that leads to the world before bridges of containers and the like.
                    .Select(card => (Card: card.GetIPProperties(), card.Name))
                    .OrderByDescending(card => card.Card.GatewayAddresses.Count > 0)
                    .ThenBy(card => card.Name, StringComparer.Ordinal)
                    .SelectMany(card => card.Card.UnicastAddresses.Select(unicast => unicast.Address))
                    .Where(address => !IPAddress.IsLoopback(address) && !IsLinkLocal(address))
                    .Distinct(),
            ];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    /// <summary>The one to put into a link: IPv4 before IPv6, since more can use it; loopback when there is no other.</summary>
    public static IPAddress Best(bool onlyV4 = false)
    {
        var all = All();
        return all.FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork)
            ?? (
                onlyV4 ? null
                : all.Count > 0 ? all[0]
                : null
            )
            ?? IPAddress.Loopback;
    }

    private static bool IsLinkLocal(IPAddress address) =>
        address.IsIPv6LinkLocal
        || (address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]);
}
