namespace Shoal.Protocol;

/// <summary>
/// The v2 hashes of a whole torrent by piece: which file's tree a piece belongs to, and what is known of it.
/// Files of the same content have the same tree.
/// </summary>
public sealed class PieceHashes
{
    private readonly List<int> _firstPieces = [];
    private readonly List<FileMerkle> _files = [];
    private readonly Dictionary<Sha256Digest, FileMerkle> _byRoot = [];

    private PieceHashes(Metainfo metainfo)
    {
        foreach (var file in metainfo.Files)
        {
            if (file.PiecesRoot is not { } root)
            {
                continue;
            }

            if (!_byRoot.TryGetValue(root, out var tree) || tree.Size != file.Size)
            {
                var pieceLength = metainfo.Layout.PieceLength;
                tree = metainfo.PieceLayers.TryGetValue(root, out var layer)
                    ? new FileMerkle(root, file.Size, pieceLength, layer.Span)
                    : new FileMerkle(root, file.Size, pieceLength);
                _byRoot.TryAdd(root, tree);
            }

            _firstPieces.Add(metainfo.Layout.PieceAt(file.Offset).Value);
            _files.Add(tree);
        }
    }

    /// <summary>The trees of a torrent; null for v1, which has none.</summary>
    public static PieceHashes? Of(Metainfo metainfo)
    {
        ArgumentNullException.ThrowIfNull(metainfo);
        return metainfo.Format == TorrentFormat.V1 ? null : new PieceHashes(metainfo);
    }

    /// <summary>Whether the hash of every piece is known.</summary>
    public bool IsComplete => _files.TrueForAll(f => f.IsComplete);

    /// <summary>
    /// All piece layers, one after the other, once they are known: of files longer than a piece, in the order of the
    /// torrent, of equal files once. What <see cref="SetLayers"/> takes.
    /// </summary>
    public byte[] ToLayers()
    {
        var layers = new List<byte>();
        foreach (var tree in _files.Distinct())
        {
            if (tree.TryGetPieceLayer(out var layer))
            {
                layers.AddRange(layer.Span);
            }
        }

        return [.. layers];
    }

    /// <summary>Takes what <see cref="ToLayers"/> gave; each layer that leads to its file's root.</summary>
    public void SetLayers(ReadOnlySpan<byte> layers)
    {
        foreach (var tree in _files.Distinct())
        {
            var length = tree.PieceCount > 1 ? tree.PieceCount * Sha256Digest.Size : 0;
            if (length > layers.Length)
            {
                return;
            }

            if (length > 0)
            {
                tree.TrySetPieceLayer(layers[..length]);
                layers = layers[length..];
            }
        }
    }

    /// <summary>The tree of the file that a piece belongs to, and the piece's number within the file.</summary>
    public FileMerkle FileOf(PieceIndex piece, out int pieceInFile)
    {
        var at = _firstPieces.BinarySearch(piece.Value);
        at = at >= 0 ? at : ~at - 1;
        pieceInFile = piece.Value - _firstPieces[at];
        return _files[at];
    }

    /// <summary>The tree that a peer's message names; null if the torrent has none with that root.</summary>
    public FileMerkle? Find(in Sha256Digest root) => _byRoot.GetValueOrDefault(root);

    public bool TryGetPieceHash(PieceIndex piece, out Sha256Digest hash) =>
        FileOf(piece, out var inFile).TryGetPieceHash(inFile, out hash);

    /// <summary>Compares a piece with its hash; see <see cref="FileMerkle.Check"/>.</summary>
    public MerkleVerdict Check(PieceIndex piece, ReadOnlySpan<Sha256Digest> blocks) =>
        FileOf(piece, out var inFile).Check(inFile, blocks);

    /// <summary>The request that brings the hash of a piece that is not known.</summary>
    public HashRequest RequestFor(PieceIndex piece) => FileOf(piece, out var inFile).RequestPieces(inFile);
}
