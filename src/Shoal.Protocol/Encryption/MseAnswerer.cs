using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>
/// The side that was called: learns which torrent the caller wants by one look into a table, so that an unknown torrent
/// costs what a known one costs.
/// </summary>
public sealed class MseAnswerer : MseHandshake
{
    private readonly Func<Sha1Digest, InfoHash?> _find;
    private readonly Func<CryptoMethods, CryptoMethods> _choose;
    private Step _step;
    private int _padding;

    /// <param name="find">The name of ours whose <see cref="Alias"/> this is, or null.</param>
    /// <param name="choose">The one method to use of those that the caller offers, or None.</param>
    /// <param name="secrets">Of this handshake only.</param>
    public MseAnswerer(Func<Sha1Digest, InfoHash?> find, Func<CryptoMethods, CryptoMethods> choose, MseSecrets secrets)
        : base(secrets)
    {
        _find = find;
        _choose = choose;
    }

    private enum Step
    {
        PublicKey,
        Synchronisation,
        Name,
        Offer,
        Padding,
        PayloadLength,
    }

    /// <summary>What the caller wants, once it has said so.</summary>
    public InfoHash Name { get; private set; }

    /// <summary>What stands for a torrent in the table of the answering side: a hash that shows nothing of the name.</summary>
    public static Sha1Digest Alias(InfoHash name) => MseHashes.Req2(name);

    private protected override bool Proceed()
    {
        switch (_step)
        {
            case Step.PublicKey when TryTakePublicKey():
                SendPublicKey();
                _step = Step.Synchronisation;
                return true;
            case Step.Synchronisation when TryTakeUpTo(MseHashes.Req1(Secret).Span):
                _step = Step.Name;
                return true;
            case Step.Name:
                return TryTakeName();
            case Step.Offer:
                return TryTakeOffer();
            case Step.Padding when TrySkipEncrypted(_padding):
                _step = Step.PayloadLength;
                return true;
            case Step.PayloadLength:
                return TryTakePayloadLength();
            default:
                return false;
        }
    }

    private bool TryTakeName()
    {
        if (Input.Length < Sha1Digest.Size)
        {
            return false;
        }

        var alias = MseHashes.Mask(new Sha1Digest(Input[..Sha1Digest.Size]), Secret);
        Take(Sha1Digest.Size);
        if (_find(alias) is not { } name)
        {
            Fault = MseFault.UnknownTorrent;
            return false;
        }

        Name = name;
        Sending = MseHashes.AnswerersCipher(Secret, name);
        Receiving = MseHashes.CallersCipher(Secret, name);
        _step = Step.Offer;
        return true;
    }

    private bool TryTakeOffer()
    {
        Span<byte> offer = stackalloc byte[MseSizes.Header];
        if (!TryTakeEncrypted(offer))
        {
            return false;
        }

        if (offer[..MseSizes.Verification].ContainsAnyExcept((byte)0))
        {
            Fault = MseFault.BadVerification;
            return false;
        }

        var offered = (CryptoMethods)BinaryPrimitives.ReadUInt32BigEndian(offer[MseSizes.Verification..]);
        Method = _choose(offered & (CryptoMethods.Plaintext | CryptoMethods.Rc4));
        _padding = ReadPaddingLength(offer[(MseSizes.Header - 2)..]);
        Fault = Method == CryptoMethods.None ? MseFault.NoCommonMethod : Fault;
        _step = Step.Padding;
        return Fault == MseFault.None;
    }

    private bool TryTakePayloadLength()
    {
        Span<byte> length = stackalloc byte[MseSizes.PayloadLength];
        if (!TryTakeEncrypted(length))
        {
            return false;
        }

        // The initial payload is the begin of the caller's stream, in its own cipher; nobody needs to hold it.
        StillEncrypted = BinaryPrimitives.ReadUInt16BigEndian(length);
        SendHeader(Method);
        Finish();
        return false;
    }
}
