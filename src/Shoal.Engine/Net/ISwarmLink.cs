namespace Shoal.Engine;

/// <summary>
/// What the swarm takes for a peer: a connection, or another source of blocks that behaves like one. It has posted
/// PeerJoined before anything else, and posts PeerLeft, once, as its last event.
/// </summary>
internal interface ISwarmLink
{
    /// <summary>
    /// Carries out effects for this peer, in order: Send, Unsend, Disconnect, HoldReading and ResumeReading; others, and those
    /// that mean nothing to it, are ignored. Owns their buffers in any case. Never waits; one call for all that one round of the loop decided is cheapest.
    /// </summary>
    void Apply(ReadOnlySpan<SwarmEffect> effects);
}
