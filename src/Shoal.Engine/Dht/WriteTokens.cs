using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// The tokens that prove that somebody who wants to store something can receive at its address (BEP 5). Nothing
/// is remembered per token: it is a keyed hash of the address, the target and the time.
/// </summary>
internal sealed class WriteTokens
{
    public const int Size = 8;

    // BEP 5: "a secret that changes every five minutes and tokens up to ten minutes old are accepted".
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private readonly byte[] _secret = new byte[32];

    public WriteTokens(DhtRandom random) => random.Fill(_secret);

    /// <summary>BEP 44: "The write token MAY be tied specifically to the key which get requested." Ours is, always.</summary>
    public byte[] Create(IPAddress address, NodeId target, TimeSpan now)
    {
        var token = new byte[Size];
        Compute(address, target, Epoch(now), token);
        return token;
    }

    public bool IsValid(ReadOnlySpan<byte> token, IPAddress address, NodeId target, TimeSpan now)
    {
        Span<byte> expected = stackalloc byte[Size];
        for (var epoch = Epoch(now); epoch >= Epoch(now) - 1; epoch--)
        {
            Compute(address, target, epoch, expected);
            if (CryptographicOperations.FixedTimeEquals(expected, token))
            {
                return true;
            }
        }

        return false;
    }

    private static long Epoch(TimeSpan now) => now.Ticks / Period.Ticks;

    private void Compute(IPAddress address, NodeId target, long epoch, Span<byte> token)
    {
        Span<byte> input = stackalloc byte[8 + NodeId.Size + 16];
        BinaryPrimitives.WriteInt64LittleEndian(input, epoch);
        target.CopyTo(input[8..]);
        address.TryWriteBytes(input[(8 + NodeId.Size)..], out var length);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, input[..(8 + NodeId.Size + length)], hash);
        hash[..Size].CopyTo(token);
    }
}
