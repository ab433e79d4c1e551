namespace Shoal.Api;

/// <summary>What holds for all torrents of a category. A torrent has one category or none.</summary>
public sealed record CategoryItem
{
    /// <summary>As torrents name it; '/' in it means nothing to the daemon.</summary>
    public required string Name { get; init; }

    /// <summary>Where the content of torrents goes that are added to it; null: the download folder.</summary>
    public string? SaveDirectory { get; init; }

    /// <summary>Pause when so much was given back; null: as labels or the settings say; 0: never.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>Pause after seeding for so many seconds; null: as labels or the settings say; 0: never.</summary>
    public long? SeedTimeLimit { get; init; }
}

/// <summary>What holds for all torrents with a label. A torrent has any number of labels.</summary>
public sealed record LabelItem
{
    public required string Name { get; init; }

    /// <summary>Pause when so much was given back; null: as the settings say; 0: never. Of several labels the longest.</summary>
    public double? RatioLimit { get; init; }

    /// <summary>Pause after seeding for so many seconds; null: as the settings say; 0: never. Of several labels the longest.</summary>
    public long? SeedTimeLimit { get; init; }
}

/// <summary>All categories, those included that only torrents name.</summary>
public sealed record CategoryList(IReadOnlyList<CategoryItem> Categories);

/// <summary>All labels, those included that only torrents name.</summary>
public sealed record LabelList(IReadOnlyList<LabelItem> Labels);
