using System.Text;
using Shoal.Api;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.Daemon;

/// <summary>What can be played in a torrent, and the links that lead there.</summary>
internal static class StreamLinks
{
    /// <summary>Of our routes.</summary>
    public const string Root = "/stream";

    /// <summary>The file that is meant when none is named: the largest film, else music, else anything; null: there is none.</summary>
    /// <param name="wants">Which of the files may be meant; null: all.</param>
    public static int? MainFile(Metainfo metainfo, Func<MetainfoFile, bool>? wants = null)
    {
        var files = Playable(metainfo).Where(file => wants?.Invoke(file.File) != false).ToList();
        return files.Count == 0
            ? null
            : files
                .OrderBy(file =>
                    MediaTypes.KindOf(file.File.Path) switch
                    {
                        MediaKind.Video => 0,
                        MediaKind.Audio => 1,
                        _ => 2,
                    }
                )
                .ThenByDescending(file => file.File.Size)
                .First()
                .Index;
    }

    /// <summary>Films and music, in the order of their paths.</summary>
    public static IReadOnlyList<(int Index, MetainfoFile File)> Media(Metainfo metainfo) =>
        [
            .. Playable(metainfo)
                .Where(file => MediaTypes.KindOf(file.File.Path) is MediaKind.Video or MediaKind.Audio)
                .OrderBy(file => file.File.Path, StringComparer.OrdinalIgnoreCase),
        ];

    /// <summary>
    /// Subtitles of a film: of its name and more, beside it or in a folder beside it; where it is the only film, all there are.
    /// </summary>
    public static IReadOnlyList<(int Index, string Label, string? Language)> SubtitlesOf(Metainfo metainfo, int film)
    {
        var path = metainfo.Files[film].Path;
        if (MediaTypes.KindOf(path) != MediaKind.Video)
        {
            return [];
        }

        var stem = Path.GetFileNameWithoutExtension(path);
        var isOnly = Media(metainfo).Count(file => MediaTypes.KindOf(file.File.Path) == MediaKind.Video) == 1;
        var found = new List<(int, string, string?)>();
        foreach (var (index, file) in Playable(metainfo))
        {
            if (MediaTypes.KindOf(file.Path) != MediaKind.Subtitles)
            {
                continue;
            }

            var name = Path.GetFileNameWithoutExtension(file.Path);
            var isOfName = name.StartsWith(stem, StringComparison.OrdinalIgnoreCase) && IsNear(path, file.Path);
            if (isOfName || isOnly)
            {
                var rest = isOfName ? name[stem.Length..].Trim('.', '_', '-', ' ') : name;
                var language = Array.Find(
                    rest.ToLowerInvariant().Split('.', '_', '-', ' '),
                    word => word.Length is 2 or 3 && word.All(char.IsAsciiLetterLower)
                );
                found.Add((index, rest.Length > 0 ? rest : name, language));
            }
        }

        return found;
    }

    /// <param name="renamed">Names that files have by now, by their place; the type of a file is what the torrent says.</param>
    public static StreamLink Create(
        Metainfo metainfo,
        IReadOnlyDictionary<int, string> renamed,
        string torrent,
        int file,
        (string Key, long ExpiresAt) key,
        string? site
    )
    {
        var path = PathOf(torrent, file, metainfo, renamed, key.Key);
        var playlist = $"{Root}/{torrent}.m3u?key={key.Key}";
        return new StreamLink
        {
            File = file,
            Name = NameOf(FileNames.PathOf(metainfo, renamed, file)),
            Size = metainfo.Files[file].Size,
            Type = MediaTypes.Of(metainfo.Files[file].Path),
            Path = path,
            Url = site is null ? null : site + path,
            PlaylistPath = playlist,
            PlaylistUrl = site is null ? null : site + playlist,
            ExpiresAt = key.ExpiresAt,
            Subtitles =
            [
                .. SubtitlesOf(metainfo, file)
                    .Select(found =>
                    {
                        var subtitles = PathOf(torrent, found.Index, metainfo, renamed, key.Key) + "&format=vtt";
                        return new StreamSubtitle
                        {
                            File = found.Index,
                            Label = found.Label,
                            Language = found.Language,
                            Path = subtitles,
                            Url = site is null ? null : site + subtitles,
                        };
                    }),
            ],
        };
    }

    /// <summary>In the form that players read (extended M3U, in UTF-8).</summary>
    public static string Playlist(
        Metainfo metainfo,
        IReadOnlyDictionary<int, string> renamed,
        string torrent,
        string key,
        string site
    )
    {
        var text = new StringBuilder("#EXTM3U\n");
        foreach (var (index, _) in Media(metainfo))
        {
            var name = NameOf(FileNames.PathOf(metainfo, renamed, index));
            // A line end in a name would be a line of ours.
            var title = new string([.. name.Select(letter => char.IsControl(letter) ? ' ' : letter)]);
            text.Append("#EXTINF:-1,").Append(title).Append('\n');
            text.Append(site).Append(PathOf(torrent, index, metainfo, renamed, key)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>The last element of a path.</summary>
    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static bool IsServed(MetainfoFile file) => file is { IsPad: false, SymlinkTarget: null };

    // The name at the end is for players, which show it and tell types by it.
    private static string PathOf(
        string torrent,
        int file,
        Metainfo metainfo,
        IReadOnlyDictionary<int, string> renamed,
        string key
    ) => $"{Root}/{torrent}/{file}/{Uri.EscapeDataString(NameOf(FileNames.PathOf(metainfo, renamed, file)))}?key={key}";

    private static IEnumerable<(int Index, MetainfoFile File)> Playable(Metainfo metainfo) =>
        metainfo
            .Files.Select((file, index) => (index, file))
            .Where(entry => IsServed(entry.file) && entry.file.Size > 0);

    /// <summary>In the same folder, or in one within it.</summary>
    private static bool IsNear(string film, string other)
    {
        var slash = film.LastIndexOf('/') + 1;
        return other.StartsWith(film[..slash], StringComparison.Ordinal) && other[slash..].Count(c => c == '/') <= 1;
    }
}
