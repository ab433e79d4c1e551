using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A stretch of the torrent's range that lies in one file, or in none.</summary>
/// <param name="File">Index in <see cref="Metainfo.Files"/>; <see cref="FileMap.NoFile"/> for padding and gaps, which read as zeros.</param>
/// <param name="FileOffset">Where it starts in the file, in bytes.</param>
/// <param name="Offset">Where it starts in the torrent's range, in bytes.</param>
/// <param name="Length">Bytes, from 1.</param>
internal readonly record struct FileSpan(int File, long FileOffset, long Offset, int Length);

/// <summary>
/// From the torrent's range to files, by binary search. Costs four bytes a file; immutable.
/// </summary>
internal sealed class FileMap
{
    public const int NoFile = -1;

    private readonly IReadOnlyList<MetainfoFile> _files;

    // The files that hold bytes on disk, by offset. Others take no part in I/O.
    private readonly int[] _stored;

    public FileMap(Metainfo metainfo)
    {
        _files = metainfo.Files;
        var stored = new List<int>(_files.Count);
        for (var i = 0; i < _files.Count; i++)
        {
            var file = _files[i];
            HasPads |= file.IsPad && file.Size > 0;
            if (!file.IsPad && file.Size > 0 && file.SymlinkTarget is null)
            {
                stored.Add(i);
            }
        }

        _stored = [.. stored];
    }

    /// <summary>Whether parts of the range belong to padding.</summary>
    public bool HasPads { get; }

    /// <summary>Indexes of the files that hold bytes on disk, ascending by offset.</summary>
    public ReadOnlySpan<int> Stored => _stored;

    /// <summary>The spans that make up the range, in order.</summary>
    public Walk Locate(long offset, int length) => new(this, offset, length);

    /// <summary>Position in <see cref="Stored"/> of the first file that ends after the offset.</summary>
    private int FirstEndingAfter(long offset)
    {
        var low = 0;
        var high = _stored.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_files[_stored[middle]].End > offset)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    internal struct Walk(FileMap map, long offset, int length)
    {
        private int _next = map.FirstEndingAfter(offset);
        private long _offset = offset;
        private int _left = length;

        public FileSpan Current { get; private set; }

        public readonly Walk GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            if (_next >= map._stored.Length)
            {
                Current = new FileSpan(NoFile, 0, _offset, _left);
            }
            else
            {
                var index = map._stored[_next];
                var file = map._files[index];
                if (file.Offset > _offset)
                {
                    var gap = (int)Math.Min(_left, file.Offset - _offset);
                    Current = new FileSpan(NoFile, 0, _offset, gap);
                }
                else
                {
                    var inside = (int)Math.Min(_left, file.End - _offset);
                    Current = new FileSpan(index, _offset - file.Offset, _offset, inside);
                    if (_offset + inside == file.End)
                    {
                        _next++;
                    }
                }
            }

            _offset += Current.Length;
            _left -= Current.Length;
            return true;
        }
    }
}
