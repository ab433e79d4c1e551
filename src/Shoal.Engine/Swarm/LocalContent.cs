using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// A file on this machine that holds what is wanted. The swarm passes it on; only the disk reads it.
/// </summary>
internal interface IContentSource
{
    /// <summary>Fills the buffer from that offset of the file. False: it is not all there, or cannot be read.</summary>
    bool TryRead(long offset, Span<byte> buffer);
}

/// <summary>Somebody else on this machine has a file of the torrent.</summary>
/// <param name="File">Index in <see cref="Metainfo.Files"/>.</param>
/// <param name="Source">Its content, as far as one can know.</param>
internal sealed record FoundFile(int File, IContentSource Source);

/// <summary>
/// Which pieces need not be fetched because their bytes are, or will be, on this machine anyway. BEP 52: "pieces root"
/// is "the root hash of a merkle tree with a branching factor of 2, constructed from 16KiB blocks of the file": files
/// of equal size and root are equal, within a torrent and between torrents.
/// </summary>
/// <remarks>Part of <see cref="ContentState"/>, which asks it whenever it places a piece.</remarks>
internal sealed class LocalContent
{
    private readonly ContentState _content;

    // Files of v2 that have content, by their first piece: the files of torrents are aligned at pieces there.
    private readonly int[] _firstPieces;
    private readonly FileEntry[] _files;

    // Pieces whose copy was made: whatever came of it, it is not made again.
    private readonly Bitfield _tried;

    public LocalContent(ContentState content)
    {
        _content = content;
        _tried = new Bitfield(content.Layout.PieceCount);
        Copyable = new Bitfield(content.Layout.PieceCount);
        _files = [.. EntriesOf(content.Metainfo)];
        _firstPieces = [.. _files.Select(file => file.FirstPiece)];
        foreach (var same in _files.GroupBy(file => (file.Root, file.Size)).Where(group => group.Count() > 1))
        {
            var members = same.ToArray();
            foreach (var file in members)
            {
                file.Twins = [.. members.Where(other => other != file)];
            }
        }
    }

    /// <summary>Pieces that are needed, not begun, and can be copied now.</summary>
    public Bitfield Copyable { get; }

    /// <summary>Learns of files elsewhere on this machine. Their pieces are placed by the caller.</summary>
    public void Add(IReadOnlyList<FoundFile> found)
    {
        foreach (var (index, source) in found)
        {
            if (Array.Find(_files, file => file.Index == index) is { } entry)
            {
                entry.Source = source;
            }
        }
    }

    /// <summary>Pieces of equal files, which have the same bytes.</summary>
    public TwinPieces TwinsOf(int piece) =>
        FileOf(piece) is { Twins.Length: > 0 } file ? new TwinPieces(file.Twins, piece - file.FirstPiece) : default;

    /// <summary>Where a piece can be copied from: a proven piece of this torrent, or a file elsewhere.</summary>
    public bool CanCopy(int piece, out int twin, out IContentSource? source)
    {
        (twin, source) = (-1, null);
        if (_tried[piece] || FileOf(piece) is not { } file)
        {
            return false;
        }

        foreach (var other in TwinsOf(piece))
        {
            if (_content.Have[other])
            {
                twin = other;
                return true;
            }
        }

        source = file.Source;
        return source is not null;
    }

    /// <summary>Nobody is to be asked for the piece: its bytes are here, or are coming in under another number.</summary>
    public bool IsWithheld(int piece)
    {
        if (CanCopy(piece, out _, out _))
        {
            return true;
        }

        foreach (var other in TwinsOf(piece))
        {
            // Where nobody has the one that was begun, the other may be had.
            if (!_tried[piece] && _content.Partials.ContainsKey(other) && _content.Availability[other] > 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The piece was copied, or could not be.</summary>
    public void SetTried(PieceIndex piece) => _tried.Set(piece);

    /// <summary>What failed before may be tried again.</summary>
    public void Forget() => _tried.ClearAll();

    private FileEntry? FileOf(int piece)
    {
        if (_files.Length == 0)
        {
            return null;
        }

        var at = Array.BinarySearch(_firstPieces, piece);
        at = at >= 0 ? at : ~at - 1;
        return at >= 0 && (_files[at].Twins.Length > 0 || _files[at].Source is not null) ? _files[at] : null;
    }

    private static IEnumerable<FileEntry> EntriesOf(Metainfo metainfo)
    {
        for (var i = 0; i < metainfo.Files.Count; i++)
        {
            if (metainfo.Files[i] is { PiecesRoot: { } root, Size: > 0 } file)
            {
                yield return new FileEntry(i, metainfo.Layout.PieceAt(file.Offset).Value, root, file.Size);
            }
        }
    }

    internal sealed class FileEntry(int index, int firstPiece, Sha256Digest root, long size)
    {
        public int Index => index;
        public int FirstPiece => firstPiece;
        public Sha256Digest Root => root;
        public long Size => size;

        /// <summary>Files of this torrent with the same content.</summary>
        public FileEntry[] Twins { get; set; } = [];

        /// <summary>The same content elsewhere.</summary>
        public IContentSource? Source { get; set; }
    }

    /// <summary>The same piece of each equal file.</summary>
    internal readonly struct TwinPieces(FileEntry[] files, int inFile)
    {
        public Walk GetEnumerator() => new(files ?? [], inFile);

        internal struct Walk(FileEntry[] files, int inFile)
        {
            private int _next = -1;

            public readonly int Current => files[_next].FirstPiece + inFile;

            public bool MoveNext() => ++_next < files.Length;
        }
    }
}
