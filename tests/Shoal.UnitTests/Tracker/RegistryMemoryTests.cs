using Shoal.Tracker;

namespace Shoal.UnitTests;

/// <summary>Memory is counted for the whole process, so nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(RegistryMemoryTests), DisableParallelization = true)]
[Collection(nameof(RegistryMemoryTests))]
public sealed class RegistryMemoryTests
{
    [Fact]
    public void AMillionPeersNeedLittleMemory()
    {
        var registry = new Registry(new RegistryLimits(), 1);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Span<byte> address = stackalloc byte[4];
        for (var i = 0; i < 1_000_000; i++)
        {
            Assert.True(BitConverter.TryWriteBytes(address, unchecked((uint)i * 2654435761u)));
            registry.Announce(
                RegistryTests.Request(1 + i % 9, i & 1),
                PeerAddress.From(address),
                0,
                default,
                default,
                TimeSpan.Zero
            );
        }

        Assert.Equal(1_000_000, registry.Peers);
        // 10 bytes an entry and 4 a slot of the index, with the slack of growing.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, 0, 40_000_000);
        GC.KeepAlive(registry);
    }
}
