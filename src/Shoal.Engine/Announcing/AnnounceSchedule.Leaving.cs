using System.Diagnostics.CodeAnalysis;
using Shoal.Protocol;

namespace Shoal.Engine;

// Going away, for good and for a while.
internal sealed partial class AnnounceSchedule
{
    /// <summary>
    /// Every tracker that lists us hears that we stop, now or as soon as it has answered what is on its way; nothing else
    /// comes out until <see cref="Resume"/>.
    /// </summary>
    public void Pause() => _isPaused = true;

    /// <summary>Begins anew with every tracker, at once.</summary>
    public void Resume(TimeSpan now)
    {
        if (!_isPaused)
        {
            return;
        }

        _isPaused = false;
        foreach (var lane in _lanes)
        {
            lane.Due = now;
        }
    }

    /// <summary>
    /// Ends it: adds an announce of the end to every tracker that lists us, or may since the question is on its
    /// way. Nothing comes out afterwards.
    /// </summary>
    public void Stop(ICollection<AnnounceJob> jobs)
    {
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;
        // A goodbye on its way is said again: the shell ends what is on its way before it calls this.
        var unsaid = _flights
            .Values.Where(flight => flight.Event == AnnounceEvent.Stopped)
            .Select(flight => (flight.Lane, flight.Tracker))
            .ToHashSet();
        _flights.Clear();
        foreach (var lane in _lanes)
        {
            foreach (var (tracker, state) in lane.States)
            {
                if (state.IsStarted || (lane.IsAsking && lane.Current == tracker) || unsaid.Contains((lane, tracker)))
                {
                    jobs.Add(Send(lane, tracker, AnnounceJobKind.Announce, AnnounceEvent.Stopped));
                }
            }
        }
    }

    // A lane that waits for an answer says goodbye after it: a tracker that heard "started" last would list us on.
    private void SayGoodbye(ICollection<AnnounceJob> jobs)
    {
        foreach (var lane in _isStopped ? [] : _lanes.Where(lane => !lane.IsAsking))
        {
            foreach (var (tracker, state) in lane.States.Where(entry => entry.Value.IsStarted))
            {
                state.IsStarted = false;
                lane.Goodbyes++;
                jobs.Add(Send(lane, tracker, AnnounceJobKind.Announce, AnnounceEvent.Stopped));
            }
        }
    }

    // False: it is nobody's, a scrape, or a goodbye, of which the answer says nothing.
    private bool Land(int id, [NotNullWhen(true)] out Flight? flight)
    {
        if (!_flights.Remove(id, out flight) || flight.Kind != AnnounceJobKind.Announce || _isStopped)
        {
            return false;
        }

        if (flight.Event == AnnounceEvent.Stopped)
        {
            flight.Lane.Goodbyes--;
            return false;
        }

        return true;
    }
}
