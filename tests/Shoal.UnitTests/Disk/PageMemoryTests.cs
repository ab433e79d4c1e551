using System.Runtime.InteropServices;
using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class PageMemoryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(128 * 1024)]
    [InlineData(1024 * 1024 + 5)]
    public void It_begins_at_a_page_and_has_the_length_asked_for(int length)
    {
        for (var i = 0; i < 5; i++)
        {
            var memory = PageMemory.Allocate(length);
            Assert.Equal(length, memory.Count);
            Assert.Equal(0, AddressOf(memory) % 4096);
        }
    }

    [Fact]
    public void Every_block_of_a_pool_begins_at_a_page()
    {
        var pool = new BlockPool(100);
        var blocks = new List<BlockBuffer>();
        while (pool.TryRent(out var block))
        {
            blocks.Add(block);
            Assert.True(MemoryMarshal.TryGetArray<byte>(block.Memory, out var bytes));
            Assert.Equal(0, AddressOf(bytes) % 4096);
        }

        Assert.Equal(100, blocks.Count);
        blocks.ForEach(block => block.Release());
    }

    private static nint AddressOf(ArraySegment<byte> memory) =>
        Marshal.UnsafeAddrOfPinnedArrayElement(memory.Array!, memory.Offset);
}
