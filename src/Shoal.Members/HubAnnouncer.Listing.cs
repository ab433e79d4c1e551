using Shoal.Engine;
using Shoal.Hub;
using Shoal.Protocol;

namespace Shoal.Members;

// What is known of each torrent, told and heard.
internal sealed partial class HubAnnouncer
{
    /// <summary>What the hub is told of a torrent.</summary>
    private readonly record struct Saying(
        Torrent Torrent,
        TorrentStatus Status,
        AnnouncedPorts Ports,
        AnnounceEvent What
    );

    /// <param name="Pause">When to announce again; null: it was told by no way.</param>
    /// <param name="Failure">Why not.</param>
    private readonly record struct Hearing(TimeSpan? Pause, HubException? Failure)
    {
        /// <summary>By another way too: it is enough that one leads there.</summary>
        public Hearing And(in Hearing other) =>
            new(Pause is null || other.Pause < Pause ? other.Pause ?? Pause : Pause, Failure ?? other.Failure);
    }

    /// <summary>A torrent, and what the hub knows of it. Changed by its work alone.</summary>
    private sealed class Listing(Torrent torrent) : IDisposable
    {
        private readonly CancellationTokenSource _end = new();

        public Torrent Torrent { get; } = torrent;

        public CancellationToken Ending => _end.Token;

        /// <summary>The announce that is under way; none begins before it has ended.</summary>
        public Task Work { get; set; } = Task.CompletedTask;

        /// <summary>The hub may name us to others.</summary>
        public bool IsListed { get; set; }
        public bool WasComplete { get; set; }

        /// <summary>Where it says that we are reached.</summary>
        public AnnouncedPorts Ports { get; set; }
        public TimeSpan NextAt { get; set; }

        /// <summary>The hub did not answer, or said no.</summary>
        public TimeSpan NotBefore { get; set; }

        /// <summary>Cuts short what is under way.</summary>
        public Task EndAsync() => _end.CancelAsync();

        public void Dispose() => _end.Dispose();
    }
}
