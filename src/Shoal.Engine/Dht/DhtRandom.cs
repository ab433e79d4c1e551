using System.Buffers.Binary;
using System.Security.Cryptography;
using Shoal.Protocol;

namespace Shoal.Engine;

/// <summary>
/// All randomness of a DHT node, from one seed: the same in every run with the same seed, and nothing that is
/// sent out lets others guess what comes next (transaction ids, write tokens).
/// </summary>
internal sealed class DhtRandom
{
    public const int SeedSize = 32;

    private readonly byte[] _state = new byte[SeedSize + 8];
    private readonly byte[] _block = new byte[SHA256.HashSizeInBytes];
    private int _used = SHA256.HashSizeInBytes;
    private ulong _counter;

    /// <param name="seed"><see cref="SeedSize"/> bytes that nobody else knows.</param>
    public DhtRandom(ReadOnlySpan<byte> seed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(seed.Length, SeedSize);
        seed.CopyTo(_state);
    }

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var value in bytes)
        {
            if (_used == _block.Length)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(_state.AsSpan(SeedSize), _counter++);
                SHA256.HashData(_state, _block);
                _used = 0;
            }

            value = _block[_used++];
        }
    }

    public uint NextUInt32()
    {
        Span<byte> bytes = stackalloc byte[4];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    public ulong NextUInt64()
    {
        Span<byte> bytes = stackalloc byte[8];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>From 0 to below <paramref name="end"/>, which is at least 1.</summary>
    public int Next(int end) => (int)(((ulong)NextUInt32() * (uint)end) >> 32);

    /// <summary>From 0 to below 1.</summary>
    public double NextDouble() => NextUInt32() / 4294967296.0;

    public NodeId NextNodeId()
    {
        Span<byte> bytes = stackalloc byte[NodeId.Size];
        Fill(bytes);
        return new NodeId(bytes);
    }

    /// <summary>A generator of its own, for a part that must not disturb this one's sequence.</summary>
    public DhtRandom Fork()
    {
        Span<byte> seed = stackalloc byte[SeedSize];
        Fill(seed);
        return new DhtRandom(seed);
    }
}
