namespace Shoal.Engine;

/// <summary>
/// 16 KiB of pooled memory with one owner at a time: who receives it as a parameter releases it or hands it
/// on. Pinned, so vectored I/O needs no further pinning.
/// </summary>
internal sealed class BlockBuffer
{
    public const int Capacity = Protocol.PieceLayout.BlockSize;

    private readonly BlockPool _pool;
    private readonly Memory<byte> _memory;
    private int _leased;

    internal BlockBuffer(BlockPool pool, Memory<byte> memory)
    {
        _pool = pool;
        _memory = memory;
    }

    /// <summary>Bytes in use, from 0 to <see cref="Capacity"/>; set by who fills the buffer.</summary>
    public int Length { get; set; }

    /// <summary>The bytes in use.</summary>
    public Memory<byte> Memory => _memory[..Length];

    /// <summary>The bytes in use.</summary>
    public Span<byte> Span => _memory.Span[..Length];

    /// <summary>Gives the buffer back to its pool. The caller must not touch it afterwards.</summary>
    /// <exception cref="InvalidOperationException">It was released before: a bug in the owner.</exception>
    public void Release()
    {
        if (Interlocked.Exchange(ref _leased, 0) == 0)
        {
            throw new InvalidOperationException("block buffer released twice");
        }

        _pool.Return(this);
    }

    internal void MarkLeased()
    {
        Length = Capacity;
        _leased = 1;
    }
}
