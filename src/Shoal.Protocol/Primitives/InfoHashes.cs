namespace Shoal.Protocol;

/// <summary>
/// The identity of a torrent: a v1 hash, a v2 hash, or both for a hybrid. At least one is present.
/// </summary>
public readonly record struct InfoHashes(Sha1Digest? V1, Sha256Digest? V2)
{
    public bool IsHybrid => V1 is not null && V2 is not null;

    /// <summary>
    /// The name to use where one is enough: the v1 hash if there is one, since every client knows it;
    /// otherwise the truncated v2 hash.
    /// </summary>
    public InfoHash Primary =>
        V1 is { } v1 ? InfoHash.From(v1)
        : V2 is { } v2 ? InfoHash.From(v2)
        : throw new InvalidOperationException("a torrent has at least one infohash");

    /// <summary>Every name the torrent has on the wire: one, or two for a hybrid, the v1 name first.</summary>
    public InfoHash[] OnTheWire =>
        (V1, V2) switch
        {
            ({ } v1, { } v2) => [InfoHash.From(v1), InfoHash.From(v2)],
            _ => [Primary],
        };
}
