using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>From a swarm to what is left of it while nobody needs it, and back.</summary>
internal sealed partial class Swarm
{
    /// <summary>Goes on where another left off.</summary>
    public Swarm(SwarmMemory memory, TimeSpan now)
        : this(new SwarmState(memory.Options, memory.InfoHashes))
    {
        _lastTick = now;
        _nextSecond = now;
        _state.Now = now;
        _state.IsPaused = memory.IsPaused;
        _state.IsSuperSeeding = memory.IsSuperSeeding;
        _state.Own = memory.Own;
        _state.UploadSlots = memory.UploadSlots;
        _state.Downloaded = memory.Downloaded;
        _state.Uploaded = memory.Uploaded;
        _state.Wasted = memory.Wasted;
        _state.HashFailures = memory.HashFailures;
        _state.Content = new ContentState(memory, _state.Random);
        _verification.Recall();
        foreach (var tracker in memory.Trackers)
        {
            _trackers.Works(tracker);
        }
    }

    /// <summary>
    /// What is enough to go on from; null: something is under way or known that would be lost. Whoever takes it must not use this
    /// one any more.
    /// </summary>
    public SwarmMemory? Remember()
    {
        if (!IsQuiet || !IsBlank || _state is not { Content: { Have.IsFull: true } content })
        {
            return null;
        }

        return new SwarmMemory
        {
            Options = _state.Options,
            InfoHashes = _state.InfoHashes,
            Metainfo = content.Metainfo,
            Priorities = content.Files.Priorities,
            Verifier = content.Verifier.IsReproducible ? null : content.Verifier,
            IsPaused = _state.IsPaused,
            IsSuperSeeding = _state.IsSuperSeeding,
            IsSequential = content.IsSequential,
            Losses = content.Losses,
            Own = _state.Own,
            UploadSlots = _state.UploadSlots,
            Downloaded = _state.Downloaded,
            Uploaded = _state.Uploaded,
            Wasted = _state.Wasted,
            HashFailures = _state.HashFailures,
            Trackers = _trackers.Working,
        };
    }

    /// <summary>None of its parts knows anything that a new one would not.</summary>
    private bool IsBlank =>
        _state is { DiskFailure: null, Fault: null, Options.Members: null }
        && _candidates.IsBlank
        && _admission.IsBlank
        && _punch.IsBlank
        && _trackers.IsBlank
        && _superSeeder.IsBlank
        && _hashFetch.IsBlank
        && _verification.IsBlank;
}
