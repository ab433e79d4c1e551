using System.Net;

namespace Shoal.Engine;

/// <summary>A datagram as it came in; the memory is the receiver's only during the call.</summary>
internal readonly record struct ReceivedDatagram(IPEndPoint Source, ReadOnlyMemory<byte> Bytes);

/// <summary>A protocol that shares our UDP port with others.</summary>
internal interface IDatagramProtocol
{
    /// <summary>Whether a datagram is one of this protocol, by its first bytes. Protocols are asked in their order.</summary>
    bool Claims(ReadOnlySpan<byte> datagram);

    /// <summary>
    /// Datagrams of one socket that came in together. Several sockets may call at once. Must not wait: what there is no
    /// room for is dropped.
    /// </summary>
    void Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch);
}

/// <summary>Where datagrams leave and come in: sockets of ours, or what a proxy does for us.</summary>
internal interface IDatagramPort : IAsyncDisposable
{
    /// <summary>The address of each socket; its index is the socket's number.</summary>
    IReadOnlyList<IPEndPoint> LocalEndPoints { get; }

    /// <summary>The port, the same for all sockets.</summary>
    int Port { get; }

    /// <summary>Begins to receive; once.</summary>
    void Start(params IDatagramProtocol[] protocols);

    /// <summary>Sends at once or not at all: false when the system has no room or no way there. Any thread.</summary>
    bool TrySend(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram);
}
