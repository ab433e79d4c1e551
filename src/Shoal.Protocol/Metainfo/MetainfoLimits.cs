namespace Shoal.Protocol;

/// <summary>Bounds on what a torrent may ask of us before a byte of it is fetched.</summary>
public sealed record MetainfoLimits
{
    public static MetainfoLimits Default { get; } = new();

    /// <summary>
    /// Bytes of a .torrent file or an info dictionary. Default 10 MB: 250,000 pieces of a hybrid with room for
    /// names. Beyond it: <see cref="MetainfoFault.TooLarge"/>.
    /// </summary>
    public int MaxBytes { get; init; } = 10_000_000;

    /// <summary>
    /// Pieces. Default 2,097,152: a bitfield of 256 KiB for each peer. Beyond it:
    /// <see cref="MetainfoFault.TooManyPieces"/>.
    /// </summary>
    public int MaxPieces { get; init; } = 2_097_152;

    /// <summary>
    /// Folders within each other. Default 100. Beyond it: <see cref="MetainfoFault.BadPath"/>.
    /// </summary>
    public int MaxPathDepth { get; init; } = 100;

    /// <summary>
    /// Characters of all paths together. The file tree of a v2 torrent names a folder once, our list of files once
    /// for each file, so a small file could grow into gigabytes. Default 32 Mi (64 MiB of memory). Beyond it:
    /// <see cref="MetainfoFault.BadPath"/>.
    /// </summary>
    public int MaxPathCharacters { get; init; } = 32 * 1024 * 1024;

    /// <summary>
    /// Files renamed because one name occurs again. Default 500. Beyond it:
    /// <see cref="MetainfoFault.TooManyDuplicates"/>.
    /// </summary>
    public int MaxDuplicates { get; init; } = 500;

    /// <summary>Bounds on the encoding below.</summary>
    public BencodeLimits Bencode { get; init; } = BencodeLimits.Default;
}
