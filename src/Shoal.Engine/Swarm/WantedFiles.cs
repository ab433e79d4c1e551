using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// Which files lie in which pieces: the priority of a piece is the highest of its files, and progress counts
/// bytes of wanted files only.
/// </summary>
internal sealed class WantedFiles
{
    private readonly Metainfo _metainfo;
    private readonly PieceLayout _layout;

    // Files with content, by offset.
    private readonly int[] _files;
    private readonly FilePriority[] _priorities;

    public WantedFiles(Metainfo metainfo)
    {
        _metainfo = metainfo;
        _layout = metainfo.Layout;
        _priorities = new FilePriority[metainfo.Files.Count];
        _files =
        [
            .. Enumerable
                .Range(0, metainfo.Files.Count)
                .Where(i => metainfo.Files[i] is { IsPad: false, SymlinkTarget: null, Size: > 0 })
                .OrderBy(i => metainfo.Files[i].Offset),
        ];
        Levels = new byte[_layout.PieceCount];
    }

    /// <summary>Priority of each piece; 0: not wanted.</summary>
    public byte[] Levels { get; }

    /// <summary>The priorities above 0 that some piece has, highest first.</summary>
    public byte[] UsedLevels { get; private set; } = [];

    /// <summary>Of each file; null: all are normal.</summary>
    public IReadOnlyList<FilePriority>? Priorities =>
        Array.TrueForAll(_priorities, priority => priority == FilePriority.Normal) ? null : _priorities;

    /// <summary>Bytes of wanted files.</summary>
    public long WantedBytes { get; private set; }

    /// <summary>Bytes of wanted files in proven pieces.</summary>
    public long DoneBytes { get; private set; }

    public void SetPriorities(IReadOnlyList<FilePriority> priorities, Bitfield have)
    {
        Levels.AsSpan().Clear();
        WantedBytes = 0;
        DoneBytes = 0;
        for (var i = 0; i < _priorities.Length; i++)
        {
            _priorities[i] = i < priorities.Count ? priorities[i] : FilePriority.Normal;
        }

        var covered = new Bitfield(Levels.Length);
        foreach (var i in _files)
        {
            var level = (byte)Math.Clamp((int)_priorities[i], 0, 7);
            var file = _metainfo.Files[i];
            WantedBytes += level == 0 ? 0 : file.Size;
            var last = _layout.PieceAt(file.End - 1).Value;
            for (var piece = _layout.PieceAt(file.Offset).Value; piece <= last; piece++)
            {
                Levels[piece] = Math.Max(Levels[piece], level);
                covered.Set(piece);
            }
        }

        // A piece of nothing but padding belongs to no file; without it we would never be a seed.
        for (var piece = 0; piece < Levels.Length; piece++)
        {
            Levels[piece] = covered[piece] ? Levels[piece] : (byte)FilePriority.Low;
        }

        UsedLevels = [.. Levels.Where(level => level > 0).Distinct().OrderDescending()];

        for (var i = BitScan.FirstCommon(have, have, 0); i >= 0; i = BitScan.FirstCommon(have, have, i + 1))
        {
            AddDone(i);
        }
    }

    public void AddDone(int piece) => DoneBytes += WantedBytesIn(piece);

    public void RemoveDone(int piece) => DoneBytes -= WantedBytesIn(piece);

    private long WantedBytesIn(int piece)
    {
        var index = _layout.Piece(piece);
        var start = _layout.OffsetOf(index);
        var end = start + _layout.SizeOf(index);

        // The first file that ends after the piece starts.
        int low = 0,
            high = _files.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_metainfo.Files[_files[middle]].End <= start)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        long bytes = 0;
        for (; low < _files.Length && _metainfo.Files[_files[low]].Offset < end; low++)
        {
            var file = _metainfo.Files[_files[low]];
            if (_priorities[_files[low]] != FilePriority.Skip)
            {
                bytes += Math.Min(end, file.End) - Math.Max(start, file.Offset);
            }
        }

        return bytes;
    }
}
