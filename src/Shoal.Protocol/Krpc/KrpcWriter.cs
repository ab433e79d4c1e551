using System.Buffers;
using System.Net;

namespace Shoal.Protocol;

/// <summary>Writes the datagrams of the DHT.</summary>
public static class KrpcWriter
{
    /// <summary>BEP 32: "must not send UDP datagrams with a payload larger than 1024 octets".</summary>
    public const int MaxDatagram = 1024;

    public static void Write(IBufferWriter<byte> output, KrpcMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        switch (message)
        {
            case KrpcQuery query:
                WriteQuery(output, query);
                break;
            case KrpcResponse response:
                WriteResponse(output, response);
                break;
            case KrpcError error:
                WriteError(output, error);
                break;
        }
    }

    private static void WriteQuery(IBufferWriter<byte> output, KrpcQuery query)
    {
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("a"u8);
        writer.BeginDictionary();
        if (query.CompareAndSwap is { } cas)
        {
            writer.Entry("cas"u8, cas);
        }

        writer.String("id"u8);
        WriteId(writer, query.Id);
        if (query.ImpliedPort)
        {
            writer.Entry("implied_port"u8, 1);
        }

        var usesInfoHash = KrpcMethods.UsesInfoHash(query.Method);
        if (usesInfoHash && query.Target is { } infoHash)
        {
            writer.String("info_hash"u8);
            WriteId(writer, infoHash);
        }

        if (query.Signature is { } signature)
        {
            writer.Entry("k"u8, signature.PublicKey);
        }

        if (query.NoSeeds)
        {
            writer.Entry("noseed"u8, 1);
        }

        if (query.Method == KrpcMethod.AnnouncePeer)
        {
            writer.Entry("port"u8, query.Port);
        }

        if (query.Salt.Length > 0)
        {
            writer.Entry("salt"u8, query.Salt);
        }

        if (query.Scrape)
        {
            writer.Entry("scrape"u8, 1);
        }

        if (query.IsSeed)
        {
            writer.Entry("seed"u8, 1);
        }

        if ((query.Signature?.Sequence ?? query.KnownSequence) is { } sequence)
        {
            writer.Entry("seq"u8, sequence);
        }

        if (query.Signature is not null)
        {
            writer.Entry("sig"u8, query.Signature.Signature);
        }

        if (!usesInfoHash && query.Target is { } target)
        {
            writer.String("target"u8);
            WriteId(writer, target);
        }

        if (query.Token.Length > 0)
        {
            writer.Entry("token"u8, query.Token);
        }

        if (query.Value is not null)
        {
            writer.String("v"u8);
            writer.Raw(query.Value);
        }

        if (query.Want != KrpcWant.None)
        {
            writer.String("want"u8);
            writer.BeginList();
            if (query.Want.HasFlag(KrpcWant.IPv4))
            {
                writer.String("n4"u8);
            }

            if (query.Want.HasFlag(KrpcWant.IPv6))
            {
                writer.String("n6"u8);
            }

            writer.End();
        }

        writer.End();
        writer.Entry("q"u8, KrpcMethods.Name(query.Method));
        if (query.IsReadOnly)
        {
            // BEP 43: "This will appear in the request as '2:roi1e'."
            writer.Entry("ro"u8, 1);
        }

        WriteTail(writer, query, "q"u8);
    }

    private static void WriteResponse(IBufferWriter<byte> output, KrpcResponse response)
    {
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        WriteYourEndPoint(writer, response.YourEndPoint);
        writer.String("r"u8);
        writer.BeginDictionary();
        if (response.PeerFilter is not null)
        {
            writer.Entry("BFpe"u8, response.PeerFilter);
        }

        if (response.SeedFilter is not null)
        {
            writer.Entry("BFsd"u8, response.SeedFilter);
        }

        writer.String("id"u8);
        WriteId(writer, response.Id);
        if (response.Samples is not null)
        {
            writer.Entry("interval"u8, response.Samples.IntervalSeconds);
        }

        if (response.Signature is not null)
        {
            writer.Entry("k"u8, response.Signature.PublicKey);
        }

        WriteContacts(output, "nodes"u8, response.Nodes, NodeContact.SizeIPv4);
        WriteContacts(output, "nodes6"u8, response.Nodes6, NodeContact.SizeIPv6);
        if (response.Samples is not null)
        {
            writer.Entry("num"u8, response.Samples.Total);
            writer.String("samples"u8);
            writer.Length(response.Samples.InfoHashes.Count * InfoHash.Size);
            foreach (var hash in response.Samples.InfoHashes)
            {
                output.Write(hash.Span);
            }
        }

        if ((response.Signature?.Sequence ?? response.Sequence) is { } sequence)
        {
            writer.Entry("seq"u8, sequence);
        }

        if (response.Signature is not null)
        {
            writer.Entry("sig"u8, response.Signature.Signature);
        }

        if (response.Token.Length > 0)
        {
            writer.Entry("token"u8, response.Token);
        }

        if (response.Value is not null)
        {
            writer.String("v"u8);
            writer.Raw(response.Value);
        }

        if (response.Values is not null)
        {
            writer.String("values"u8);
            writer.BeginList();
            Span<byte> bytes = stackalloc byte[18];
            foreach (var peer in response.Values)
            {
                NodeContact.WriteEndPoint(peer, bytes);
                writer.String(bytes[..NodeContact.EndPointSize(peer)]);
            }

            writer.End();
        }

        writer.End();
        WriteTail(writer, response, "r"u8);
    }

    private static void WriteError(IBufferWriter<byte> output, KrpcError error)
    {
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.String("e"u8);
        writer.BeginList();
        writer.Integer((int)error.Code);
        writer.String(error.Message);
        writer.End();
        WriteYourEndPoint(writer, error.YourEndPoint);
        WriteTail(writer, error, "e"u8);
    }

    private static void WriteTail(BencodeWriter writer, KrpcMessage message, ReadOnlySpan<byte> kind)
    {
        writer.Entry("t"u8, message.TransactionId);
        if (message.Version.Length > 0)
        {
            writer.Entry("v"u8, message.Version);
        }

        writer.Entry("y"u8, kind);
        writer.End();
    }

    private static void WriteId(BencodeWriter writer, NodeId id)
    {
        Span<byte> bytes = stackalloc byte[NodeId.Size];
        id.CopyTo(bytes);
        writer.String(bytes);
    }

    // BEP 42: "It is important that the ip field is in the top level dictionary."
    private static void WriteYourEndPoint(BencodeWriter writer, IPEndPoint? endPoint)
    {
        if (endPoint is null)
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[18];
        NodeContact.WriteEndPoint(endPoint, bytes);
        writer.Entry("ip"u8, bytes[..NodeContact.EndPointSize(endPoint)]);
    }

    private static void WriteContacts(
        IBufferWriter<byte> output,
        ReadOnlySpan<byte> key,
        IReadOnlyList<NodeContact>? contacts,
        int size
    )
    {
        if (contacts is null)
        {
            return;
        }

        var writer = new BencodeWriter(output);
        writer.String(key);
        writer.Length(contacts.Count * size);
        foreach (var contact in contacts)
        {
            contact.WriteTo(output.GetSpan(size));
            output.Advance(size);
        }
    }
}
