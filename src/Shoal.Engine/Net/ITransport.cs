namespace Shoal.Engine;

/// <summary>What carries the bytes of a connection.</summary>
public enum TransportKind
{
    Tcp,

    /// <summary>BEP 29, over UDP.</summary>
    Utp,

    /// <summary>BEP 19: no peer, but a web seed.</summary>
    Http,
}

/// <summary>How the bytes of a connection are hidden from those in between.</summary>
public enum StreamEncryption
{
    None,

    /// <summary>Message stream encryption for the handshake only.</summary>
    Header,

    /// <summary>Message stream encryption of everything.</summary>
    Rc4,

    /// <summary>TLS, between peers that have proven who they are.</summary>
    Tls,
}

/// <summary>
/// A duplex stream of bytes to one peer: TCP, or whatever else carries one. Used by one reader and one writer at a
/// time. A failure of the network is a <see cref="IOException"/> or SocketException.
/// </summary>
internal interface ITransport : IDisposable
{
    TransportKind Kind { get; }

    StreamEncryption Encryption { get; }

    /// <summary>
    /// Receives into the buffer; 0 means the peer has ended its side. With an empty buffer it completes, with 0,
    /// once a receive would not wait, so that a quiet connection needs no memory.
    /// </summary>
    ValueTask<int> ReceiveAsync(Memory<byte> buffer);

    /// <summary>
    /// Sends all of the segments, in order. The list and its memory stay untouched by others until it completes, and
    /// what the memory holds afterwards is undefined: encryption is done in place.
    /// </summary>
    ValueTask SendAsync(List<ArraySegment<byte>> segments);

    /// <summary>
    /// A send is to complete only when less than this waits to leave the machine, so that what is more urgent finds little
    /// ahead of it. In bytes; what a transport cannot do it leaves.
    /// </summary>
    void LimitUnsent(int bytes) { }

    /// <summary>
    /// From the next receive on: one that has to wait is to complete only when so many bytes are there, or there will be none. It is no
    /// promise; what a transport cannot do it leaves.
    /// </summary>
    void AwaitAtLeast(int bytes) { }

    /// <summary>
    /// Ends both directions at once; calls that wait fail soon. May be called from any thread, and repeatedly.
    /// Memory of a call that waits is in use until that call has failed.
    /// </summary>
    void Close();
}
