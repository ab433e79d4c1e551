using System.Buffers.Binary;

namespace Shoal.Protocol;

/// <summary>The side that called: it knows which torrent it wants, and speaks first.</summary>
public sealed class MseCaller : MseHandshake
{
    private readonly InfoHash _name;
    private readonly CryptoMethods _offered;
    private readonly byte[] _payload;
    private Step _step;
    private int _padding;

    /// <param name="name">The torrent's name; the peer must know it to read anything.</param>
    /// <param name="offered">What we allow for what follows; at least one.</param>
    /// <param name="payload">Sent encrypted with the handshake, whatever is agreed on: saves a round trip. May be empty.</param>
    /// <param name="secrets">Of this handshake only.</param>
    public MseCaller(InfoHash name, CryptoMethods offered, ReadOnlySpan<byte> payload, MseSecrets secrets)
        : base(secrets)
    {
        _name = name;
        _offered = offered;
        _payload = payload.ToArray();
        SendPublicKey();
    }

    private enum Step
    {
        PublicKey,
        Verification,
        Choice,
        Padding,
    }

    private protected override bool Proceed()
    {
        switch (_step)
        {
            case Step.PublicKey when TryTakePublicKey():
                SendRequest();
                _step = Step.Verification;
                return true;
            case Step.Verification:
                return TryTakeVerification();
            case Step.Choice:
                return TryTakeChoice();
            case Step.Padding when TrySkipEncrypted(_padding):
                Finish();
                return false;
            default:
                return false;
        }
    }

    private void SendRequest()
    {
        Send(MseHashes.Req1(Secret).Span);
        Send(MseHashes.Mask(MseHashes.Req2(_name), Secret).Span);
        Sending = MseHashes.CallersCipher(Secret, _name);
        Receiving = MseHashes.AnswerersCipher(Secret, _name);
        SendHeader(_offered);
        Span<byte> length = stackalloc byte[MseSizes.PayloadLength];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)_payload.Length);
        SendEncrypted(length);
        SendEncrypted(_payload);
    }

    private bool TryTakeVerification()
    {
        // The constant is zeros, so encrypted it is the first of the peer's stream: a second cipher shows it while the
        // first waits for the place.
        Span<byte> expected = stackalloc byte[MseSizes.Verification];
        expected.Clear();
        MseHashes.AnswerersCipher(Secret, _name).Apply(expected);
        if (!TryTakeUpTo(expected))
        {
            return false;
        }

        Receiving.Apply(expected);
        _step = Step.Choice;
        return true;
    }

    private bool TryTakeChoice()
    {
        Span<byte> choice = stackalloc byte[MseSizes.Header - MseSizes.Verification];
        if (!TryTakeEncrypted(choice))
        {
            return false;
        }

        Method = (CryptoMethods)BinaryPrimitives.ReadUInt32BigEndian(choice);
        // MSE: crypto_select names one method of those in crypto_provide.
        if (Method is not (CryptoMethods.Plaintext or CryptoMethods.Rc4) || (Method & _offered) == 0)
        {
            Fault = MseFault.NoCommonMethod;
            return false;
        }

        _padding = ReadPaddingLength(choice[4..]);
        _step = Step.Padding;
        return true;
    }
}
