using System.Net;
using System.Net.NetworkInformation;

namespace Shoal.Engine;

/// <summary>What sockets of this process are bound to.</summary>
/// <param name="Address">Of this machine, or any of its family.</param>
/// <param name="Device">The network interface that everything must pass; null: what the system's routes say.</param>
internal readonly record struct LocalPlace(IPAddress Address, string? Device)
{
    public bool IsAnyAddress => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    public override string ToString() => Device is null ? Address.ToString() : $"{Device} ({Address.AddressFamily})";
}

/// <summary>A network interface of this machine as it is at one moment.</summary>
/// <param name="Name">As the system and the user call it.</param>
/// <param name="Index">Another one when an interface of the same name was made anew; 0: unknown.</param>
/// <param name="IsUp">Whether it carries traffic.</param>
/// <param name="Addresses">Its unicast addresses.</param>
internal sealed record LocalInterface(string Name, int Index, bool IsUp, IReadOnlyList<IPAddress> Addresses)
{
    /// <summary>All interfaces of the machine; empty when the system does not tell.</summary>
    public static IReadOnlyList<LocalInterface> ReadAll()
    {
        try
        {
            return [.. NetworkInterface.GetAllNetworkInterfaces().Select(From)];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    private static LocalInterface From(NetworkInterface found)
    {
        var properties = found.GetIPProperties();
        // Tunnels have no state of their own and are "unknown" as long as they are there.
        var isUp = found.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown;
        return new LocalInterface(
            found.Name,
            IndexOf(found, properties),
            isUp,
            [.. properties.UnicastAddresses.Select(unicast => unicast.Address)]
        );
    }

    private static int IndexOf(NetworkInterface found, IPInterfaceProperties properties)
    {
        try
        {
            return found.Supports(NetworkInterfaceComponent.IPv4) ? properties.GetIPv4Properties().Index
                : found.Supports(NetworkInterfaceComponent.IPv6) ? properties.GetIPv6Properties().Index
                : 0;
        }
        catch (NetworkInformationException)
        {
            // It went away while we looked.
            return 0;
        }
    }
}
