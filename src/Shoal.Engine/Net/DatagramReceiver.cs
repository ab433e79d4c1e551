using System.Net;
using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>For sockets by which few datagrams come in; those of the <see cref="UdpPort"/> come in runs.</summary>
internal static class DatagramReceiver
{
    /// <summary>Where from anybody of a family may send, as the calls want it.</summary>
    public static IPEndPoint Anybody(AddressFamily family) =>
        new(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);

    /// <summary>Takes one datagram after the other until it is told to stop.</summary>
    /// <param name="receiveOne">Waits for one, and takes it.</param>
    public static async Task RunAsync(Func<CancellationToken, Task> receiveOne, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await receiveOne(stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // It was too long, or the system tells of one of ours that nobody took (Windows). Neither says anything of the next.
            }
        }
    }
}
