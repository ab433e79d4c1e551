namespace Shoal.Protocol;

/// <summary>Why a torrent is refused.</summary>
public enum MetainfoFault
{
    None,
    TooLarge,

    /// <summary>Not bencoding, or not canonical where the specification demands it (v2).</summary>
    BadEncoding,

    /// <summary>The file is well-formed but no torrent: no dictionary, or no info dictionary in it.</summary>
    NotATorrent,

    /// <summary>A later "meta version" than 2.</summary>
    UnknownVersion,
    BadPieceLength,
    BadName,

    /// <summary>A path that is empty, too deep or not a list of strings.</summary>
    BadPath,

    /// <summary>A v2 file tree that breaks BEP 52's rules.</summary>
    BadFileTree,

    /// <summary>A missing or negative length, or lengths whose sum overflows.</summary>
    BadLength,
    NoFiles,
    TooManyPieces,

    /// <summary>"pieces" is missing, or not 20 bytes for each piece.</summary>
    BadPieceHashes,

    /// <summary>A file without a merkle root, or with one that cannot be.</summary>
    BadPiecesRoot,

    /// <summary>"piece layers" is missing, incomplete, or does not lead to the roots.</summary>
    BadPieceLayers,

    /// <summary>The v1 and v2 halves of a hybrid describe different content.</summary>
    HybridMismatch,
    TooManyDuplicates,

    /// <summary>The info dictionary is not the one that was asked for.</summary>
    InfoHashMismatch,
}

/// <summary>A fault and a sentence for the user that says where it is.</summary>
public sealed record MetainfoError(MetainfoFault Fault, string Message)
{
    public override string ToString() => Message;
}
