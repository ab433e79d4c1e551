using Shoal.Engine;
using Shoal.Protocol;
using Shoal.Testing;

namespace Shoal.UnitTests;

/// <summary>A running link with a fake peer at its other end, in virtual time. Ends with nothing leased.</summary>
public abstract class LinkFixture : IAsyncDisposable
{
    private protected static readonly PeerHandle Peer = new(7);

    private protected VirtualTime Time { get; } = new();
    private protected FakeLinkHost Host { get; }
    private protected FakePeer Remote { get; }
    private protected MemoryTransport Ours { get; }
    private protected PeerLink Link { get; }
    private protected BlockPool SendPool { get; } = new(64);
    private protected Task Running { get; }

    protected LinkFixture()
    {
        Host = new FakeLinkHost(Time, poolLimit: 4);
        var (ours, theirs) = MemoryTransport.CreatePair(64 * 1024);
        Ours = ours;
        Remote = new FakePeer(theirs);
        var limits = PeerLinkLimits.Default with { MaxOutboxBytes = 1024 * 1024 };
        Link = new PeerLink(Peer, ours, Host, FakeLinkHost.Introduction, limits, Time);
        Running = Link.RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();
        await Running;
        Remote.Dispose();
        while (Host.TryNext(out var left))
        {
            (left.Payload as BlockBuffer)?.Release();
        }

        Assert.Equal(0, Host.ReceivePool.Leased);
        Assert.Equal(0, SendPool.Leased);
        Assert.Equal(0, Time.ActiveTimers);
        GC.SuppressFinalize(this);
    }

    private protected static SwarmEffect Send(
        MessageId id,
        uint piece = 0,
        uint begin = 0,
        uint length = 0,
        object? payload = null
    ) => new(SwarmEffectKind.Send, Peer, id, piece, begin, length, payload);

    private protected static SwarmEffect Have(uint piece) => Send(MessageId.Have, piece);

    private protected SwarmEffect Piece(uint piece, uint begin, int length)
    {
        Assert.True(SendPool.TryRent(out var buffer));
        buffer.Length = length;
        return Send(MessageId.Piece, piece, begin, (uint)length, buffer);
    }

    private protected static byte[] RandomBlock(int length)
    {
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    /// <summary>A message each way, so that all that came before has been seen.</summary>
    private protected async Task ExchangeAsync()
    {
        await Remote.SendAsync("00000001" + "01");
        Assert.Equal(MessageId.Unchoke, (await Host.NextAsync()).MessageId);
    }

    private protected async Task AssertLeftAsync(DisconnectReason reason)
    {
        while (true)
        {
            var item = await Host.NextAsync();
            (item.Payload as BlockBuffer)?.Release();
            if (item.Kind != SwarmEventKind.PayloadSent)
            {
                Assert.Equal((SwarmEventKind.PeerLeft, Peer), (item.Kind, item.Peer));
                Assert.Equal(reason, item.Payload);
                return;
            }
        }
    }

    private protected static async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Yield();
        }
    }
}
