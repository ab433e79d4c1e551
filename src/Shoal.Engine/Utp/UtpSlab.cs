using System.Buffers;

namespace Shoal.Engine;

/// <summary>
/// A stretch of memory that is filled from the front and given back as a whole: of the shared pool, small for a quiet
/// connection and 64 KiB for a busy one.
/// </summary>
internal sealed class UtpSlab
{
    public const int SmallSize = 2 * 1024;

    /// <summary>One system call's worth: the longest run of datagrams that the system takes at once.</summary>
    public const int LargeSize = 64 * 1024;

    private byte[] _bytes;

    public UtpSlab(int size) => _bytes = ArrayPool<byte>.Shared.Rent(size);

    /// <summary>Where the used part begins and ends.</summary>
    public int Start { get; set; }
    public int End { get; set; }

    /// <summary>What still needs it; its owner counts.</summary>
    public int Users { get; set; }

    public int Room => _bytes.Length - End;
    public int Capacity => _bytes.Length;

    public Span<byte> Bytes => _bytes;

    /// <summary>The owner has no use for it any more. Once.</summary>
    public void Release()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
    }
}
