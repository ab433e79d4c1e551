using System.Text;
using Shoal.Api;
using Shoal.Daemon;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>The parts of streaming that need no daemon: ranges, types, keys, links, playlists, subtitles.</summary>
public sealed class StreamingTests
{
    private static readonly Dictionary<int, string> Nothing = [];

    [Theory]
    [InlineData(null, 100, 0, 100, false)]
    [InlineData("bytes=0-", 100, 0, 100, true)]
    [InlineData("bytes=0-0", 100, 0, 1, true)]
    [InlineData("Bytes=10-19", 100, 10, 20, true)]
    [InlineData("bytes=90-1000", 100, 90, 100, true)]
    [InlineData("bytes=90-99999999999999999999999", 100, 90, 100, true)]
    [InlineData("bytes=-10", 100, 90, 100, true)]
    [InlineData("bytes=-1000", 100, 0, 100, true)]
    [InlineData("bytes= 5 - 6 ", 100, 5, 7, true)]
    // Broken, of another unit, or several: as if it were not there.
    [InlineData("bytes=6-5", 100, 0, 100, false)]
    [InlineData("bytes=0-1,5-6", 100, 0, 100, false)]
    [InlineData("bytes=a-b", 100, 0, 100, false)]
    [InlineData("bytes=-", 100, 0, 100, false)]
    [InlineData("bytes=", 100, 0, 100, false)]
    [InlineData("bytes=+1-2", 100, 0, 100, false)]
    [InlineData("lines=1-2", 100, 0, 100, false)]
    [InlineData("", 100, 0, 100, false)]
    public void A_range_is_understood_or_ignored(string? header, long size, long from, long to, bool isPart) =>
        Assert.Equal((from, to, isPart), ByteRange.Read(header, size));

    [Theory]
    [InlineData("bytes=100-", 100)]
    [InlineData("bytes=100-200", 100)]
    [InlineData("bytes=99999999999999999999999-", 100)]
    [InlineData("bytes=-0", 100)]
    [InlineData("bytes=0-", 0)]
    [InlineData("bytes=-5", 0)]
    public void A_range_beyond_the_end_is_none(string header, long size) => Assert.Null(ByteRange.Read(header, size));

    [Theory]
    [InlineData("a/Film.MKV", "video/x-matroska")]
    [InlineData("song.mp3", "audio/mpeg")]
    [InlineData("page.html", "application/octet-stream")]
    [InlineData("page.svg", "application/octet-stream")]
    [InlineData("page.xhtml", "application/octet-stream")]
    [InlineData("code.js", "application/octet-stream")]
    [InlineData("mp4", "application/octet-stream")]
    public void What_a_browser_would_run_is_only_to_be_saved(string path, string type) =>
        Assert.Equal(type, MediaTypes.Of(path));

    [Fact]
    public void Names_cannot_end_a_header()
    {
        var header = FileAnswer.Disposition("inline", "a\"; x=\r\nSet-Cookie: b\\ü.mkv");
        Assert.DoesNotContain(header, letter => letter is '\r' or '\n' or > '~');
        Assert.StartsWith("inline; filename=\"a_; x=__Set-Cookie: b__.mkv\"; filename*=UTF-8''a%22", header);
    }

    [Fact]
    public void A_key_opens_its_torrent_for_its_time_as_long_as_its_maker_may()
    {
        using var folder = new TempFolder();
        var time = new VirtualTime();
        var access = AccessKeys.Open(folder["tokens.json"], time);
        var token = access.Create("player", AccessScope.Control);
        var keys = new StreamKeys(access, time);
        var (mine, expires) = keys.Create("aa", token.Token.Id);
        var (owners, _) = keys.Create("aa", null);
        Assert.Equal(time.GetUtcNow().AddHours(12).ToUnixTimeSeconds(), expires);
        Assert.Equal(StreamKeyVerdict.Good, keys.Check(mine, "aa"));
        Assert.Equal(token.Token.Id, StreamKeys.MakerOf(mine));
        Assert.Equal("owner", StreamKeys.MakerOf(owners));
        Assert.Equal(StreamKeyVerdict.Wrong, keys.Check(mine, "bb"));
        Assert.Equal(StreamKeyVerdict.Wrong, new StreamKeys(access, time).Check(mine, "aa"));
        access.Remove("player");
        Assert.Equal(StreamKeyVerdict.Expired, keys.Check(mine, "aa"));
        Assert.Equal(StreamKeyVerdict.Good, keys.Check(owners, "aa"));
        time.Advance(TimeSpan.FromHours(12));
        Assert.Equal(StreamKeyVerdict.Expired, keys.Check(owners, "aa"));
    }

    [Fact]
    public void A_changed_key_opens_nothing()
    {
        using var folder = new TempFolder();
        var time = new VirtualTime();
        var keys = new StreamKeys(AccessKeys.Open(folder["tokens.json"], time), time);
        var (key, _) = keys.Create("aa", null);
        for (var at = 0; at < key.Length; at++)
        {
            var changed = key[..at] + (key[at] == 'b' ? 'c' : 'b') + key[(at + 1)..];
            Assert.NotEqual(StreamKeyVerdict.Good, keys.Check(changed, "aa"));
        }

        foreach (var nonsense in (string[])["", ".", "..", "....", "ffffffffffff.owner.", key + key, "\0", key[..^1]])
        {
            Assert.Equal(StreamKeyVerdict.Wrong, keys.Check(nonsense, "aa"));
        }
    }

    [Fact]
    public void The_film_is_found_and_its_subtitles_beside_it()
    {
        var torrent = Make(
            ("extras/making of.mkv", 200),
            ("film.mkv", 1000),
            ("film.en.srt", 10),
            ("film_de.vtt", 10),
            ("Subs/film.fre.forced.srt", 10),
            ("film.nfo", 5000),
            ("other.srt", 10)
        );
        var film = Index(torrent, "film.mkv");
        Assert.Equal(film, StreamLinks.MainFile(torrent));
        Assert.Equal(
            [("de", "de"), ("en", "en"), ("fre.forced", "fre")],
            StreamLinks.SubtitlesOf(torrent, film).Select(found => (found.Label, found.Language)).Order()
        );
        Assert.Empty(StreamLinks.SubtitlesOf(torrent, Index(torrent, "film.nfo")));
        Assert.Null(StreamLinks.MainFile(Make(("empty", 0))));
    }

    [Fact]
    public void Of_the_files_that_are_fetched_the_film_is_found()
    {
        var torrent = Make(("film.mkv", 1000), ("music/one.mp3", 20), ("music/two.mp3", 30), ("music/scan.png", 500));
        Assert.Equal(Index(torrent, "film.mkv"), StreamLinks.MainFile(torrent, _ => true));
        Assert.Equal(
            Index(torrent, "music/two.mp3"),
            StreamLinks.MainFile(torrent, file => file.Path.Contains("music", StringComparison.Ordinal))
        );
        Assert.Null(StreamLinks.MainFile(torrent, _ => false));
    }

    [Fact]
    public void A_player_that_is_gone_is_waited_for_and_one_that_never_came_without_end()
    {
        var time = new VirtualTime();
        var presence = new PlayerPresence(time);
        time.Advance(TimeSpan.FromDays(1));
        Assert.False(presence.IsOver);
        presence.Enter();
        presence.Enter();
        presence.Leave();
        time.Advance(TimeSpan.FromDays(1));
        Assert.False(presence.IsOver);
        presence.Leave();
        time.Advance(StreamLimits.AfterPlayer - TimeSpan.FromSeconds(1));
        Assert.False(presence.IsOver);
        // It is started anew.
        presence.Enter();
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(presence.IsOver);
        presence.Leave();
        Assert.False(presence.IsOver);
        time.Advance(StreamLimits.AfterPlayer);
        Assert.True(presence.IsOver);
    }

    [Fact]
    public void A_playlist_has_films_and_music_in_order_and_one_line_for_each_title()
    {
        var torrent = Make(("02 b.mp3", 10), ("01 a&b.mp3", 20), ("cover.jpg", 30));
        var lines = StreamLinks.Playlist(torrent, Nothing, "aa", "KEY", "http://h:1").TrimEnd('\n').Split('\n');
        Assert.Equal(
            [
                "#EXTM3U",
                "#EXTINF:-1,01 a&b.mp3",
                $"http://h:1/stream/aa/{Index(torrent, "01 a&b.mp3")}/01%20a%26b.mp3?key=KEY",
                "#EXTINF:-1,02 b.mp3",
                $"http://h:1/stream/aa/{Index(torrent, "02 b.mp3")}/02%20b.mp3?key=KEY",
            ],
            lines
        );
        var renamed = new Dictionary<int, string> { [Index(torrent, "01 a&b.mp3")] = "elsewhere/first.mp3" };
        lines = StreamLinks.Playlist(torrent, renamed, "aa", "KEY", "http://h:1").Split('\n');
        Assert.Equal("#EXTINF:-1,first.mp3", lines[1]);
        Assert.EndsWith("/first.mp3?key=KEY", lines[2], StringComparison.Ordinal);
        var link = StreamLinks.Create(torrent, renamed, "aa", renamed.Keys.Single(), ("KEY", 0), null);
        Assert.Equal(("first.mp3", "audio/mpeg"), (link.Name, link.Type));
    }

    [Fact]
    public void Only_so_many_are_sent_at_once()
    {
        var places = StreamLimits.CreatePlaces();
        var taken = Enumerable.Range(0, StreamLimits.MaxStreams).Select(_ => places.Enter(null)).ToList();
        Assert.Equal(503, Assert.Throws<ApiException>(() => places.Enter(null)).Status);
        taken[0].Dispose();
        taken[0].Dispose();
        using (places.Enter("a"))
        {
            Assert.Equal(StreamLimits.MaxStreams, places.Taken);
        }
    }

    [Fact]
    public void One_token_leaves_room_for_others()
    {
        var places = StreamLimits.CreatePlaces();
        var taken = Enumerable.Range(0, StreamLimits.MaxStreamsOfOne).Select(_ => places.Enter("a")).ToList();
        var error = Assert.Throws<ApiException>(() => places.Enter("a"));
        Assert.Equal((429, "too-many-calls"), (error.Status, error.Code));
        places.Enter("b").Dispose();
        taken[0].Dispose();
        taken[0].Dispose();
        places.Enter("a");
        Assert.Throws<ApiException>(() => places.Enter("a"));
    }

    private static Metainfo Make(params (string Path, int Size)[] files)
    {
        var builder = new TorrentBuilder(TorrentFormat.V1);
        foreach (var (path, size) in files)
        {
            builder.File(path, size);
        }

        return builder.Build().Metainfo;
    }

    private static int Index(Metainfo metainfo, string path) =>
        metainfo.Files.ToList().FindIndex(file => file.Path.EndsWith("/" + path, StringComparison.Ordinal));
}
