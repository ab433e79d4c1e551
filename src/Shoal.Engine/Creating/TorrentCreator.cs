using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>A torrent that was made.</summary>
/// <param name="Bytes">The .torrent file.</param>
/// <param name="Metainfo">The same, read.</param>
public sealed record CreatedTorrent(ReadOnlyMemory<byte> Bytes, Metainfo Metainfo);

/// <summary>
/// Makes torrents of files and folders: one read of the data for whatever format, on all cores, in memory that
/// does not grow with the content (but for the hashes that the torrent holds). The same content and options
/// give the same bytes.
/// </summary>
public static class TorrentCreator
{
    /// <summary>
    /// Makes the torrent and writes it to a file, which appears whole or not at all.
    /// </summary>
    /// <exception cref="TorrentCreationException">The content cannot be shared; the message says why.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static async Task<CreatedTorrent> CreateFileAsync(
        string path,
        string torrentFile,
        CreateOptions options,
        IProgress<HashingProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var target = Path.GetFullPath(torrentFile);
        var created = await CreateAsync(path, target, options, progress, cancellationToken).ConfigureAwait(false);
        var temporary = $"{target}.{Guid.NewGuid():n}.tmp";
        try
        {
            await File.WriteAllBytesAsync(temporary, created.Bytes, cancellationToken).ConfigureAwait(false);
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        return created;
    }

    /// <summary>Makes the torrent in memory.</summary>
    /// <exception cref="TorrentCreationException">The content cannot be shared; the message says why.</exception>
    public static Task<CreatedTorrent> CreateAsync(
        string path,
        CreateOptions options,
        IProgress<HashingProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => CreateAsync(path, null, options, progress, cancellationToken);

    private static async Task<CreatedTorrent> CreateAsync(
        string path,
        string? excluded,
        CreateOptions options,
        IProgress<HashingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var isSingle = File.Exists(path);
        var scanned = await Task.Run(() => ContentScanner.Scan(path, excluded, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        if (scanned.Count == 0)
        {
            throw new TorrentCreationException($"'{path}' holds no files");
        }

        var name = options.Name ?? Path.GetFileName(path);
        if (name.Length == 0)
        {
            throw new TorrentCreationException($"'{path}' has no name of its own: choose one");
        }

        if (isSingle)
        {
            scanned = [scanned[0] with { Path = [name] }];
        }

        var total = scanned.Sum(f => f.Size);
        var (work, pieceLength) = Plan(scanned, total, name, isSingle, options);
        await work.ComputeAsync(options.Workers, new ProgressMeter(progress, total), cancellationToken)
            .ConfigureAwait(false);

        var draft = Draft(work, name, pieceLength, isSingle, options);
        var output = new ArrayBufferWriter<byte>();
        MetainfoWriter.Write(draft, output);
        return Prove(output.WrittenMemory, draft);
    }

    /// <summary>
    /// Chooses the piece length, and finds out before hours of hashing whether anybody could read the torrent: clients
    /// take no more than <see cref="MetainfoLimits.MaxBytes"/>, libtorrent as we.
    /// </summary>
    private static (Hashes Work, int PieceLength) Plan(
        List<ScannedFile> scanned,
        long total,
        string name,
        bool isSingle,
        CreateOptions options
    )
    {
        var most = MetainfoLimits.Default.MaxBytes;
        var pieceLength = options.PieceLength ?? PieceLengths.For(total);
        while (true)
        {
            CheckPieceLength(options.Format, pieceLength);
            var work = new Hashes(scanned, options.Format, pieceLength, isSingle);
            var counter = new CountingWriter();
            MetainfoWriter.Write(Draft(work, name, pieceLength, isSingle, options), counter);
            if (counter.Count <= most)
            {
                return (work, pieceLength);
            }

            var canBeLonger =
                pieceLength < PieceLayout.MaxPieceLength && scanned.Exists(file => file.Size > pieceLength);
            if (options.PieceLength is not null || !canBeLonger)
            {
                throw TooLarge(counter.Count, options, canBeLonger);
            }

            pieceLength *= 2;
        }
    }

    private static TorrentCreationException TooLarge(long size, CreateOptions options, bool canBeLonger)
    {
        var advice =
            canBeLonger ? "choose a larger piece length"
            : options.Format == TorrentFormat.Hybrid
                ? "choose v1 or v2, which take half as much for each file, or pack files together"
            : "pack files together";
        return new TorrentCreationException(
            $"the torrent would have {size / 1_000_000.0:F1} MB, and clients read no more than "
                + $"{MetainfoLimits.Default.MaxBytes / 1_000_000} MB: {advice}"
        );
    }

    private static MetainfoDraft Draft(
        Hashes work,
        string name,
        int pieceLength,
        bool isSingle,
        CreateOptions options
    ) =>
        new()
        {
            Format = options.Format,
            Name = name,
            PieceLength = pieceLength,
            IsSingleFile = isSingle,
            Files = work.Describe(),
            V1PieceHashes = work.V1,
            Trackers = options.Trackers,
            WebSeeds = options.WebSeeds,
            IsPrivate = options.IsPrivate,
            Comment = options.Comment,
            CreatedBy = options.CreatedBy,
            CreationDate = options.CreationDate,
            Source = options.Source,
            SslCertificate = options.SslCertificate,
        };

    private static void CheckPieceLength(TorrentFormat format, int pieceLength)
    {
        if (pieceLength is < 1 or > PieceLayout.MaxPieceLength)
        {
            throw new TorrentCreationException($"a piece cannot be {pieceLength} bytes long");
        }

        if (pieceLength < PieceLayout.BlockSize || !BitOperations.IsPow2(pieceLength))
        {
            throw new TorrentCreationException(
                format == TorrentFormat.V1
                    ? $"a piece length of {pieceLength} is not a power of two of at least 16 KiB, which some clients refuse"
                    : $"v2 needs a piece length that is a power of two of at least 16 KiB, not {pieceLength}"
            );
        }
    }

    /// <summary>
    /// Reads what was written as any receiver would. A file that would get another name there could not be found
    /// again, so it is refused.
    /// </summary>
    private static CreatedTorrent Prove(ReadOnlyMemory<byte> torrent, MetainfoDraft draft)
    {
        var limits = new MetainfoLimits
        {
            MaxBytes = int.MaxValue,
            MaxPathCharacters = int.MaxValue,
            Bencode = new BencodeLimits { MaxTokens = 100_000_000 },
        };
        if (!MetainfoReader.TryRead(torrent, limits, out var metainfo, out var error))
        {
            throw new TorrentCreationException(error.Message);
        }

        var files = metainfo.Files.Where(f => !f.IsPad).ToList();
        for (var i = 0; i < files.Count; i++)
        {
            var path = string.Join('/', draft.Files[i].Path);
            if (files[i].Path != path && files[i].Path != $"{draft.Name}/{path}")
            {
                throw new TorrentCreationException(
                    $"'{path}' has a name that receivers would have to change (to '{files[i].Path}'): rename it"
                );
            }
        }

        return new CreatedTorrent(torrent, metainfo);
    }

    /// <summary>Forgets what is written, and knows how much it was.</summary>
    private sealed class CountingWriter : IBufferWriter<byte>
    {
        private byte[] _buffer = new byte[4096];

        public long Count { get; private set; }

        public void Advance(int count) => Count += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (sizeHint > _buffer.Length)
            {
                _buffer = new byte[sizeHint];
            }

            return _buffer;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }

    /// <summary>The hashes of one content, filled in by the workers.</summary>
    private sealed class Hashes
    {
        private readonly List<ScannedFile> _scanned;
        private readonly PieceLayout _layout;
        private readonly TorrentFormat _format;
        private readonly List<ContentFile> _content = [];
        private readonly List<int> _firstPieces = [];
        private readonly List<byte[]> _layers = [];
        private ContentFailure? _failure;

        public Hashes(List<ScannedFile> scanned, TorrentFormat format, int pieceLength, bool isSingle)
        {
            _scanned = scanned;
            _format = format;
            var sizes = scanned.ConvertAll(f => f.Size);
            var isAligned = format != TorrentFormat.V1;
            if (sizes.Sum(s => (s + pieceLength - 1) / pieceLength) > int.MaxValue / Sha256Digest.Size)
            {
                throw new TorrentCreationException("there would be too many pieces: choose a larger piece length");
            }

            _layout = isAligned
                ? PieceLayout.FileAligned(
                    sizes,
                    pieceLength,
                    padded: format == TorrentFormat.Hybrid,
                    trailingPad: format == TorrentFormat.Hybrid && !isSingle
                )
                : PieceLayout.Contiguous(sizes.Sum(), pieceLength);
            long offset = 0;
            foreach (var file in scanned.Where(f => f.Size > 0))
            {
                var pieces = (file.Size + pieceLength - 1) / pieceLength;
                _content.Add(new ContentFile(file.DiskPath, offset, file.Size));
                _firstPieces.Add((int)(offset / pieceLength));
                var layer = isAligned ? new byte[pieces * Sha256Digest.Size] : [];
                if (isAligned)
                {
                    // Before it is hashed each file has a root of its own too.
                    BinaryPrimitives.WriteInt32BigEndian(layer, _layers.Count);
                }

                _layers.Add(layer);
                offset += isAligned ? pieces * pieceLength : file.Size;
            }

            V1 = format == TorrentFormat.V2 ? [] : new byte[_layout.PieceCount * Sha1Digest.Size];
        }

        public byte[] V1 { get; }

        public async Task ComputeAsync(int workers, ProgressMeter meter, CancellationToken cancellationToken)
        {
            var hasher = new ContentHasher(_layout, _content, _format != TorrentFormat.V2, _format != TorrentFormat.V1);
            await hasher.RunAsync(workers, Take, cancellationToken).ConfigureAwait(false);
            if (_failure is { } failure)
            {
                throw new TorrentCreationException(
                    failure.IsMissing || HasChanged(failure.File)
                        ? $"'{failure.File.DiskPath}' changed while it was read"
                        : failure.Message
                );
            }

            if (_scanned.Find(f => f.Target is null && f.HasChanged()) is { } changed)
            {
                throw new TorrentCreationException($"'{changed.DiskPath}' changed while it was read");
            }

            meter.Finish();

            bool Take(in HashedPiece piece)
            {
                if (piece.Failure is not null)
                {
                    Interlocked.CompareExchange(ref _failure, piece.Failure, null);
                    return false;
                }

                var index = piece.Piece.Value;
                piece.V1.CopyTo(V1.AsSpan(piece.V1.IsEmpty ? 0 : index * Sha1Digest.Size));
                if (_format != TorrentFormat.V1)
                {
                    var at = _firstPieces.BinarySearch(index);
                    at = at >= 0 ? at : ~at - 1;
                    MerkleTree
                        .PieceHash(piece.Blocks, _content[at].Size, _layout.PieceLength)
                        .CopyTo(_layers[at].AsSpan((index - _firstPieces[at]) * Sha256Digest.Size));
                }

                meter.Add(_layout.DataSizeOf(piece.Piece));
                return true;
            }
        }

        public List<MetainfoDraftFile> Describe()
        {
            var layers = _layers.GetEnumerator();
            var files = new List<MetainfoDraftFile>();
            foreach (var file in _scanned)
            {
                Sha256Digest? root = null;
                byte[] layer = [];
                if (file.Size > 0 && _format != TorrentFormat.V1)
                {
                    layers.MoveNext();
                    layer = layers.Current;
                    var height = MerkleTree.Height(file.Size);
                    root = MerkleTree.Root(layer, Math.Min(height, MerkleTree.PieceLayer(_layout.PieceLength)), height);
                }

                files.Add(
                    new MetainfoDraftFile
                    {
                        Path = file.Path,
                        Size = file.Size,
                        IsExecutable = file.IsExecutable,
                        IsHidden = file.IsHidden,
                        SymlinkTarget = file.Target,
                        PiecesRoot = root,
                        PieceLayer = layer.Length > Sha256Digest.Size ? layer : default(ReadOnlyMemory<byte>),
                    }
                );
            }

            return files;
        }

        private bool HasChanged(ContentFile file) => _scanned.Find(f => f.DiskPath == file.DiskPath)!.HasChanged();
    }
}
