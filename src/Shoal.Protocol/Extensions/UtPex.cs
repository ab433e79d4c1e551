using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>What a peer exchange message says of a peer. Bits not listed here are dropped.</summary>
[Flags]
public enum PexFlags : byte
{
    None = 0,
    PrefersEncryption = 0x01,
    UploadOnly = 0x02,
    SupportsUtp = 0x04,
    SupportsHolepunch = 0x08,

    /// <summary>"outgoing connection, peer is reachable"</summary>
    Reachable = 0x10,
    All = 0x1f,
}

public readonly record struct PexPeer(IPEndPoint EndPoint, PexFlags Flags = PexFlags.None);

/// <summary>
/// A peer exchange message (BEP 11): peers the sender has connected to and lost since its last message. Whether
/// such an address may be used is the caller's question.
/// </summary>
public sealed record UtPex
{
    /// <summary>The name in the extension handshake.</summary>
    public const string Name = "ut_pex";

    /// <summary>
    /// BEP 11: "the combined amount of added v4/v6 contacts should not exceed 50 entries. The same applies to dropped
    /// entries." Beyond: ignored when read, not written.
    /// </summary>
    public const int MaxPeers = 50;

    // Six lists, their keys, and some that we do not know.
    private const int MaxValues = 64;

    public IReadOnlyList<PexPeer> Added { get; init; } = [];

    public IReadOnlyList<IPEndPoint> Dropped { get; init; } = [];

    /// <summary>Reads what follows the extended id; repetitions, port 0 and the unspecified address are left out.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out UtPex message)
    {
        message = null!;
        Span<BencodeToken> table = stackalloc BencodeToken[MaxValues];
        if (
            !Bencode.TryParse(payload, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.IsDictionary
        )
        {
            return false;
        }

        var added = new List<PexPeer>();
        Read(root.Find("added"u8).Bytes, root.Find("added.f"u8).Bytes, AddressFamily.InterNetwork, added);
        Read(root.Find("added6"u8).Bytes, root.Find("added6.f"u8).Bytes, AddressFamily.InterNetworkV6, added);
        var dropped = new List<PexPeer>();
        Read(root.Find("dropped"u8).Bytes, default, AddressFamily.InterNetwork, dropped);
        Read(root.Find("dropped6"u8).Bytes, default, AddressFamily.InterNetworkV6, dropped);
        message = new UtPex { Added = added, Dropped = [.. dropped.Select(peer => peer.EndPoint)] };
        return true;
    }

    /// <summary>What follows the extended id; at most <see cref="MaxPeers"/> of each kind, the first.</summary>
    public byte[] Write()
    {
        var added = Added.Take(MaxPeers).ToArray();
        var dropped = Dropped.Take(MaxPeers).Select(endPoint => new PexPeer(endPoint)).ToArray();
        var output = new ArrayBufferWriter<byte>(1024);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        WritePeers(writer, "added"u8, added, AddressFamily.InterNetwork);
        WriteFlags(writer, "added.f"u8, added, AddressFamily.InterNetwork);
        WritePeers(writer, "added6"u8, added, AddressFamily.InterNetworkV6);
        WriteFlags(writer, "added6.f"u8, added, AddressFamily.InterNetworkV6);
        WritePeers(writer, "dropped"u8, dropped, AddressFamily.InterNetwork);
        WritePeers(writer, "dropped6"u8, dropped, AddressFamily.InterNetworkV6);
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    private static void Read(
        ReadOnlySpan<byte> packed,
        ReadOnlySpan<byte> flags,
        AddressFamily family,
        List<PexPeer> peers
    )
    {
        var size = CompactPeers.SizeOf(family);
        var one = new List<IPEndPoint>(1);
        for (var i = 0; (i + 1) * size <= packed.Length && peers.Count < MaxPeers && i < 4 * MaxPeers; i++)
        {
            one.Clear();
            CompactPeers.Read(packed.Slice(i * size, size), family, 1, one);
            if (one.Count == 1 && !peers.Exists(peer => peer.EndPoint.Equals(one[0])))
            {
                peers.Add(new PexPeer(one[0], i < flags.Length ? (PexFlags)flags[i] & PexFlags.All : PexFlags.None));
            }
        }
    }

    private static void WritePeers(BencodeWriter writer, ReadOnlySpan<byte> key, PexPeer[] peers, AddressFamily family)
    {
        var chosen = Array.FindAll(peers, peer => peer.EndPoint.AddressFamily == family);
        var packed = new byte[chosen.Length * CompactPeers.SizeOf(family)];
        var at = 0;
        foreach (var peer in chosen)
        {
            at += CompactPeers.Write(peer.EndPoint, packed.AsSpan(at));
        }

        writer.Entry(key, packed);
    }

    private static void WriteFlags(
        BencodeWriter writer,
        ReadOnlySpan<byte> key,
        PexPeer[] peers,
        AddressFamily family
    ) =>
        writer.Entry(
            key,
            [.. peers.Where(peer => peer.EndPoint.AddressFamily == family).Select(peer => (byte)peer.Flags)]
        );
}
