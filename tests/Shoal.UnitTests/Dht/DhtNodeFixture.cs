using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Shoal.Engine;
using Shoal.Protocol;

namespace Shoal.UnitTests;

/// <summary>One node, its time, and what it wants to send.</summary>
public abstract class DhtNodeFixture
{
    private protected static readonly IPEndPoint Stranger = new(IPAddress.Parse("8.8.1.1"), 4000);

    private protected DhtRandom Random { get; } = new([.. Enumerable.Repeat((byte)7, 32)]);
    private protected DhtEffects Effects { get; } = new();
    private protected TimeSpan Now { get; set; } = TimeSpan.FromSeconds(100);

    private protected Dht NewDht(SignatureVerifier? verify = null, bool isReadOnly = false)
    {
        var seed = new byte[DhtRandom.SeedSize];
        return new Dht(new DhtLimits(), seed, [AddressFamily.InterNetwork], verify, isReadOnly, [], Now);
    }

    private protected KrpcQuery Query(
        KrpcMethod method,
        NodeId? target,
        byte[]? token = null,
        int port = 0,
        bool scrape = false,
        bool isReadOnly = false,
        long? knownSequence = null
    ) =>
        new()
        {
            TransactionId = [1, 2],
            Id = Random.NextNodeId(),
            Method = method,
            Target = target,
            Token = token ?? [],
            Port = port,
            Scrape = scrape,
            IsReadOnly = isReadOnly,
            KnownSequence = knownSequence,
        };

    private protected KrpcQuery Put(DhtItem item, byte[] token) =>
        new()
        {
            TransactionId = [1, 2],
            Id = Random.NextNodeId(),
            Method = KrpcMethod.Put,
            Value = item.Value,
            Signature = item.Signature,
            Salt = item.Salt,
            Token = token,
        };

    private protected T Ask<T>(Dht dht, KrpcQuery query, IPAddress? from = null)
        where T : KrpcMessage
    {
        Effects.Clear();
        var source = from is null ? Stranger : new IPEndPoint(from, 4000);
        Send(dht, query, source);
        var answer = Assert.Single(Effects.Datagrams);
        Assert.Equal(source, answer.To);
        Assert.Equal(KrpcReadStatus.Ok, KrpcReader.Read(answer.Bytes, out var message, out _));
        Effects.Clear();
        return Assert.IsType<T>(message);
    }

    private protected List<(IPEndPoint To, KrpcQuery Query)> TakeQueries()
    {
        var result = new List<(IPEndPoint, KrpcQuery)>();
        foreach (var datagram in Effects.Datagrams)
        {
            KrpcReader.Read(datagram.Bytes, out var message, out _);
            if (message is KrpcQuery query)
            {
                result.Add((datagram.To, query));
            }
        }

        Effects.Clear();
        return result;
    }

    private protected void Send(Dht dht, KrpcMessage message, IPEndPoint from) => Send(dht, Encode(message), from);

    private protected void Send(Dht dht, byte[] datagram, IPEndPoint from) =>
        dht.Receive(0, from, datagram, Now, Effects);

    private protected static byte[] Encode(KrpcMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        KrpcWriter.Write(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }
}
