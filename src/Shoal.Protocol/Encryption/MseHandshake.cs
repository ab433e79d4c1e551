using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// One side of an encrypted handshake (message stream encryption), as bytes in and bytes out: receive into
/// <see cref="Room"/>, tell <see cref="Received"/>, send <see cref="TakeOutput"/>, until <see cref="IsDone"/> or
/// <see cref="Fault"/>. Its memory is fixed, and so are the bytes it reads before it decides.
/// </summary>
public abstract class MseHandshake
{
    private readonly byte[] _input = new byte[MseSizes.Longest];
    private readonly List<byte> _output = [];
    private int _start;
    private int _end;

    private protected MseHandshake(MseSecrets secrets)
    {
        Secrets = secrets;
    }

    public MseFault Fault { get; private protected set; }

    /// <summary>Both sides know all; what is left of the input is the first of what follows.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What both sides agreed on.</summary>
    public CryptoMethods Method { get; private protected set; }

    /// <summary>Where to receive into: never empty before the end.</summary>
    public Memory<byte> Room => _input.AsMemory(_end);

    /// <summary>After the end: what was received beyond the handshake, as it came.</summary>
    public ReadOnlyMemory<byte> Rest => _input.AsMemory(_start, _end - _start);

    /// <summary>After the end: continues our stream.</summary>
    public Rc4 Sending { get; private protected set; } = null!;

    /// <summary>After the end: continues the peer's stream.</summary>
    public Rc4 Receiving { get; private protected set; } = null!;

    /// <summary>
    /// After the end, where <see cref="Method"/> is plaintext: bytes of the peer's stream that are still encrypted.
    /// </summary>
    public int StillEncrypted { get; private protected set; }

    private protected MseSecrets Secrets { get; }

    private protected byte[] Secret { get; } = new byte[DiffieHellman.KeySize];

    private protected ReadOnlySpan<byte> Input => _input.AsSpan(_start, _end - _start);

    /// <summary>So many bytes are in <see cref="Room"/> now. May leave something to send, at the end and at a fault too.</summary>
    public void Received(int count)
    {
        _end += count;
        while (Fault == MseFault.None && !IsDone && Proceed()) { }
    }

    /// <summary>What is to be sent now; empty: nothing.</summary>
    public byte[] TakeOutput()
    {
        var output = _output.ToArray();
        _output.Clear();
        return output;
    }

    /// <summary>One step; false when it needs more input.</summary>
    private protected abstract bool Proceed();

    private protected void Take(int count) => _start += count;

    private protected void Send(ReadOnlySpan<byte> bytes) => _output.AddRange(bytes);

    private protected void SendEncrypted(ReadOnlySpan<byte> bytes)
    {
        var copy = bytes.ToArray();
        Sending.Apply(copy);
        _output.AddRange(copy);
    }

    private protected void SendPublicKey()
    {
        Span<byte> key = stackalloc byte[DiffieHellman.KeySize];
        DiffieHellman.PublicKey(Secrets.Exponent, key);
        Send(key);
        Send(Secrets.Padding);
    }

    /// <summary>VC, crypto_provide or crypto_select, the length of the padding, the padding.</summary>
    private protected void SendHeader(CryptoMethods methods)
    {
        Span<byte> header = stackalloc byte[MseSizes.Header + MseSizes.MaxPadding];
        header.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(header[MseSizes.Verification..], (uint)methods);
        BinaryPrimitives.WriteUInt16BigEndian(header[(MseSizes.Header - 2)..], (ushort)Secrets.SecondPadding);
        SendEncrypted(header[..(MseSizes.Header + Secrets.SecondPadding)]);
    }

    /// <summary>Takes the peer's key, if it is there, and computes the secret.</summary>
    private protected bool TryTakePublicKey()
    {
        if (Input.Length < DiffieHellman.KeySize)
        {
            return false;
        }

        if (!DiffieHellman.TrySharedSecret(Input[..DiffieHellman.KeySize], Secrets.Exponent, Secret))
        {
            Fault = MseFault.BadKey;
            return false;
        }

        Take(DiffieHellman.KeySize);
        return true;
    }

    /// <summary>Takes the input up to and with the pattern, which comes after padding of unknown length.</summary>
    private protected bool TryTakeUpTo(ReadOnlySpan<byte> pattern)
    {
        // MSE: the length of PadA is not told, so B looks for HASH('req1', S), and A likewise for the encrypted constant.
        // Beyond the longest padding it cannot come any more.
        var window = Input[..Math.Min(Input.Length, MseSizes.MaxPadding + pattern.Length)];
        var at = window.IndexOf(pattern);
        if (at < 0)
        {
            Fault = window.Length == MseSizes.MaxPadding + pattern.Length ? MseFault.NoSynchronisation : Fault;
            return false;
        }

        Take(at + pattern.Length);
        return true;
    }

    /// <summary>Takes and decrypts; false when not all of it is there.</summary>
    private protected bool TryTakeEncrypted(Span<byte> into)
    {
        if (Input.Length < into.Length)
        {
            return false;
        }

        Input[..into.Length].CopyTo(into);
        Receiving.Apply(into);
        Take(into.Length);
        return true;
    }

    /// <summary>The length of the peer's second padding, or a fault.</summary>
    private protected int ReadPaddingLength(ReadOnlySpan<byte> bytes)
    {
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes);
        // MSE: PadC and PadD are 0 to 512 bytes long.
        Fault = length > MseSizes.MaxPadding ? MseFault.PaddingTooLong : Fault;
        return length;
    }

    private protected bool TrySkipEncrypted(int count)
    {
        Span<byte> nothing = stackalloc byte[MseSizes.MaxPadding];
        return TryTakeEncrypted(nothing[..count]);
    }

    private protected void Finish() => IsDone = true;
}
