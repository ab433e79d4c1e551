using Shoal.Protocol;

namespace Shoal.Engine;

// Trackers that peers named (lt_trackers): one tier behind all others, of which one is used. However many are named, we
// announce to one more, and what fails is no news for the user, who did not ask for it.
internal sealed partial class AnnounceSchedule
{
    private readonly List<InfoHash> _infoHashes = [];
    private readonly List<int> _hearsay = [];
    private readonly Dictionary<int, NetworkReach> _namedBy = [];
    private readonly List<AnnounceLane> _hearsayLanes = [];

    /// <summary>Takes in those that are not known yet. Their number is bounded by the caller.</summary>
    public void AddHearsay(IReadOnlyList<HearsayTracker> trackers)
    {
        foreach (var (url, by) in trackers)
        {
            if (_trackers.Contains(url))
            {
                // Also one that the user has removed: he does not want it back.
                continue;
            }

            var number = _trackers.Count;
            _trackers.Add(url);
            _tierOf.Add(_tiers.Count);
            _namedBy.Add(number, by);
            _hearsay.Add(number);
            if (_hearsayLanes.Count == 0)
            {
                _infoHashes.ForEach(AddHearsayLanes);
            }
            else
            {
                _hearsayLanes.ForEach(lane => lane.Add(number));
            }
        }
    }

    private void AddHearsayLanes(InfoHash infoHash)
    {
        if (_hearsay.Count == 0)
        {
            return;
        }

        foreach (var origin in _options.Origins)
        {
            var lane = new AnnounceLane(
                infoHash,
                origin,
                [
                    [.. _hearsay],
                ]
            );
            _lanes.Add(lane);
            _hearsayLanes.Add(lane);
        }
    }
}
