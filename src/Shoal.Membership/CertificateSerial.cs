namespace Shoal.Membership;

/// <summary>The serial number of a certificate: 16 bytes, as text 32 hexadecimal digits in lower case.</summary>
public readonly record struct CertificateSerial(UInt128 Value) : IComparable<CertificateSerial>
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 16;

    /// <summary>Big-endian; shorter ones are padded, longer ones are none of ours.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out CertificateSerial serial)
    {
        var value = UInt128.Zero;
        if (bytes.Length <= Size)
        {
            foreach (var part in bytes)
            {
                value = value << 8 | part;
            }
        }

        serial = new CertificateSerial(value);
        return bytes.Length <= Size;
    }

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
        return bytes;
    }

    public int CompareTo(CertificateSerial other) => Value.CompareTo(other.Value);

    public override string ToString() => Convert.ToHexStringLower(ToArray());

    public static bool operator <(CertificateSerial left, CertificateSerial right) => left.Value < right.Value;

    public static bool operator <=(CertificateSerial left, CertificateSerial right) => left.Value <= right.Value;

    public static bool operator >(CertificateSerial left, CertificateSerial right) => left.Value > right.Value;

    public static bool operator >=(CertificateSerial left, CertificateSerial right) => left.Value >= right.Value;
}
