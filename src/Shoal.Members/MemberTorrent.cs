using Shoal.Protocol;

namespace Shoal.Members;

/// <summary>A torrent of the catalogue: whole, or by its names, and then members are asked for the rest.</summary>
/// <param name="Bytes">The .torrent; empty without one.</param>
public sealed record MemberTorrent(InfoHashes InfoHashes, Metainfo? Metainfo, ReadOnlyMemory<byte> Bytes);
