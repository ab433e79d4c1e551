using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Which bytes lie in the part file, and where. A piece shared by wanted and unwanted files must be fetched whole;
/// what of it belongs to an unwanted file is kept in the part file, so that unwanted files do not appear.
/// </summary>
/// <remarks>
/// The piece that is the n-th of all that belong to more than one file has its place at n times the piece length,
/// whatever is wanted now: places never change, so nothing about them needs to be saved. The part file is sparse.
/// </remarks>
internal sealed class PartFileMap(Metainfo metainfo, FileMap map)
{
    private int[]? _shared;
    private bool[]? _kept;

    /// <summary>Whether anything of this file that is in shared pieces lies in the part file.</summary>
    public bool IsKept(int file) => _kept is not null && (uint)file < (uint)_kept.Length && _kept[file];

    public void Keep(int file, bool kept)
    {
        if (kept || _kept is not null)
        {
            _kept ??= new bool[metainfo.Files.Count];
            _kept[file] = kept;
        }
    }

    /// <summary>Place in the part file of a byte of the torrent; -1 if its piece belongs to one file only.</summary>
    public long OffsetOf(long offset)
    {
        _shared ??= FindShared();
        var piece = metainfo.Layout.PieceAt(offset);
        var rank = Array.BinarySearch(_shared, piece.Value);
        return rank < 0 ? -1 : (long)rank * metainfo.Layout.PieceLength + (offset - metainfo.Layout.OffsetOf(piece));
    }

    /// <summary>The ranges of the file that its first and last piece share with others.</summary>
    public IEnumerable<(long Offset, int Length)> SharedRangesOf(int file)
    {
        var entry = metainfo.Files[file];
        if (entry.Size == 0)
        {
            yield break;
        }

        var layout = metainfo.Layout;
        var first = layout.PieceAt(entry.Offset);
        var last = layout.PieceAt(entry.End - 1);
        if (OffsetOf(entry.Offset) >= 0)
        {
            var end = Math.Min(entry.End, layout.OffsetOf(first) + layout.PieceLength);
            yield return (entry.Offset, (int)(end - entry.Offset));
        }

        if (last != first && OffsetOf(entry.End - 1) >= 0)
        {
            var start = layout.OffsetOf(last);
            yield return (start, (int)(entry.End - start));
        }
    }

    private int[] FindShared()
    {
        var shared = new List<int>();
        var stored = map.Stored;
        for (var i = 1; i < stored.Length; i++)
        {
            var piece = metainfo.Layout.PieceAt(metainfo.Files[stored[i]].Offset).Value;
            if (
                piece == metainfo.Layout.PieceAt(metainfo.Files[stored[i - 1]].End - 1).Value
                && (shared.Count == 0 || shared[^1] != piece)
            )
            {
                shared.Add(piece);
            }
        }

        return [.. shared];
    }
}
