using System.Net;

namespace Shoal.Engine;

/// <summary>
/// A datagram as it came in; the memory is the receiver's only during the call. The source may be kept: datagrams of one
/// sender usually share the object, so nobody changes it.
/// </summary>
internal readonly record struct ReceivedDatagram(IPEndPoint Source, ReadOnlyMemory<byte> Bytes);

/// <summary>A protocol that shares our UDP port with others.</summary>
internal interface IDatagramProtocol
{
    /// <summary>Whether a datagram is one of this protocol, by its first bytes. Protocols are asked in their order.</summary>
    bool Claims(ReadOnlySpan<byte> datagram);

    /// <summary>
    /// Datagrams of one socket that came in together, up to a thousand. Several sockets may call at once. Must not wait:
    /// what there is no room for is dropped.
    /// </summary>
    void Receive(int socket, ReadOnlySpan<ReceivedDatagram> batch);

    /// <summary>
    /// There is room again after <see cref="IDatagramPort.Send"/> took less than all; a millisecond late at most. Any
    /// thread; must not wait.
    /// </summary>
    void HasRoom(int socket) { }
}

/// <summary>What became of a datagram that must not be cut up.</summary>
internal enum ProbeOutcome
{
    /// <summary>It left. Whether it arrives the other end must say.</summary>
    Sent,

    /// <summary>It is longer than the first link takes, or this system cannot keep datagrams whole.</summary>
    TooLong,

    /// <summary>No room, no route: that says nothing about its length.</summary>
    NotSent,
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

    /// <summary>Sends at once or not at all: false when the system has no room. Any thread.</summary>
    bool TrySend(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram) =>
        Send(socket, to, datagram, datagram.Length) == 1;

    /// <summary>
    /// Sends datagrams that lie one after the other in memory, as many as there is room for: much cheaper than one by
    /// one. Any thread.
    /// </summary>
    /// <param name="socket">By which.</param>
    /// <param name="to">Where to, of the socket's family.</param>
    /// <param name="datagrams">The datagrams.</param>
    /// <param name="segmentSize">Bytes of each, at least 1; the last may be shorter.</param>
    /// <returns>
    /// How many were taken. If fewer than all, <see cref="IDatagramProtocol.HasRoom"/> tells when to go on. One that is
    /// taken may be lost, in this machine (no route, a firewall) as on the way.
    /// </returns>
    int Send(int socket, IPEndPoint to, ReadOnlySpan<byte> datagrams, int segmentSize);

    /// <summary>
    /// Sends a datagram that no router may cut up, whatever the system believes about the path, to find out how long
    /// datagrams may be. Dearer than <see cref="Send"/>. Any thread.
    /// </summary>
    ProbeOutcome Probe(int socket, IPEndPoint to, ReadOnlySpan<byte> datagram);

    /// <summary>
    /// The longest datagram that leaves this machine in one packet on the way there, as the system knows it: the link's,
    /// or less when a router has complained. Some microseconds. 0: unknown.
    /// </summary>
    int MaxDatagram(int socket, IPAddress to);
}
