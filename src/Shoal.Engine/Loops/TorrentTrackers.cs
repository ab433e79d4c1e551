using System.Net;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The announces of one torrent: begun once it is known whether we are a seed (trackers want to hear of a completion,
/// but only of one), ended with a goodbye.
/// </summary>
internal sealed class TorrentTrackers(EngineServices services, AnnounceListener listener) : IAsyncDisposable
{
    /// <summary>How long saying goodbye may take before it is cut short.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private AnnounceLoop? _loop;
    private bool _isStopped;

    public IReadOnlyList<TrackerStatus> Status => _loop?.Status ?? [];

    /// <summary>Begins to announce, unless it has begun already or there is no tracker.</summary>
    /// <param name="tiers">URLs; those that are no tracker's are left out.</param>
    /// <param name="names">The torrent's names, as far as they are known.</param>
    /// <param name="isComplete">Everything is here from the start.</param>
    public void Start(IEnumerable<IReadOnlyList<string>> tiers, InfoHash[] names, bool isComplete)
    {
        var urls = tiers.Select(Parse).Where(tier => tier.Count > 0).ToList();
        lock (_lock)
        {
            if (_isStopped || _loop is not null || urls.Count == 0 || !services.Options.UseTrackers)
            {
                return;
            }

            var options = new AnnounceScheduleOptions
            {
                Tiers = urls,
                InfoHashes = names,
                Origins = services.Options.Bind is { Count: > 0 } bind ? bind : [IPAddress.Any, IPAddress.IPv6Any],
                IsComplete = isComplete,
                Seed = services.CreateRandom().Next(),
            };
            _loop = new AnnounceLoop(options, services.Trackers, listener, services.Time);
            _loop.Start();
        }
    }

    /// <summary>The metadata told another name of the torrent.</summary>
    public void AddNames(InfoHash[] names)
    {
        foreach (var name in names)
        {
            _loop?.AddInfoHash(name);
        }
    }

    public void Completed() => _loop?.Completed();

    public void NeedPeers() => _loop?.NeedPeers();

    /// <summary>Says goodbye. Completes within some seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isStopped = true;
        }

        if (_loop is { } loop)
        {
            await loop.StopAsync(GoodbyeTime).ConfigureAwait(false);
            await loop.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static IReadOnlyList<TrackerUrl> Parse(IReadOnlyList<string> tier) =>
        [.. tier.Select(text => TrackerUrl.TryParse(text, out var url) ? url : null).OfType<TrackerUrl>()];
}
