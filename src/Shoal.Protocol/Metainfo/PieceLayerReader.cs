namespace Shoal.Protocol;

/// <summary>Reads and proves BEP 52's "piece layers", which the infohash does not cover.</summary>
internal static class PieceLayerReader
{
    public static MetainfoError? Read(
        BencodeDocument document,
        BencodeNode dictionary,
        InfoReader info,
        out IReadOnlyDictionary<Sha256Digest, ReadOnlyMemory<byte>> layers
    )
    {
        var found = new Dictionary<Sha256Digest, ReadOnlyMemory<byte>>();
        layers = found;
        var pieceLength = info.Layout.PieceLength;

        // Files with the same content share a root and so a layer.
        var wanted = new Dictionary<Sha256Digest, long>();
        foreach (var file in info.Files)
        {
            if (
                file.PiecesRoot is { } root
                && file.Size > pieceLength
                && !wanted.TryAdd(root, file.Size)
                && wanted[root] != file.Size
            )
            {
                return new MetainfoError(
                    MetainfoFault.BadPiecesRoot,
                    $"'{file.Path}' has the root of a file of another length"
                );
            }
        }

        foreach (var entry in dictionary.Entries)
        {
            if (entry.Key.Length != Sha256Digest.Size || !wanted.TryGetValue(new Sha256Digest(entry.Key), out var size))
            {
                return Bad("names a file that the torrent does not have");
            }

            // BEP 52: "A torrent is not valid if this field is absent, the contained hashes do not match the merkle
            // roots or are not from the correct layer."
            var root = new Sha256Digest(entry.Key);
            var pieces = (size + pieceLength - 1) / pieceLength;
            if (!entry.Value.IsString || entry.Value.Bytes.Length != pieces * Sha256Digest.Size)
            {
                return Bad("has the wrong number of hashes for a file");
            }

            var layer = MerkleTree.PieceLayer(pieceLength);
            if (MerkleTree.Root(entry.Value.Bytes, layer, layer + MerkleTree.LayersAbove(pieces)) != root)
            {
                return Bad("does not lead to the root of its file");
            }

            found[root] = document.Data[entry.Value.BytesRange];
        }

        return found.Count == wanted.Count ? null : Bad("lacks a file that is larger than a piece");
    }

    private static MetainfoError Bad(string what) =>
        new(MetainfoFault.BadPieceLayers, $"the field 'piece layers' {what}");
}
