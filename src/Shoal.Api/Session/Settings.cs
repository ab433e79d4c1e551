using System.Text.Json;

namespace Shoal.Api;

/// <summary>All settings.</summary>
public sealed record SettingList(IReadOnlyList<SettingItem> Settings);

/// <summary>One setting.</summary>
public sealed record SettingItem
{
    /// <summary>Section and name, such as network.port.</summary>
    public required string Key { get; init; }

    /// <summary>integer, number, boolean, text or list (of texts).</summary>
    public required string Kind { get; init; }
    public required JsonElement Value { get; init; }
    public required JsonElement Default { get; init; }

    /// <summary>What it means, with unit and range.</summary>
    public required string Help { get; init; }

    /// <summary>Changes of it hold from the next start of the daemon on.</summary>
    public bool NeedsRestart { get; init; }
}

/// <summary>What became of changed settings.</summary>
/// <param name="Changed">Keys whose value is another now.</param>
/// <param name="NeedRestart">Those of them that hold from the next start on.</param>
public sealed record SettingsResult(IReadOnlyList<string> Changed, IReadOnlyList<string> NeedRestart);
