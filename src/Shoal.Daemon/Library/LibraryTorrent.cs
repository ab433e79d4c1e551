using Shoal.Api;
using Shoal.Engine;

namespace Shoal.Daemon;

/// <summary>One torrent of the library while the daemon runs. Changed under the lock of <see cref="TorrentLibrary"/>.</summary>
internal sealed class LibraryTorrent(LibraryEntry entry, int number)
{
    public LibraryEntry Entry { get; set; } = entry;

    /// <summary>For protocols that name torrents by small numbers; the same as long as the daemon runs.</summary>
    public int Number { get; } = number;

    /// <summary>Null: not opened yet, or it could not be (<see cref="Problem"/>).</summary>
    public Torrent? Engine { get; set; }

    /// <summary>Why it could not be opened or moved.</summary>
    public string? Problem { get; set; }

    /// <summary>The queue lets it wait.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The engine was told to fetch the ends of files first.</summary>
    public bool HasFirstLast { get; set; }

    /// <summary>Why it may not download now, though it would be its turn: its disk is almost full. Null: it may.</summary>
    public string? HeldFor { get; set; }

    /// <summary>As it was published last; null: not yet.</summary>
    public TorrentItem? Item { get; set; }

    /// <summary>What the engine did to it one after the other; the next thing begins when this has ended.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    /// <summary>Totals of the engine when it was opened, to tell what was moved since.</summary>
    public long BytesAtOpening { get; set; }

    // Times of this run, which no clock that is set changes: since it began.

    /// <summary>Before then a complete torrent is not moved out of the incomplete folder again, since that failed.</summary>
    public TimeSpan NextMoveAt { get; set; }

    /// <summary>Since when it moves less than is worth a place in the queue; null: it does not.</summary>
    public TimeSpan? SlowSince { get; set; }

    /// <summary>When it was added or moved something last; null: not in this run.</summary>
    public TimeSpan? LastActive { get; set; }

    /// <summary>The pass of the watch that looked at it last.</summary>
    public int LookedAt { get; set; }

    /// <summary>What it did then; null: nothing, it was not open.</summary>
    public TorrentState? LookedState { get; set; }

    /// <summary>Time alone brings it something before its next turn: it is not left to rest.</summary>
    public bool IsDueSoon { get; set; }

    /// <summary>What was saved last differs from <see cref="Entry"/> in numbers only, which can wait.</summary>
    public bool HasUnsaved { get; set; }
}
