using System.Net.Sockets;

namespace Shoal.Engine;

/// <summary>
/// What the web seeds of all torrents share: the way out, and a line in front of each host, so that a thousand torrents
/// with one server are no flood to it. Safe to use from any thread.
/// </summary>
internal sealed class WebSeedNetwork(WebConnect connect, WebSeedLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Line> _lines = new(StringComparer.OrdinalIgnoreCase);

    public WebConnect Connect => connect;

    /// <summary>The network that the engine's options allow.</summary>
    public static WebSeedNetwork Of(IEgress egress, WebSeedLimits limits) =>
        new(
            async (target, cancellation) =>
            {
                var connection = await egress.ConnectAsync(target, cancellation).ConfigureAwait(false);
                if (connection.Socket is not { } socket)
                {
                    return new WebConnection(null, connection.Reach, connection.Failure, connection.Message);
                }

                socket.NoDelay = true;
                var stream = new NetworkStream(socket, ownsSocket: true);
                return new WebConnection(stream, connection.Reach, HostFailure.None, "");
            },
            limits
        );

    /// <summary>Waits for a place; disposing of it gives it back.</summary>
    public async ValueTask<IDisposable> EnterAsync(string host, CancellationToken cancellation)
    {
        Line? line;
        lock (_lock)
        {
            if (!_lines.TryGetValue(host, out line))
            {
                _lines[host] = line = new Line(limits.MaxRequestsPerHost);
            }

            line.Users++;
        }

        try
        {
            await line.Places.WaitAsync(cancellation).ConfigureAwait(false);
            return new Place(this, host, line);
        }
        catch
        {
            Leave(host, line);
            throw;
        }
    }

    private void Leave(string host, Line line)
    {
        lock (_lock)
        {
            if (--line.Users == 0)
            {
                _lines.Remove(host);
                line.Places.Dispose();
            }
        }
    }

    private sealed class Line(int places)
    {
        public SemaphoreSlim Places { get; } = new(places);

        /// <summary>Who has a place or waits for one; nobody: the line is forgotten.</summary>
        public int Users { get; set; }
    }

    private sealed class Place(WebSeedNetwork network, string host, Line line) : IDisposable
    {
        public void Dispose()
        {
            line.Places.Release();
            network.Leave(host, line);
        }
    }
}
