using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>Something published, as it is kept where no hub can be asked.</summary>
/// <param name="Entry">Signed by its publisher; held against the authority by who reads it.</param>
/// <param name="Torrent">The .torrent that the entry names; empty: members are asked for it.</param>
public sealed record OfflineEntry(ReadOnlyMemory<byte> Entry, ReadOnlyMemory<byte> Torrent);

/// <summary>
/// What a member can fetch, and from whom, without asking a hub. Immutable. Nothing in it is believed: entries are signed,
/// torrents are held against them, and peers prove themselves. docs/formats/hub.md describes the bytes.
/// </summary>
public sealed class OfflineContent
{
    /// <summary>Most peers that are read. Beyond: it is refused.</summary>
    public const int MaxPeers = 100;

    /// <summary>Most entries that are read. Beyond: it is refused.</summary>
    public const int MaxEntries = 100;

    /// <summary>Longest whole that is read, in bytes.</summary>
    public const int MaxLength = 12 * 1024 * 1024;

    // Five for each entry, one for each peer, and what stands around them.
    private const int MaxTokens = 8 + 6 * MaxEntries + MaxPeers;

    /// <summary>HOST:PORT each; those to try first come first.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    public IReadOnlyList<OfflineEntry> Entries { get; init; } = [];

    public byte[] Write()
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("entries"u8);
        writer.BeginList();
        foreach (var one in Entries)
        {
            writer.BeginDictionary();
            writer.Entry("entry"u8, one.Entry.Span);
            writer.Entry("torrent"u8, one.Torrent.Span);
            writer.End();
        }

        writer.End();
        writer.String("peers"u8);
        writer.BeginList();
        foreach (var peer in Peers)
        {
            writer.String(peer);
        }

        writer.End();
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Never throws, whatever the bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out OfflineContent? content)
    {
        content = null;
        if (
            bytes.Length > MaxLength
            || !Bencode.TryParse(bytes, new BencodeToken[MaxTokens], BencodeMode.Strict, out var root, out _)
            || root.Find("entries"u8) is not { IsList: true, Count: <= MaxEntries } entryList
            || root.Find("peers"u8) is not { IsList: true, Count: <= MaxPeers } peerList
        )
        {
            return false;
        }

        var entries = new List<OfflineEntry>();
        foreach (var one in entryList.Elements)
        {
            if (!one.Find("entry"u8).TryGetBytes(out var entry) || !one.Find("torrent"u8).TryGetBytes(out var torrent))
            {
                return false;
            }

            entries.Add(new OfflineEntry(entry.ToArray(), torrent.ToArray()));
        }

        var peers = new List<string>();
        foreach (var one in peerList.Elements)
        {
            if (one.TextOrNull() is not { Length: > 0 and <= 300 } peer)
            {
                return false;
            }

            peers.Add(peer);
        }

        content = new OfflineContent { Entries = entries, Peers = peers };
        return true;
    }
}
