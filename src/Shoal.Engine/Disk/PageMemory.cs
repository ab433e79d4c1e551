using System.Runtime.InteropServices;

namespace Shoal.Engine;

/// <summary>Pinned memory that begins at a page, for what the system copies in bulk.</summary>
/// <remarks>
/// A managed array's first byte lies 16 bytes after its start, so a large one often begins 16 to 31 bytes into a page. The kernel
/// copies with <c>rep movsb</c>, whose fast form some processors (AMD Zen) leave when the target lies 8 to 31 bytes
/// further into its page than the source does: reading a file's blocks into such memory costs three times as much
/// (<c>bench/RESULTS.md</c>, 2026-11-28).
/// </remarks>
internal static class PageMemory
{
    private const int PageSize = 4096;

    /// <summary>Not cleared. Lives as long as anything refers to it; never moves.</summary>
    /// <param name="length">Bytes.</param>
    public static ArraySegment<byte> Allocate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var array = GC.AllocateUninitializedArray<byte>(length + PageSize - 1, pinned: true);
        var address = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        var skip = (int)(-address & (PageSize - 1));
        return new ArraySegment<byte>(array, skip, length);
    }
}
