using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>Names of trackers to addresses.</summary>
internal static class TrackerHosts
{
    /// <summary>Addresses of one family, or why there are none.</summary>
    public static async Task<(IPAddress[] Addresses, TrackerFailure Failure, string Message)> ResolveAsync(
        string host,
        AddressFamily family,
        CancellationToken cancellation
    )
    {
        IPAddress[] all;
        if (IPAddress.TryParse(host, out var literal))
        {
            all = [literal];
        }
        else
        {
            try
            {
                all = await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
            }
            catch (SocketException exception)
            {
                return ([], TrackerFailure.Unreachable, $"{host}: {exception.Message}");
            }
        }

        var ours = Array.FindAll(all, address => address.AddressFamily == family);
        return ours.Length > 0
            ? (ours, TrackerFailure.None, "")
            : ([], TrackerFailure.NoAddress, $"{host} has no address of this family");
    }
}
