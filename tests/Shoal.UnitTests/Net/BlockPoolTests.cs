using Shoal.Engine;

namespace Shoal.UnitTests;

public sealed class BlockPoolTests
{
    [Fact]
    public async Task A_waiter_that_gave_up_does_not_swallow_the_buffer_of_the_next()
    {
        var pool = new BlockPool(1);
        Assert.True(pool.TryRent(out var buffer));
        using var giveUp = new CancellationTokenSource();
        var first = pool.WhenAvailable(giveUp.Token);
        var second = pool.WhenAvailable(CancellationToken.None);

        await giveUp.CancelAsync();
        buffer.Release();

        await second.WaitAsync(TimeSpan.FromSeconds(20));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.True(pool.TryRent(out buffer));
        buffer.Release();
        Assert.Equal(0, pool.Leased);
    }

    [Fact]
    public void A_buffer_is_released_once()
    {
        var pool = new BlockPool(1);
        Assert.True(pool.TryRent(out var buffer));
        Assert.False(pool.TryRent(out _));
        buffer.Release();
        Assert.Throws<InvalidOperationException>(buffer.Release);
    }
}
