namespace Shoal.Protocol;

/// <summary>What a side of an encrypted handshake offers, or chooses, for what follows it.</summary>
[Flags]
public enum CryptoMethods : uint
{
    None = 0,

    /// <summary>MSE: 0x01. Only the handshake is hidden.</summary>
    Plaintext = 1,

    /// <summary>MSE: 0x02. Everything is hidden.</summary>
    Rc4 = 2,
}

/// <summary>Why an encrypted handshake failed.</summary>
public enum MseFault
{
    None,

    /// <summary>The peer's public key makes the secret predictable.</summary>
    BadKey,

    /// <summary>What must follow the padding did not come within the longest padding.</summary>
    NoSynchronisation,

    /// <summary>The torrent it asks for is none of ours.</summary>
    UnknownTorrent,

    /// <summary>The verification constant is not zero: another torrent's key, or garbage.</summary>
    BadVerification,

    PaddingTooLong,

    /// <summary>Nothing that both sides allow, or an answer that was not offered.</summary>
    NoCommonMethod,
}

/// <summary>Sizes of an encrypted handshake.</summary>
internal static class MseSizes
{
    /// <summary>MSE: PadA and PadB are 0 to 512 random bytes; PadC and PadD have the same bounds.</summary>
    public const int MaxPadding = 512;

    /// <summary>MSE: VC, eight zeros, which encrypted prove that the other side knows the secret and the torrent.</summary>
    public const int Verification = 8;

    /// <summary>Verification constant, crypto_provide or crypto_select, length of the padding.</summary>
    public const int Header = Verification + 4 + 2;

    /// <summary>Length of the initial payload, after the padding.</summary>
    public const int PayloadLength = 2;

    /// <summary>The longest handshake that either side can send, without the initial payload.</summary>
    public const int Longest =
        DiffieHellman.KeySize + MaxPadding + Sha1Digest.Size * 2 + Header + MaxPadding + PayloadLength;
}
