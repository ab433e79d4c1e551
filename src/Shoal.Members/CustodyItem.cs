using Shoal.Engine;
using Shoal.Membership;

namespace Shoal.Members;

/// <summary>A torrent that receipts can be about. Changed by who has the turn of <see cref="CustodyFollower"/>.</summary>
/// <param name="torrent">Moves it.</param>
/// <param name="entry">What it is in the catalogue; null: that is to be found out.</param>
/// <param name="since">When it was begun, by our clock.</param>
/// <param name="now">When it was begun.</param>
internal sealed class CustodyItem(Torrent torrent, KnownEntry? entry, DateTimeOffset since, TimeSpan now)
{
    public Torrent Torrent { get; } = torrent;

    public KnownEntry? Entry { get; set; } = entry;

    public DateTimeOffset Since { get; } = since;

    public ReceiptSchedule Schedule { get; } = new(now);

    /// <summary>What there is to say; null: nothing was said yet, or the member does not agree.</summary>
    public ReceiptLedger? Ledger { get; set; }

    /// <summary>The last of a former run, as long as nothing else was said in this one.</summary>
    public ReceiptFields? Former { get; set; }

    /// <summary>Signed, and not yet with the hub.</summary>
    public byte[]? Unsent { get; set; }

    /// <summary>All of it is here; what its user does not want has to be here too.</summary>
    public bool HasAll => Torrent.Status is { IsComplete: true } status && status.Pieces is not { IsFull: false };

    /// <summary>While it is hashed anew, or cannot be read, nobody knows what is here.</summary>
    public bool IsKnown => Torrent.Status.State is not (TorrentState.Checking or TorrentState.Failed);
}
