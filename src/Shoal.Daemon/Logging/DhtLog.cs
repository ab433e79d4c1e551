using Microsoft.Extensions.Logging;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>Says when the DHT is reached and when it is lost; how many nodes are known, to who wants to know that much.</summary>
internal sealed class DhtLog(TorrentEngine engine, ILoggerFactory logs)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly ILogger _log = logs.CreateLogger(LogParts.Dht);
    private bool _isReached;

    public Task LookAsync(CancellationToken stop)
    {
        var nodes = engine.DhtNodes;
        if (nodes > 0 != _isReached)
        {
            _isReached = nodes > 0;
            if (_isReached)
            {
                Log.DhtReached(_log, nodes);
            }
            else
            {
                Log.DhtLost(_log);
            }
        }
        else if (nodes > 0)
        {
            Log.DhtNodes(_log, nodes);
        }

        return Task.CompletedTask;
    }
}
