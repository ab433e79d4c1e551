using System.Text;
using System.Text.Json.Nodes;

namespace Shoal.Daemon;

/// <summary>
/// The two spellings of Transmission's protocol. Inside we use the new one, snake_case throughout; up to version 4.0 the
/// names are camelCase in torrents and kebab-case elsewhere, with exceptions that have grown.
/// </summary>
internal static class TransmissionNames
{
    // Where the old spelling does not follow from the rule of its place.
    private static readonly Dictionary<string, string> OldTorrentNames = new(StringComparer.Ordinal)
    {
        ["file_count"] = "file-count",
        ["primary_mime_type"] = "primary-mime-type",
        ["peer_limit"] = "peer-limit",
        ["is_utp"] = "isUTP",
    };

    private static readonly Dictionary<string, string> OldSessionNames = new(StringComparer.Ordinal)
    {
        ["seed_ratio_limit"] = "seedRatioLimit",
        ["seed_ratio_limited"] = "seedRatioLimited",
        ["cache_size_mib"] = "cache-size-mb",
        ["total_size"] = "total_size",
        ["active_torrent_count"] = "activeTorrentCount",
        ["download_speed"] = "downloadSpeed",
        ["paused_torrent_count"] = "pausedTorrentCount",
        ["torrent_count"] = "torrentCount",
        ["upload_speed"] = "uploadSpeed",
        ["uploaded_bytes"] = "uploadedBytes",
        ["downloaded_bytes"] = "downloadedBytes",
        ["files_added"] = "filesAdded",
        ["seconds_active"] = "secondsActive",
        ["session_count"] = "sessionCount",
        ["hash_string"] = "hashString",
    };

    /// <summary>Any spelling in the new one.</summary>
    public static string ToNew(string name)
    {
        if (name is "isUTP")
        {
            return "is_utp";
        }

        var text = new StringBuilder(name.Length + 8);
        foreach (var c in name)
        {
            _ =
                c == '-' ? text.Append('_')
                : char.IsAsciiLetterUpper(c) ? text.Append('_').Append(char.ToLowerInvariant(c))
                : text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>A field of a torrent as version 4.0 and earlier spell it.</summary>
    public static string ToOldTorrent(string name) => OldTorrentNames.GetValueOrDefault(name) ?? Camel(name);

    /// <summary>Any other name as version 4.0 and earlier spell it.</summary>
    public static string ToOldSession(string name) => OldSessionNames.GetValueOrDefault(name) ?? name.Replace('_', '-');

    /// <summary>An object with all its names, inside too, in the new spelling.</summary>
    public static JsonObject ToNew(JsonObject from) => Rename(from, ToNew);

    public static JsonObject Rename(JsonObject from, Func<string, string> spell)
    {
        var to = new JsonObject();
        foreach (var (name, value) in from)
        {
            to[spell(name)] = Rename(value, spell);
        }

        return to;
    }

    private static JsonNode? Rename(JsonNode? value, Func<string, string> spell) =>
        value switch
        {
            JsonObject inner => Rename(inner, spell),
            JsonArray list => new JsonArray([.. list.Select(item => Rename(item, spell))]),
            _ => value?.DeepClone(),
        };

    private static string Camel(string name)
    {
        var text = new StringBuilder(name.Length);
        for (var i = 0; i < name.Length; i++)
        {
            _ =
                name[i] == '_' && i + 1 < name.Length
                    ? text.Append(char.ToUpperInvariant(name[++i]))
                    : text.Append(name[i]);
        }

        return text.ToString();
    }
}
