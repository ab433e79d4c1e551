using System.Buffers;
using Shoal.Protocol;

namespace Shoal.Membership;

/// <summary>
/// What a member signs: some bytes, its certificate, and the signature over a purpose and the bytes. In bencode, a dictionary of three
/// strings: <c>certificate</c>, the statement under a name of its own, and <c>signature</c>.
/// </summary>
internal readonly ref struct SignedStatement
{
    private SignedStatement(ReadOnlySpan<byte> certificate, ReadOnlySpan<byte> body, ReadOnlySpan<byte> signature)
    {
        Certificate = certificate;
        Body = body;
        Signature = signature;
    }

    public ReadOnlySpan<byte> Certificate { get; }

    public ReadOnlySpan<byte> Body { get; }

    public ReadOnlySpan<byte> Signature { get; }

    /// <param name="name">Of the statement; in the order of keys between "certificate" and "signature".</param>
    /// <param name="purpose">What is signed begins with it, so that no signature for one purpose is good for another.</param>
    /// <param name="body">What is said.</param>
    /// <param name="identity">Who says it.</param>
    /// <param name="certificate">Of that key, in DER.</param>
    public static byte[] Sign(
        ReadOnlySpan<byte> name,
        ReadOnlySpan<byte> purpose,
        ReadOnlySpan<byte> body,
        MemberIdentity identity,
        ReadOnlySpan<byte> certificate
    )
    {
        ArgumentNullException.ThrowIfNull(identity);
        var output = new ArrayBufferWriter<byte>(body.Length + 1024);
        var writer = new BencodeWriter(output);
        writer.BeginDictionary();
        writer.Entry("certificate"u8, certificate);
        writer.Entry(name, body);
        writer.Entry("signature"u8, identity.Sign((byte[])[.. purpose, .. body]));
        writer.End();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Takes it apart; nothing is proven yet.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> encoded,
        ReadOnlySpan<byte> name,
        int maxLength,
        out SignedStatement statement
    )
    {
        statement = default;
        // On the heap: what is read leads back to it.
        Span<BencodeToken> table = new BencodeToken[16];
        if (
            encoded.Length > maxLength
            || !Bencode.TryParse(encoded, table, BencodeMode.Strict, out var root, out _)
            || root.Count != 3
            || !root.Find("certificate"u8).TryGetBytes(out var certificate)
            || !root.Find(name).TryGetBytes(out var body)
            || !root.Find("signature"u8).TryGetBytes(out var signature)
        )
        {
            return false;
        }

        statement = new SignedStatement(certificate, body, signature);
        return true;
    }

    /// <summary>Who has signed it, if the certificate was good at that time.</summary>
    public MembershipVerdict Check(
        ReadOnlySpan<byte> purpose,
        MembershipVerifier verifier,
        RevocationList? revoked,
        DateTimeOffset at
    )
    {
        ArgumentNullException.ThrowIfNull(verifier);
        var verdict = verifier.Verify(Certificate, revoked, at);
        return
            !verdict.IsOk || MemberIdentity.IsSigned(verdict.PublicKey.Span, (byte[])[.. purpose, .. Body], Signature)
            ? verdict
            : new MembershipVerdict(MembershipFault.BadSignature);
    }
}
