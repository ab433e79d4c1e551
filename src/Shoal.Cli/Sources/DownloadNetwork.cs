using System.Net;
using System.Net.Sockets;

namespace Shoal.Cli;

/// <summary>What a download needs of the network.</summary>
internal class DownloadNetwork
{
    public virtual Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancel) =>
        Dns.GetHostAddressesAsync(host, cancel);

    /// <param name="from">The local address to use; null: any.</param>
    /// <exception cref="SocketException">No connection.</exception>
    public virtual async Task<Stream> ConnectAsync(IPAddress? from, IPEndPoint to, CancellationToken cancel)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (from is not null)
            {
                socket.Bind(new IPEndPoint(from, 0));
            }

            await socket.ConnectAsync(to, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
