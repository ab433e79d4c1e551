namespace Shoal.Protocol;

/// <summary>What is to be done next with the connection to a proxy.</summary>
public enum ProxyStep
{
    /// <summary>Wait for more bytes of it.</summary>
    NeedMore,

    /// <summary>Send <see cref="ProxyNegotiation.ToSend"/>, then wait for more bytes.</summary>
    Send,

    /// <summary>What comes now is the target's.</summary>
    Connected,

    /// <summary>See <see cref="ProxyNegotiation.Fault"/>; close the connection.</summary>
    Failed,
}

/// <summary>
/// What a client and a proxy tell each other before the connection is the target's: bytes in, bytes out. Begins with
/// <see cref="ToSend"/>. Whatever the proxy sends, it ends within a bounded number of bytes.
/// </summary>
public abstract class ProxyNegotiation
{
    /// <summary>The bytes to send now; from the start, and after each <see cref="ProxyStep.Send"/>.</summary>
    public ReadOnlyMemory<byte> ToSend { get; protected set; }

    public ProxyFault Fault { get; private set; }

    /// <summary>Takes bytes of the proxy.</summary>
    /// <param name="input">What has come in and was not used before.</param>
    /// <param name="used">All of it, except for bytes behind the end: those are the target's.</param>
    public abstract ProxyStep Take(ReadOnlySpan<byte> input, out int used);

    protected ProxyStep Fail(ProxyFault fault)
    {
        Fault = fault;
        return ProxyStep.Failed;
    }
}
