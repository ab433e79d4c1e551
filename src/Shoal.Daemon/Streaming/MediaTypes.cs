using System.Collections.Frozen;

namespace Shoal.Daemon;

internal enum MediaKind
{
    /// <summary>Not to be played.</summary>
    Other,
    Video,
    Audio,
    Subtitles,
}

/// <summary>
/// As what a file is served, by its name. Only types that no browser runs: what is none of these is bytes to be saved, or
/// a page in a torrent could act as ours.
/// </summary>
internal static class MediaTypes
{
    public const string Unknown = "application/octet-stream";
    public const string WebVtt = "text/vtt; charset=utf-8";

    private const string SubStation = "text/x-ssa";

    private static readonly FrozenDictionary<string, string> Types = new Dictionary<string, string>
    {
        [".mp4"] = "video/mp4",
        [".m4v"] = "video/mp4",
        [".mkv"] = "video/x-matroska",
        [".webm"] = "video/webm",
        [".avi"] = "video/x-msvideo",
        [".mov"] = "video/quicktime",
        [".mpg"] = "video/mpeg",
        [".mpeg"] = "video/mpeg",
        [".ts"] = "video/mp2t",
        [".m2ts"] = "video/mp2t",
        [".wmv"] = "video/x-ms-wmv",
        [".flv"] = "video/x-flv",
        [".ogv"] = "video/ogg",
        [".3gp"] = "video/3gpp",
        [".mp3"] = "audio/mpeg",
        [".m4a"] = "audio/mp4",
        [".m4b"] = "audio/mp4",
        [".aac"] = "audio/aac",
        [".flac"] = "audio/flac",
        [".ogg"] = "audio/ogg",
        [".oga"] = "audio/ogg",
        [".opus"] = "audio/ogg",
        [".wav"] = "audio/wav",
        [".wma"] = "audio/x-ms-wma",
        [".mka"] = "audio/x-matroska",
        [".srt"] = "application/x-subrip",
        [".ass"] = SubStation,
        [".ssa"] = SubStation,
        [".vtt"] = WebVtt,
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".png"] = "image/png",
        [".gif"] = "image/gif",
        [".webp"] = "image/webp",
        [".txt"] = "text/plain; charset=utf-8",
        [".nfo"] = "text/plain; charset=utf-8",
    }.ToFrozenDictionary();

    public static string Of(string path) =>
        Types.GetValueOrDefault(Path.GetExtension(path).ToLowerInvariant(), Unknown);

    public static MediaKind KindOf(string path) =>
        Of(path) switch
        {
            WebVtt or SubStation or "application/x-subrip" => MediaKind.Subtitles,
            var type when type.StartsWith("video/", StringComparison.Ordinal) => MediaKind.Video,
            var type when type.StartsWith("audio/", StringComparison.Ordinal) => MediaKind.Audio,
            _ => MediaKind.Other,
        };
}
