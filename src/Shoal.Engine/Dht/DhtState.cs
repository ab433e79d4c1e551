using System.Buffers;
using System.Net.Sockets;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>What one of our nodes keeps between runs.</summary>
internal sealed record DhtNodeState(NodeId Id, AddressFamily Family, IReadOnlyList<NodeContact> Nodes);

/// <summary>
/// The saved state as bytes: { "dht": [ { "id": 20 bytes, "nodes" or "nodes6": contacts }, ... ] }, one dictionary for
/// each address, IPv4 first.
/// </summary>
internal static class DhtState
{
    /// <summary>Longest state that is looked at, in bytes: 16 addresses with 200 IPv6 nodes are 125 KB.</summary>
    public const int MaxBytes = 256 * 1024;

    private const int MaxNodes = 1000;
    private const int MaxStates = 16;

    private static readonly BencodeLimits Limits = new() { MaxDepth = 4, MaxTokens = 256 };

    public static byte[] Write(IEnumerable<DhtNodeState> states)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("dht"u8);
        writer.BeginList();
        foreach (var state in states)
        {
            var isIPv4 = state.Family == AddressFamily.InterNetwork;
            writer.BeginDictionary();
            writer.Entry("id"u8, state.Id.ToArray());
            writer.String(isIPv4 ? "nodes"u8 : "nodes6"u8);
            var size = isIPv4 ? NodeContact.SizeIPv4 : NodeContact.SizeIPv6;
            var bytes = new byte[state.Nodes.Count * size];
            for (var i = 0; i < state.Nodes.Count; i++)
            {
                state.Nodes[i].WriteTo(bytes.AsSpan(i * size));
            }

            writer.String(bytes);
            writer.End();
        }

        writer.End();
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>What can be made of the bytes, which may be anything: a state file is as untrusted as the network.</summary>
    public static List<DhtNodeState> Read(ReadOnlyMemory<byte> bytes)
    {
        var result = new List<DhtNodeState>();
        if (
            bytes.Length > MaxBytes
            || !BencodeDocument.TryParse(bytes, BencodeMode.Strict, Limits, out var document, out _)
        )
        {
            return result;
        }

        foreach (var entry in document.Root.Find("dht"u8).Elements)
        {
            var isIPv4 = entry.Find("nodes"u8).TryGetBytes(out var nodes);
            if (
                result.Count < MaxStates
                && entry.Find("id"u8).Bytes is { Length: NodeId.Size } id
                && (isIPv4 || entry.Find("nodes6"u8).TryGetBytes(out nodes))
            )
            {
                var family = isIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
                var contacts = NodeContact.ReadList(nodes, family, MaxNodes);
                contacts.RemoveAll(contact => !DhtAddress.IsUsable(contact.EndPoint));
                result.Add(new DhtNodeState(new NodeId(id), family, contacts));
            }
        }

        return result;
    }
}
