using System.Net;
using System.Net.Sockets;

namespace Shoal.Tracker;

/// <summary>Opening of doors of Kestrel's, which says of a port that is taken something else than of one that is not allowed.</summary>
public static class HttpDoors
{
    /// <exception cref="IOException">An endpoint is taken, not of this machine or not allowed; names all of them.</exception>
    public static async Task OpenAsync(Func<Task> start, IEnumerable<IPEndPoint> endPoints)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(endPoints);
        try
        {
            await start().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException)
        {
            var reason = error.GetBaseException().Message;
            throw new IOException($"cannot listen on {string.Join(", ", endPoints)}: {reason}", error);
        }
    }
}
