using Shoal.Api;

namespace Shoal.Daemon;

// In which order pieces are fetched, beyond what the engine decides.
internal sealed partial class TorrentLibrary
{
    /// <summary>Files whose ends are fetched first; of a torrent with more only so many. Default 200.</summary>
    private const int MostFirstLast = 200;

    // Behind what somebody watches now, before everything else.
    private static readonly TimeSpan FirstLastTime = TimeSpan.FromHours(1);

    /// <summary>
    /// The first and the last piece of each wanted file become urgent, or stop being it: players look there for what a film
    /// consists of.
    /// </summary>
    private static void TellFirstLast(LibraryTorrent torrent)
    {
        if (
            torrent.Engine is not { Metainfo: { } metainfo } engine
            || !(torrent.Entry.FirstLast || torrent.HasFirstLast)
        )
        {
            return;
        }

        torrent.HasFirstLast = torrent.Entry.FirstLast;
        var layout = metainfo.Layout;
        var files = metainfo
            .Files.Select(
                (file, index) => (File: file, Wish: torrent.Entry.Priorities?.GetValueOrDefault(index, FileWish.Normal))
            )
            .Where(entry => entry.File is { IsPad: false, Size: > 0, SymlinkTarget: null })
            .Take(MostFirstLast);
        foreach (var (file, wish) in files)
        {
            TimeSpan? time = torrent.Entry.FirstLast && wish != FileWish.Skip ? FirstLastTime : null;
            engine.SetDeadline(layout.PieceAt(file.Offset).Value, time);
            engine.SetDeadline(layout.PieceAt(file.End - 1).Value, time);
        }
    }
}
