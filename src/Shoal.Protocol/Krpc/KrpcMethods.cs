namespace Shoal.Protocol;

/// <summary>The names of the queries.</summary>
internal static class KrpcMethods
{
    public static KrpcMethod Parse(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("ping"u8) ? KrpcMethod.Ping
        : name.SequenceEqual("find_node"u8) ? KrpcMethod.FindNode
        : name.SequenceEqual("get_peers"u8) ? KrpcMethod.GetPeers
        : name.SequenceEqual("announce_peer"u8) ? KrpcMethod.AnnouncePeer
        : name.SequenceEqual("get"u8) ? KrpcMethod.Get
        : name.SequenceEqual("put"u8) ? KrpcMethod.Put
        : name.SequenceEqual("sample_infohashes"u8) ? KrpcMethod.SampleInfohashes
        : KrpcMethod.Unknown;

    public static ReadOnlySpan<byte> Name(KrpcMethod method) =>
        method switch
        {
            KrpcMethod.Ping => "ping"u8,
            KrpcMethod.FindNode => "find_node"u8,
            KrpcMethod.GetPeers => "get_peers"u8,
            KrpcMethod.AnnouncePeer => "announce_peer"u8,
            KrpcMethod.Get => "get"u8,
            KrpcMethod.Put => "put"u8,
            KrpcMethod.SampleInfohashes => "sample_infohashes"u8,
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, "has no name"),
        };

    public static bool UsesInfoHash(KrpcMethod method) => method is KrpcMethod.GetPeers or KrpcMethod.AnnouncePeer;

    public static bool NeedsTarget(KrpcMethod method) =>
        method is not (KrpcMethod.Ping or KrpcMethod.Put or KrpcMethod.Unknown);
}
