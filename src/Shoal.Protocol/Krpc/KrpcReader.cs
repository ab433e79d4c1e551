using System.Net;
using System.Net.Sockets;

namespace Shoal.Protocol;

/// <summary>What became of a datagram.</summary>
public enum KrpcReadStatus : byte
{
    Ok,

    /// <summary>Nothing that could be answered or matched: to be dropped without a word.</summary>
    Malformed,

    /// <summary>A query with a transaction id that lacks what its method needs: worth an error 203.</summary>
    BadQuery,
}

/// <summary>Reads the datagrams of the DHT. Never throws on what the network brings.</summary>
public static class KrpcReader
{
    /// <summary>
    /// Longest datagram that is looked at, in bytes. BEP 32 has 1024 as the most that may be sent and asks to
    /// receive more "in the interest of robustness"; more than this does not fit a common link.
    /// </summary>
    public const int MaxDatagram = 1500;

    /// <summary>Contacts read from one answer: twice the K that there should be. More are left out.</summary>
    public const int MaxContacts = 16;

    /// <summary>Peers read from one answer; as many as fit a datagram.</summary>
    public const int MaxValues = 200;

    private const int MaxTransactionId = 32;
    private const int MaxToken = 128;

    // The most values that a datagram can hold: each takes two bytes or more.
    private const int TableSize = MaxDatagram / 2 + 1;

    /// <summary>Reads one datagram.</summary>
    /// <param name="datagram">What came in; may be reused after the call.</param>
    /// <param name="message">Null unless Ok.</param>
    /// <param name="badQuery">The transaction id to answer an error to, when BadQuery.</param>
    public static KrpcReadStatus Read(ReadOnlySpan<byte> datagram, out KrpcMessage? message, out byte[] badQuery)
    {
        message = null;
        badQuery = [];
        if (datagram.Length > MaxDatagram)
        {
            return KrpcReadStatus.Malformed;
        }

        Span<BencodeToken> table = stackalloc BencodeToken[TableSize];
        if (
            !Bencode.TryParse(datagram, table, BencodeMode.Lenient, out var root, out _, allowTrailing: true)
            || !root.IsDictionary
        )
        {
            return KrpcReadStatus.Malformed;
        }

        var kind = root.Find("y"u8);
        var transaction = root.Find("t"u8);
        var version = root.Find("v"u8);
        // BEP 5: "Every message has a key "t" with a string value representing a transaction ID."
        if (transaction.Bytes.Length is 0 or > MaxTransactionId || kind.Bytes.Length != 1)
        {
            return KrpcReadStatus.Malformed;
        }

        var envelope = new Envelope(
            transaction.Bytes.ToArray(),
            version.Bytes.Length <= 16 ? version.Bytes.ToArray() : [],
            NodeContact.TryReadEndPoint(root.Find("ip"u8).Bytes, out var yours) ? yours : null
        );
        message = kind.Bytes[0] switch
        {
            (byte)'q' => ReadQuery(envelope, root),
            (byte)'r' => ReadResponse(envelope, root.Find("r"u8)),
            (byte)'e' => ReadError(envelope, root.Find("e"u8)),
            _ => null,
        };
        if (message is not null)
        {
            return KrpcReadStatus.Ok;
        }

        if (kind.Bytes[0] != (byte)'q')
        {
            return KrpcReadStatus.Malformed;
        }

        badQuery = envelope.TransactionId;
        return KrpcReadStatus.BadQuery;
    }

    private readonly record struct Envelope(byte[] TransactionId, byte[] Version, IPEndPoint? YourEndPoint);

    private static KrpcQuery? ReadQuery(Envelope envelope, BencodeNode root)
    {
        var method = KrpcMethods.Parse(root.Find("q"u8).Bytes);
        var body = root.Find("a"u8);
        if (!TryReadId(body.Find("id"u8), out var id))
        {
            return null;
        }

        var target =
            TryReadId(body.Find(KrpcMethods.UsesInfoHash(method) ? "info_hash"u8 : "target"u8), out var wanted) ? wanted
            : method == KrpcMethod.Unknown && TryReadId(body.Find("info_hash"u8), out var hash) ? hash
            : (NodeId?)null;
        if (target is null && KrpcMethods.NeedsTarget(method))
        {
            return null;
        }

        var want = KrpcWant.None;
        foreach (var flag in body.Find("want"u8).Elements)
        {
            // BEP 32: "other strings may be present in the list, and must be silently ignored on reception."
            want |=
                flag.Bytes.SequenceEqual("n4"u8) ? KrpcWant.IPv4
                : flag.Bytes.SequenceEqual("n6"u8) ? KrpcWant.IPv6
                : KrpcWant.None;
        }

        var token = body.Find("token"u8).Bytes;
        var value = body.Find("v"u8);
        KrpcSignature? signature = null;
        if (method == KrpcMethod.Put && !TryReadPut(body, value, out signature))
        {
            return null;
        }

        var port = body.Find("port"u8).IntegerOr(0);
        return new KrpcQuery
        {
            TransactionId = envelope.TransactionId,
            Version = envelope.Version,
            Method = method,
            Id = id,
            Target = target,
            IsReadOnly = root.Find("ro"u8).IntegerOr(0) == 1,
            Want = want,
            Token = token.Length <= MaxToken ? token.ToArray() : [],
            Port = port is > 0 and <= 65535 ? (int)port : 0,
            // BEP 5: "If it is present and non-zero, the port argument should be ignored".
            ImpliedPort = body.Find("implied_port"u8).IntegerOr(0) != 0,
            // BEP 33: "if no seed key was present or the value was not 1 then it should assume that the announcing
            // node is a peer."
            IsSeed = body.Find("seed"u8).IntegerOr(0) == 1,
            NoSeeds = body.Find("noseed"u8).IntegerOr(0) == 1,
            Scrape = body.Find("scrape"u8).IntegerOr(0) == 1,
            Value = value.Exists ? value.Raw.ToArray() : null,
            Signature = signature,
            Salt = body.Find("salt"u8).Bytes.ToArray(),
            CompareAndSwap = body.Find("cas"u8).TryGetInteger(out var cas) ? cas : null,
            KnownSequence =
                method == KrpcMethod.Get && body.Find("seq"u8).TryGetInteger(out var sequence) ? sequence : null,
        };
    }

    // False when the value is missing or not canonical, or when only some of the parts of a mutable item are there.
    private static bool TryReadPut(BencodeNode body, BencodeNode value, out KrpcSignature? signature)
    {
        signature = null;
        // BEP 44: "If the value in a put request contains invalid bencoding (e.g. a dictionary with unsorted keys),
        // the storing node MUST reject the request and SHOULD return an error message with code 203."
        Span<BencodeToken> table = stackalloc BencodeToken[TableSize];
        if (!value.Exists || !Bencode.TryParse(value.Raw, table, BencodeMode.Strict, out _, out _))
        {
            return false;
        }

        signature = ReadSignature(body);
        return signature is not null || !body.Find("k"u8).Exists && !body.Find("sig"u8).Exists;
    }

    private static KrpcSignature? ReadSignature(BencodeNode body)
    {
        var key = body.Find("k"u8).Bytes;
        var signature = body.Find("sig"u8).Bytes;
        return key.Length == 32 && signature.Length == 64 && body.Find("seq"u8).TryGetInteger(out var sequence)
            ? new KrpcSignature(key.ToArray(), sequence, signature.ToArray())
            : null;
    }

    private static KrpcResponse? ReadResponse(Envelope envelope, BencodeNode body)
    {
        if (!TryReadId(body.Find("id"u8), out var id))
        {
            return null;
        }

        var token = body.Find("token"u8).Bytes;
        var value = body.Find("v"u8);
        return new KrpcResponse
        {
            TransactionId = envelope.TransactionId,
            Version = envelope.Version,
            YourEndPoint = envelope.YourEndPoint,
            Id = id,
            Nodes = ReadContacts(body.Find("nodes"u8), AddressFamily.InterNetwork),
            Nodes6 = ReadContacts(body.Find("nodes6"u8), AddressFamily.InterNetworkV6),
            Token = token.Length <= MaxToken ? token.ToArray() : [],
            Values = ReadValues(body.Find("values"u8)),
            SeedFilter = ReadFilter(body.Find("BFsd"u8)),
            PeerFilter = ReadFilter(body.Find("BFpe"u8)),
            Value = value.Exists ? value.Raw.ToArray() : null,
            Signature = ReadSignature(body),
            Sequence = body.Find("seq"u8).TryGetInteger(out var sequence) ? sequence : null,
            Samples = ReadSamples(body),
        };
    }

    private static KrpcError? ReadError(Envelope envelope, BencodeNode body)
    {
        // BEP 5: "The first element is an integer representing the error code. The second element is a string".
        var elements = body.Elements;
        if (!elements.MoveNext() || !elements.Current.TryGetInteger(out var code))
        {
            return null;
        }

        var text = elements.MoveNext() ? elements.Current.TextOrNull() ?? "" : "";
        return new KrpcError
        {
            TransactionId = envelope.TransactionId,
            Version = envelope.Version,
            YourEndPoint = envelope.YourEndPoint,
            Code = code is > int.MinValue and < int.MaxValue ? (KrpcErrorCode)code : KrpcErrorCode.Generic,
            Message = MakePrintable(text.Length > 200 ? text[..200] : text),
        };
    }

    private static string MakePrintable(string text) =>
        string.Create(
            text.Length,
            text,
            static (to, from) =>
            {
                for (var i = 0; i < from.Length; i++)
                {
                    to[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
                }
            }
        );

    private static bool TryReadId(BencodeNode node, out NodeId id)
    {
        var ok = node.Bytes.Length == NodeId.Size;
        id = ok ? new NodeId(node.Bytes) : default;
        return ok;
    }

    private static List<NodeContact>? ReadContacts(BencodeNode node, AddressFamily family) =>
        node.TryGetBytes(out var bytes) ? NodeContact.ReadList(bytes, family, MaxContacts) : null;

    private static List<IPEndPoint>? ReadValues(BencodeNode node)
    {
        if (!node.IsList)
        {
            return null;
        }

        var result = new List<IPEndPoint>(Math.Min(node.Count, MaxValues));
        foreach (var element in node.Elements)
        {
            // BEP 32: "Implementations of this specification must be able to properly parse hybrid "values" lists".
            if (result.Count < MaxValues && NodeContact.TryReadEndPoint(element.Bytes, out var endPoint))
            {
                result.Add(endPoint);
            }
        }

        return result;
    }

    private static byte[]? ReadFilter(BencodeNode node) => node.Bytes.Length == 256 ? node.Bytes.ToArray() : null;

    private static KrpcSamples? ReadSamples(BencodeNode body)
    {
        if (!body.Find("samples"u8).TryGetBytes(out var bytes))
        {
            return null;
        }

        var hashes = new List<InfoHash>(bytes.Length / InfoHash.Size);
        for (; bytes.Length >= InfoHash.Size; bytes = bytes[InfoHash.Size..])
        {
            hashes.Add(new InfoHash(bytes[..InfoHash.Size]));
        }

        // BEP 51: "The the permissible range is between 0 and 21600 seconds (inclusive)."
        var interval = (int)Math.Clamp(body.Find("interval"u8).IntegerOr(0), 0, 21600);
        return new KrpcSamples(interval, Math.Max(body.Find("num"u8).IntegerOr(0), 0), hashes);
    }
}
