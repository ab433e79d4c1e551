using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Shoal.Engine;

// A swarm that has everything and nobody to give it to is not kept: a torrent that sleeps is its memory and its status.
internal sealed partial class SwarmLoop
{
    // One of them, on the strand: what the swarm knows while nobody needs it, or the swarm with its way out.
    private SwarmMemory? _memory;
    private Swarm? _swarm;
    private Outgoing? _out;
    private volatile bool _isAsleep;

    // Made when the first link comes.
    private ConcurrentDictionary<PeerHandle, ISwarmLink>? _links;

    /// <summary>There is no swarm until something happens for which one is needed (<see cref="SwarmMemory"/>).</summary>
    public bool IsAsleep => _isAsleep;

    private ConcurrentDictionary<PeerHandle, ISwarmLink> Links =>
        LazyInitializer.EnsureInitialized(ref _links, SmallMap.Create<PeerHandle, ISwarmLink>);

    /// <summary>The swarm, made anew if there was none. On the strand.</summary>
    private Swarm Awake(TimeSpan now)
    {
        if (_swarm is null)
        {
            _isAsleep = false;
            _out = new Outgoing();
            _swarm = new Swarm(_memory!, now);
            _memory = null;
            // Whoever posted said so too, perhaps long before this thread came here.
            _owner.Stirred();
        }

        return _swarm;
    }

    /// <summary>At the end of a batch: lets go of a swarm that nobody needs.</summary>
    private void FallAsleep(TimeSpan now)
    {
        if (_swarm is not { } swarm)
        {
            return;
        }

        _isQuiet = swarm.IsQuiet;
        // A link that is here and not yet heard of is about to be.
        if (_isQuiet && _links is not { IsEmpty: false } && swarm.Remember() is { } memory)
        {
            // Nothing of it changes any more.
            Publish(now);
            _memory = memory;
            _swarm = null;
            _out = null;
            _isAsleep = true;
            _mailbox.Trim();
        }
    }

    /// <summary>What a batch brings about, until it is carried out.</summary>
    private sealed class Outgoing
    {
        public SwarmEffects Effects { get; } = new();
        public Dictionary<PeerHandle, List<SwarmEffect>> Staged { get; } = [];
        public List<PeerHandle> Touched { get; } = [];
        public Stack<List<SwarmEffect>> SpareLists { get; } = new();
        public List<DiskRequest> DiskRequests { get; } = [];

        /// <summary>One batch per link leaves, however many events it took to make it.</summary>
        public void Stage(in SwarmEffect effect)
        {
            ref var list = ref CollectionsMarshal.GetValueRefOrAddDefault(Staged, effect.Peer, out _);
            if (list is null)
            {
                list = SpareLists.TryPop(out var spare) ? spare : [];
                Touched.Add(effect.Peer);
            }

            list.Add(effect);
        }
    }
}
