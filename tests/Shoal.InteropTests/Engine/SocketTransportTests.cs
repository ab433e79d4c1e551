using System.Net;
using System.Net.Sockets;
using Shoal.Engine;

namespace Shoal.InteropTests;

/// <summary>What the kernel makes of the options of a connection.</summary>
public sealed class SocketTransportTests
{
    [Fact]
    public async Task A_receive_waits_until_so_much_is_there_or_nothing_more_will_be()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        using var remote = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await remote.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);
        var socket = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        using var transport = new SocketTransport(socket);

        transport.AwaitAtLeast(5000);
        remote.Send(new byte[4999]);
        await UntilAsync(() => socket.Available == 4999);
        Assert.False(socket.Poll(0, SelectMode.SelectRead));
        remote.Send(new byte[1]);
        await UntilAsync(() => socket.Poll(0, SelectMode.SelectRead));
        Assert.Equal(5000, await transport.ReceiveAsync(new byte[10_000]));

        // What came while more was waited for is taken when less is.
        remote.Send(new byte[100]);
        await UntilAsync(() => socket.Available == 100);
        transport.AwaitAtLeast(1);
        Assert.Equal(100, await transport.ReceiveAsync(new byte[10_000]));

        transport.AwaitAtLeast(5000);
        var waiting = transport.ReceiveAsync(new byte[10_000]).AsTask();
        remote.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await waiting.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; i < 2000 && !condition(); i++)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        Assert.True(condition());
    }
}
