using System.Globalization;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Cli;

/// <summary>Words for the states and kinds of torrents, the same in all outputs.</summary>
internal static class TorrentText
{
    public static string Format(TorrentFormat format) =>
        format switch
        {
            TorrentFormat.V1 => "v1",
            TorrentFormat.V2 => "v2",
            _ => "hybrid",
        };

    public static string State(TorrentState state) =>
        state switch
        {
            TorrentState.FetchingMetadata => "metadata",
            TorrentState.Checking => "checking",
            TorrentState.Downloading => "downloading",
            TorrentState.Seeding => "seeding",
            TorrentState.Paused => "paused",
            _ => "failed",
        };

    /// <summary>A torrent by its infohash: the v1 name where it has one.</summary>
    public static string Names(Protocol.InfoHashes hashes) =>
        hashes.V1 is { } v1 ? $"infohash {v1}" : $"v2 infohash {hashes.V2}";

    /// <summary>"1 file", "2 files".</summary>
    public static string Count(long number, string one, string? many = null) =>
        number.ToString("N0", CultureInfo.InvariantCulture) + " " + (number == 1 ? one : many ?? one + "s");
}
