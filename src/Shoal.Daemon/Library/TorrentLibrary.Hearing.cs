using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

// What the engine tells.
internal sealed partial class TorrentLibrary
{
    private async Task HearAsync()
    {
        try
        {
            await foreach (var happening in _engine.Events.ReadAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                Hear(happening);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon stops.
        }
    }

    /// <summary>Told of everything the engine tells; must not wait.</summary>
    public Action<EngineEvent> Told { get; set; } = _ => { };

    private void Hear(EngineEvent happening)
    {
        Told(happening);
        switch (happening)
        {
            case EngineEvent.Failed(var torrent, var message):
                Warn(torrent, "torrent-failed", "torrent-failed", message);
                break;
            case EngineEvent.Faulted(var torrent, var fault):
                Warn(torrent, "torrent-failed", "internal-error", $"this is a bug in Shoal: {fault.Message}");
                break;
            case EngineEvent.TrackerFailed(var torrent, var url, var message):
                Warn(torrent, "warning", "tracker-failed", $"{url}: {message}");
                break;
            case EngineEvent.WebSeedFailed(var torrent, var url, var message):
                Warn(torrent, "warning", "web-seed-failed", $"{url}: {message}");
                break;
            case EngineEvent.MembershipEnded(var torrent):
                HearRevoked(torrent);
                break;
            case EngineEvent.PortMapped:
                _isMapped = true;
                break;
            case EngineEvent.PortUnmapped:
                _isMapped = false;
                break;
            case EngineEvent.EngineFaulted(var fault):
                Warn(null, "warning", "internal-error", $"this is a bug in Shoal: {fault.Message}");
                break;
            case EngineEvent.Warning(var code, var message):
                Warn(null, "warning", code, message);
                break;
        }
    }

    /// <summary>Tells of trouble that is no torrent's.</summary>
    /// <param name="code">Stable, kebab-case.</param>
    public void Warn(string code, string message) => Warn(null, "warning", code, message);

    private void Warn(Torrent? engine, string kind, string code, string message)
    {
        lock (_lock)
        {
            var torrent = engine is null ? null : Find(engine);
            if (torrent is not null)
            {
                HasNews(torrent);
            }

            Events.Add(
                new DaemonEvent
                {
                    Id = 0,
                    Kind = kind,
                    Torrent = torrent?.Entry.Id,
                    Name = torrent?.Entry.Name,
                    Code = code,
                    Message = message,
                }
            );
        }
    }
}
