using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>For how much of a block a link waits before it is woken.</summary>
public sealed class ReceiveLowWaterTests : LinkFixture
{
    private const int BlockSize = 16 * 1024;

    [Fact]
    public async Task The_rest_of_a_block_is_waited_for_and_then_any_message()
    {
        await Host.NextAsync();
        var message = new byte[PeerMessageWriter.PiecePrefixLength + BlockSize];
        PeerMessageWriter.WritePiecePrefix(message, 0, 0, BlockSize);
        Time.Advance(TimeSpan.FromMilliseconds(10));
        await Remote.SendAsync(message.AsMemory(0, 1000));
        Assert.Equal(message.Length - 1000, await NextAwaitedAsync());
        await Remote.SendAsync(message.AsMemory(1000));
        var block = (BlockBuffer)(await Host.NextAsync()).Payload!;
        Assert.Equal(BlockSize, block.Length);
        block.Release();
        Assert.Equal(1, await NextAwaitedAsync());
        await ExchangeAsync();
    }

    [Fact]
    public async Task Who_claims_much_is_waited_for_no_longer_than_for_a_block()
    {
        await Host.NextAsync();
        Time.Advance(TimeSpan.FromMilliseconds(10));
        // The start of an extended message of 500,000 bytes.
        await Remote.SendAsync("0007A120" + "14" + new string('0', 200));
        Assert.Equal(BlockSize, await NextAwaitedAsync());
    }

    [Fact]
    public void Neither_quick_links_nor_the_last_packet_are_waited_for()
    {
        var (transport, other) = MemoryTransport.CreatePair();
        var lowWater = new ReceiveLowWater(transport);
        var second = TimeSpan.FromSeconds(1);
        lowWater.Set((int)ReceiveLowWater.SlowRate, second, missing: 10_000);
        lowWater.Set(received: 1448, passed: TimeSpan.Zero, missing: 10_000);
        lowWater.Set(received: 1448, second / 10, missing: ReceiveLowWater.LeastBytes - 1);
        Assert.False(transport.AwaitedBytes.Reader.TryPeek(out _));
        lowWater.Set(received: 1448, second / 10, missing: 10_000);
        lowWater.Set(received: 5000, second, missing: 10_000);
        lowWater.Set((int)ReceiveLowWater.SlowRate, second, missing: 10_000);
        transport.AwaitedBytes.Writer.Complete();
        Assert.Equal([10_000, 1], transport.AwaitedBytes.Reader.ReadAllAsync().ToBlockingEnumerable());
        transport.Dispose();
        other.Dispose();
    }

    [Fact]
    public void No_wait_is_longer_than_five_seconds_at_the_pace_so_far()
    {
        var (transport, other) = MemoryTransport.CreatePair();
        var lowWater = new ReceiveLowWater(transport);
        var second = TimeSpan.FromSeconds(1);
        lowWater.Set(received: 1000, second, missing: 10_000);
        lowWater.Set(received: 100, second, missing: 10_000);
        transport.AwaitedBytes.Writer.Complete();
        Assert.Equal([5000, 1], transport.AwaitedBytes.Reader.ReadAllAsync().ToBlockingEnumerable());
        transport.Dispose();
        other.Dispose();
    }

    private Task<int> NextAwaitedAsync() => Ours.AwaitedBytes.Reader.ReadAsync().AsTask().WaitAsync(FakePeer.Patience);
}
