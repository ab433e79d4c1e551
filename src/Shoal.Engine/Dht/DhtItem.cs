using System.Buffers;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>Checks an Ed25519 signature; null stands for "no library to do it with".</summary>
internal delegate bool SignatureVerifier(
    ReadOnlySpan<byte> publicKey,
    ReadOnlySpan<byte> message,
    ReadOnlySpan<byte> signature
);

/// <summary>A value in the DHT with what proves it (BEP 44).</summary>
/// <param name="Value">Bencoded bytes.</param>
/// <param name="Signature">Null: immutable.</param>
/// <param name="Salt">Part of a mutable item's name; empty when it has none.</param>
internal sealed record DhtItem(byte[] Value, KrpcSignature? Signature, byte[] Salt)
{
    /// <summary>BEP 44: "The salt string MUST NOT be longer than 64 bytes."</summary>
    public const int MaxSalt = 64;

    public static DhtItem Immutable(byte[] value) => new(value, null, []);

    /// <summary>Where it is stored.</summary>
    public NodeId Target => Signature is null ? TargetOf(Value) : TargetOf(Signature.PublicKey, Salt);

    /// <summary>BEP 44: "Immutable items are stored under their SHA-1 hash".</summary>
    public static NodeId TargetOf(ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[NodeId.Size];
        Sha1(value, hash);
        return new NodeId(hash);
    }

    /// <summary>BEP 44: "the target field MUST be the SHA-1 hash of this key concatenated with the salt, if present."</summary>
    public static NodeId TargetOf(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> salt)
    {
        byte[] name = [.. publicKey, .. salt];
        return TargetOf(name);
    }

    /// <summary>BEP 44: "(4:salt length-of-salt : salt) 3:seqi seq e1:v len : and the encoded value".</summary>
    public static byte[] BytesToSign(ReadOnlySpan<byte> salt, long sequence, ReadOnlySpan<byte> value)
    {
        var buffer = new ArrayBufferWriter<byte>(value.Length + 128);
        var writer = new BencodeWriter(buffer);
        if (!salt.IsEmpty)
        {
            writer.Entry("salt"u8, salt);
        }

        writer.Entry("seq"u8, sequence);
        writer.String("v"u8);
        writer.Raw(value);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether the signature fits; false for immutable items.</summary>
    public bool HasGoodSignature(SignatureVerifier verify) =>
        Signature is not null
        && verify(Signature.PublicKey, BytesToSign(Salt, Signature.Sequence, Value), Signature.Signature);

    // The specification names SHA-1.
#pragma warning disable CA5350
    private static void Sha1(ReadOnlySpan<byte> bytes, Span<byte> hash) => SHA1.HashData(bytes, hash);
#pragma warning restore CA5350
}
