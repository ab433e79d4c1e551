using Shoal.Api;

namespace Shoal.Daemon;

/// <summary>Which torrents a caller wants to see, and in which order.</summary>
internal sealed record TorrentQuery
{
    /// <summary>Words by which a list can be sorted.</summary>
    public static IReadOnlyDictionary<string, Comparison<TorrentItem>> Orders { get; } =
        new Dictionary<string, Comparison<TorrentItem>>(StringComparer.Ordinal)
        {
            ["queue"] = (a, b) => a.QueuePosition.CompareTo(b.QueuePosition),
            ["name"] = (a, b) => string.Compare(a.Name, b.Name, StringComparison.OrdinalIgnoreCase),
            ["size"] = (a, b) => a.Size.CompareTo(b.Size),
            ["progress"] = (a, b) => a.Progress.CompareTo(b.Progress),
            ["added"] = (a, b) => a.AddedAt.CompareTo(b.AddedAt),
            ["download-rate"] = (a, b) => a.DownloadRate.CompareTo(b.DownloadRate),
            ["upload-rate"] = (a, b) => a.UploadRate.CompareTo(b.UploadRate),
            ["ratio"] = (a, b) => a.Ratio.CompareTo(b.Ratio),
            ["peers"] = (a, b) => a.Peers.CompareTo(b.Peers),
            ["state"] = (a, b) => a.State.CompareTo(b.State),
        };

    /// <summary>Only what changed after this revision; null: everything.</summary>
    public long? Since { get; init; }
    public int Offset { get; init; }
    public int? Limit { get; init; }
    public TorrentPhase? State { get; init; }

    /// <summary>Exactly this name.</summary>
    public string? Name { get; init; }

    /// <summary>A part of the name, whatever its case.</summary>
    public string? Text { get; init; }
    public string? Label { get; init; }

    /// <summary>Empty: those without one.</summary>
    public string? Category { get; init; }

    /// <summary>One of <see cref="Orders"/>; null: that of the queue.</summary>
    public string? Order { get; init; }
    public bool Descending { get; init; }

    public bool Matches(TorrentItem item) =>
        (State is not { } state || item.State == state)
        && (Name is null || item.Name == Name)
        && (Text is null || item.Name.Contains(Text, StringComparison.OrdinalIgnoreCase))
        && (Label is null || item.Labels.Contains(Label))
        && (Category is null || (item.Category ?? "") == Category);

    public void Sort(List<TorrentItem> items)
    {
        if (Order is null && !Descending)
        {
            return;
        }

        var order = Orders[Order ?? "queue"];
        items.Sort(
            (a, b) => order(a, b) is not 0 and var by ? (Descending ? -by : by) : string.CompareOrdinal(a.Id, b.Id)
        );
    }
}
