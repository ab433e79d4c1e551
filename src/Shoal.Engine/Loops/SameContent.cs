using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Knows the disks of all torrents of an engine, and which of their files are whole: a file of a new torrent with the
/// same root (BEP 52) and size is copied from there instead of fetched. Safe from any thread.
/// </summary>
internal sealed class SameContent
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TorrentDisk, Func<Bitfield?>> _torrents = [];

    /// <summary>Takes in a torrent.</summary>
    /// <param name="disk">Here until <see cref="Leave"/>.</param>
    /// <param name="pieces">What is proven of it now; null: unknown.</param>
    /// <param name="isSeedOnly">Nothing is to be written.</param>
    /// <returns>The event that tells it what others have of its content; none if they have nothing.</returns>
    public SwarmEvent[] Join(TorrentDisk disk, Func<Bitfield?> pieces, bool isSeedOnly)
    {
        var found = isSeedOnly ? [] : Find(disk.Metainfo);
        lock (_lock)
        {
            _torrents[disk] = pieces;
        }

        return found.Count > 0 ? [new SwarmEvent(SwarmEventKind.LocalFilesFound, Payload: found)] : [];
    }

    public void Leave(TorrentDisk disk)
    {
        lock (_lock)
        {
            _torrents.Remove(disk);
        }
    }

    // The files of a torrent that others have whole; one place for each.
    private List<FoundFile> Find(Metainfo metainfo)
    {
        var wanted = new Dictionary<(Sha256Digest, long), List<int>>();
        for (var i = 0; i < metainfo.Files.Count; i++)
        {
            if (metainfo.Files[i] is { PiecesRoot: { } root, Size: > 0 } file)
            {
                var key = (root, file.Size);
                if (!wanted.TryGetValue(key, out var files))
                {
                    wanted.Add(key, files = []);
                }

                files.Add(i);
            }
        }

        if (wanted.Count == 0)
        {
            return [];
        }

        KeyValuePair<TorrentDisk, Func<Bitfield?>>[] torrents;
        lock (_lock)
        {
            torrents = [.. _torrents];
        }

        var found = new List<FoundFile>();
        foreach (var (disk, pieces) in torrents)
        {
            AddFrom(disk, pieces, wanted, found);
        }

        return found;
    }

    private static void AddFrom(
        TorrentDisk disk,
        Func<Bitfield?> pieces,
        Dictionary<(Sha256Digest, long), List<int>> wanted,
        List<FoundFile> found
    )
    {
        if (disk.Metainfo.Format == TorrentFormat.V1 || pieces() is not { } have)
        {
            return;
        }

        for (var i = 0; i < disk.Metainfo.Files.Count; i++)
        {
            if (
                disk.Metainfo.Files[i] is { PiecesRoot: { } root, Size: > 0 } file
                && wanted.TryGetValue((root, file.Size), out var files)
                && IsWhole(disk.Layout, file, have)
                && disk.SourceOf(i) is { } source
            )
            {
                found.AddRange(files.Select(index => new FoundFile(index, source)));
                wanted.Remove((root, file.Size));
            }
        }
    }

    private static bool IsWhole(PieceLayout layout, MetainfoFile file, Bitfield have)
    {
        var last = layout.PieceAt(file.End - 1).Value;
        for (var piece = layout.PieceAt(file.Offset).Value; piece <= last; piece++)
        {
            if (!have[piece])
            {
                return false;
            }
        }

        return true;
    }
}
