namespace Shoal.Engine;

/// <summary>
/// The way into a swarm's loop, as links, disks and announcers see it. Any thread may post, several at once;
/// the batches of one poster arrive in the order it posted them.
/// </summary>
internal interface ISwarmMailbox
{
    /// <summary>
    /// Hands over a batch. The events are copied before the returned task completes, so the caller may reuse
    /// its memory after that; ownership of the buffers in their payloads passes on in any case, also when the
    /// loop has ended (it releases them then) and when the post is cancelled.
    /// </summary>
    /// <remarks>
    /// Waits while the mailbox is full: waiting goes upstream. May run the swarm on the caller's thread when it
    /// is idle, so callers hold no lock.
    /// </remarks>
    ValueTask PostAsync(ReadOnlyMemory<SwarmEvent> batch, CancellationToken cancellation);
}
